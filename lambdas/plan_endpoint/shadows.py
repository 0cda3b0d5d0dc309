"""The shadow variant of the planned config: ours, or one that somebody set up by hand.

An endpoint has one shadow at most, beside one production variant
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html). Its
weight over the production variant's is its share of the requests: both 1 are all of them
(https://docs.aws.amazon.com/sagemaker/latest/dg/model-shadow-deployment.html).
"""

import math
from dataclasses import replace
from typing import Any

from dropforge.errors import EndpointChanged
from lambdas.plan_endpoint.candidates import OurShadow
from lambdas.plan_endpoint.live import live_mode, look
from lambdas.plan_endpoint.modes import mode
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.request import PlanRequest
from lambdas.plan_endpoint.rollout import instances

MACHINE = (
    *("InstanceType", "InstancePools", "VolumeSizeInGB", "InferenceAmiVersion", "RoutingConfig"),
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
)
"""What a shadow has of the production variant, so that their latencies can be compared."""

_KEY = "ShadowProductionVariants"


def shadow_variants(
    observed: Observed, production: list[dict[str, Any]], model_name: str | None
) -> list[dict[str, Any]]:
    """ShadowProductionVariants beside the planned ones; `model_name` is that of our shadow."""
    if model_name is None or observed.candidate is None:
        return by_hand(observed)
    (main,) = production
    shadow = observed.candidate.shadow
    machine = {key: main[key] for key in MACHINE if key in main}
    return [
        machine
        | {
            "VariantName": shadow.variant,
            "ModelName": model_name,
            "InitialInstanceCount": _count(observed, shadow),
            "InitialVariantWeight": _weight(observed, main) * shadow.percent / 100,
        }
    ]


def by_hand(observed: Observed) -> list[dict[str, Any]]:
    """Shadow variants that are not ours: they stay as they are."""
    found: list[dict[str, Any]] = (observed.config or {}).get(_KEY) or []
    return [] if observed.live_shadow else [dict(variant) for variant in found]


def with_shadow(observed: Observed, request: PlanRequest) -> Observed:
    """What was observed, without a candidate that a deployment of another kind leaves behind.

    Raises:
        EndpointChanged: the change of the shadow that was asked for is none that SageMaker knows,
            or is not ours to make: a shadow that somebody set up by hand stays.
    """
    problem = None if observed.spec.endpoint == "none" else _problem(observed)
    if request.shadow is None:
        return replace(observed, candidate=None) if problem else observed
    if by_hand(observed):
        problem = "has a shadow that was set up by hand"
    elif observed.spec.endpoint == "none" and request.shadow.ask == "version":
        problem = "is not the project's any more: it says endpoint: none"
    elif observed.candidate is None:
        problem = None  # whatever the endpoint is, no shadow is asked of it
    if problem:
        raise EndpointChanged(
            f"The endpoint {observed.endpoint_name} {problem}. It was left as it is, and answers "
            "as before.",
            next_command=look(observed),
        )
    return observed


def _problem(observed: Observed) -> str | None:
    """Why an endpoint can have no shadow of ours."""
    if not observed.served:
        return "does not serve: there are no requests to copy"
    if {mode(observed), live_mode(observed)} != {"realtime"}:
        return "is serverless: it has no shadow"
    if len(observed.variants) > 1:
        return "has several variants: a shadow goes beside one"
    if (observed.config or {}).get("AsyncInferenceConfig"):
        # https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html
        return "is asynchronous: it has no shadow"
    return None


def _count(observed: Observed, shadow: OurShadow) -> int:
    """So many instances that none has more to do than one of production; what is there stays."""
    there = (observed.config or {}).get(_KEY) or []
    kept = [v["InitialInstanceCount"] for v in there if v["VariantName"] == shadow.variant]
    return kept[0] if kept else math.ceil(instances(observed) * shadow.percent / 100)


def _weight(observed: Observed, main: dict[str, Any]) -> float:
    """The production variant's weight: an update retains the one that it has."""
    served = (observed.endpoint or {}).get("ProductionVariants", [])
    live = [v.get("DesiredWeight") for v in served if v["VariantName"] == main["VariantName"]]
    return float(live[0] if live and live[0] is not None else main["InitialVariantWeight"])
