"""How traffic moves to a new config: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html."""

import math
from collections.abc import Iterable
from typing import Any

from dropforge import names
from lambdas.plan_endpoint.carrying import CAPTURE, INSTANCES, changed
from lambdas.plan_endpoint.live import main_variant
from lambdas.plan_endpoint.modes import mode, switches
from lambdas.plan_endpoint.observing import Observed

RETAINED = {"DesiredInstanceCount": INSTANCES, "DataCaptureConfig": CAPTURE}
"""What an update retains of what runs, unless the project declares it anew
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VariantProperty.html)."""

TERMINATION_WAIT_SECONDS = 60
STARTING_SECONDS = 2400
"""How long a new fleet may take to come up, besides the time that it bakes."""


def guarded(observed: Observed) -> bool:
    """Whether guardrails apply: to real-time and asynchronous endpoints, before and after, whose
    variants are compared by name
    (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html).
    """
    name = main_variant(observed).get("VariantName", names.VARIANT)
    return mode(observed) == "realtime" and name == names.VARIANT and not switches(observed)


def deployment_config(observed: Observed, alarms: list[str]) -> dict[str, Any]:
    """Blue/green, in the steps that the project asks for, taken back by the alarms."""
    if not guarded(observed):
        return {}
    routing = _routing(observed)
    bake = observed.spec.deployment.bake_seconds if alarms else 0
    config: dict[str, Any] = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            # The last bake: all traffic is on the new fleet, the old one is still there.
            "TerminationWaitInSeconds": max(bake, TERMINATION_WAIT_SECONDS),
            "MaximumExecutionTimeoutInSeconds": STARTING_SECONDS
            + _moves(observed) * routing["WaitIntervalInSeconds"]
            + bake,
        }
    }
    if alarms:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return config


def described(observed: Observed) -> str:
    """How traffic moves, in words."""
    kind = _routing(observed)["Type"].lower() if guarded(observed) else "all_at_once"
    asked = observed.spec.deployment.rollout
    if kind == asked:
        return kind
    if not guarded(observed):
        return f"{kind}, not {asked}: guardrails do not apply"
    why = "variants move together" if _several(observed) else "one instance cannot be divided"
    return f"{kind}, not {asked}: {why}"


def instances(observed: Observed) -> int:
    """How many instances serve now (a scaling policy may have changed it), else will."""
    declared = observed.spec.resources.endpoint_instances
    if observed.endpoint is None or changed(observed, INSTANCES):
        return declared
    return _serving_now(observed) or declared


def _serving_now(observed: Observed) -> int:
    """How many instances of the variant serve; 0 if that is not known."""
    live = main_variant(observed).get("VariantName", names.VARIANT)
    served = (observed.endpoint or {}).get("ProductionVariants", [])
    counts = [v.get("DesiredInstanceCount") for v in served if v["VariantName"] == live]
    return int(counts[0] or 0) if counts else 0


def update_request(observed: Observed, config_name: str, rollout: dict[str, Any]) -> dict[str, Any]:
    """The UpdateEndpoint request: what runs keeps its instance count, weight and capture settings,
    except for those that the project now declares differently.
    """
    request: dict[str, Any] = {
        "EndpointName": observed.endpoint_name,
        "EndpointConfigName": config_name,
        "RetainAllVariantProperties": True,
    }
    anew = [kind for kind, tag in RETAINED.items() if changed(observed, tag)]
    # What was serverless has neither instances nor capture that could be kept.
    request |= _excluded(RETAINED if switches(observed) else anew)
    if rollout:
        request["DeploymentConfig"] = rollout
    return request


def restore_request(observed: Observed, previous: str | None) -> dict[str, Any] | None:
    """The UpdateEndpoint request of the way back: what an update would set anew is set back, but
    for an instance count that scaling had changed, which the previous config does not know. None
    if no update leads back: to nothing, or to another mode.
    """
    if previous is None or switches(observed):
        return None
    live = main_variant(observed)
    configured = live.get("InitialInstanceCount") == _serving_now(observed)
    back = [kind for kind, tag in RETAINED.items() if changed(observed, tag)]
    return {
        "EndpointName": observed.endpoint_name,
        "EndpointConfigName": previous,
        "RetainAllVariantProperties": True,
        **_excluded(kind for kind in back if configured or kind == "DataCaptureConfig"),
    }


def _excluded(kinds: Iterable[str]) -> dict[str, Any]:
    properties = [{"VariantPropertyType": kind} for kind in kinds]
    return {"ExcludeRetainedVariantProperties": properties} if properties else {}


def _routing(observed: Observed) -> dict[str, Any]:
    """A canary is at most half of a variant's instances, a linear step 10 to 50 %: one instance has
    neither, and several variants have no step that fits them all
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html).
    """
    rules, count = observed.spec.deployment, instances(observed)
    if rules.rollout == "all_at_once" or count < 2 or _several(observed):
        return {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    wait = {"WaitIntervalInSeconds": rules.bake_seconds}
    if rules.rollout == "canary":
        return {"Type": "CANARY", "CanarySize": _of_instances(1), **wait}
    return {"Type": "LINEAR", "LinearStepSize": _of_instances(_step(count)), **wait}


def _several(observed: Observed) -> bool:
    """Whether others serve or shadow beside the variant `main`, or will."""
    live = (observed.config or {}).get("ShadowProductionVariants")
    return len(observed.variants) > 1 or bool(live) or observed.candidate is not None


def _moves(observed: Observed) -> int:
    """How often traffic moves after the first time."""
    kind, count = _routing(observed)["Type"], instances(observed)
    return {"CANARY": 1, "LINEAR": math.ceil(count / _step(count))}.get(kind, 0)


def _step(count: int) -> int:
    """A quarter of the instances, rounded up: never above half, never below 10 %."""
    return math.ceil(count / 4)


def _of_instances(count: int) -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": count}
