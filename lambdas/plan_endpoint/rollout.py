"""How traffic moves to a new config: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html."""

from typing import Any

from dropforge import names
from lambdas.plan_endpoint.carrying import CAPTURE, INSTANCES, changed, variant
from lambdas.plan_endpoint.observing import Observed

CANARY_WAIT_SECONDS = 300
TERMINATION_WAIT_SECONDS = 60
MAXIMUM_SECONDS = 3600


def deployment_config(observed: Observed) -> dict[str, Any]:
    """Blue/green; a canary first if there are two instances or more to split.

    A canary takes at most half of the instances, so one instance cannot have one. Guardrails
    compare variants by name: none apply to an endpoint whose variant is named otherwise.
    """
    live = variant(observed)
    if "ServerlessConfig" in live or live.get("VariantName", names.VARIANT) != names.VARIANT:
        return {}
    if instances(observed) >= 2:
        routing: dict[str, Any] = {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": CANARY_WAIT_SECONDS,
        }
    else:
        routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": TERMINATION_WAIT_SECONDS,
            "MaximumExecutionTimeoutInSeconds": MAXIMUM_SECONDS,
        }
    }


def instances(observed: Observed) -> int:
    """How many instances serve now (a scaling policy may have changed it), else will."""
    declared = observed.spec.resources.endpoint_instances
    if observed.endpoint is None or changed(observed, INSTANCES):
        return declared
    served = observed.endpoint.get("ProductionVariants", [])
    return int(served[0].get("DesiredInstanceCount") or declared) if served else declared


def update_request(observed: Observed, config_name: str, rollout: dict[str, Any]) -> dict[str, Any]:
    """The UpdateEndpoint request: what runs keeps its instance count, weight and capture settings,
    except for those that the project now declares differently.
    """
    request: dict[str, Any] = {
        "EndpointName": observed.endpoint_name,
        "EndpointConfigName": config_name,
        "RetainAllVariantProperties": True,
    }
    excluded = [
        {"VariantPropertyType": kind}
        for kind, tag in (("DesiredInstanceCount", INSTANCES), ("DataCaptureConfig", CAPTURE))
        if changed(observed, tag)
    ]
    if excluded:
        request["ExcludeRetainedVariantProperties"] = excluded
    if rollout:
        request["DeploymentConfig"] = rollout
    return request
