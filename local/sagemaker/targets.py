"""What an update leads to, checked as far as it can be before anything is started.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
"""

from dataclasses import dataclass, field

from local.sagemaker import baking
from local.sagemaker.errors import Invalid
from local.sagemaker.models import Models
from local.sagemaker.retaining import desired, kept, retained, size
from local.sagemaker.rollout import Rollout, rollout
from local.sagemaker.store import Document


@dataclass(frozen=True)
class Target:
    """What an endpoint is to serve, and how it comes to serve it.

    `retained`: DesiredWeight and DesiredInstanceCount by variant that outrank the configuration's.
    """

    config: Document
    capture: Document | None
    retained: dict[str, Document] = field(default_factory=dict)
    rollout: Rollout = field(default_factory=Rollout)


def present_target(endpoint: Document, config: Document) -> Target:
    """What an endpoint serves already, with the capture that an update had retained."""
    capture = endpoint.get("_capture", config.get("DataCaptureConfig"))
    return Target(config, capture, desired(endpoint))


def update_target(
    models: Models, request: Document, endpoint: Document, before: Document, deployment: Document
) -> Target:
    """The target of an UpdateEndpoint request; `before` is the configuration that serves.

    Raises Invalid for what SageMaker refuses at once.
    """
    config = models.describe_endpoint_config(request)
    _check_kind(before, config)
    stays, capture = retained(request, endpoint), config.get("DataCaptureConfig")
    if "DataCaptureConfig" in kept(request):
        capture = endpoint.get("_capture")
    plan = rollout(deployment, size(before, desired(endpoint)), size(config, stays))
    model = models.describe_model(config["ProductionVariants"][0])
    baking.check(plan.alarms, model["ExecutionRoleArn"])
    return Target(config, capture, stays, plan)


def _check_kind(before: Document, after: Document) -> None:
    """Instances do not become serverless; serverless becomes instances, and not back.

    The page says that the former is a ValidationError, not how it is worded:
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    """
    was, becomes = ("ServerlessConfig" in c["ProductionVariants"][0] for c in (before, after))
    if becomes and not was:
        raise Invalid("Cannot convert an instance-based endpoint to a serverless endpoint.")
