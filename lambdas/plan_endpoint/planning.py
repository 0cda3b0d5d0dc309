"""The plan as a pure function of what was observed."""

from dataclasses import asdict
from typing import Any

from dropforge import names
from dropforge.errors import EndpointChanged
from lambdas.plan_endpoint.alarms import plan_alarms
from lambdas.plan_endpoint.live import live_mode, look
from lambdas.plan_endpoint.modes import mode, mode_notes, replaces
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.request import Action, PlanAnswer, PlannedShadow, PlanRequest
from lambdas.plan_endpoint.requests import (
    NOT_SERVERLESS,
    config_request,
    endpoint_request,
    model_request,
    shadow_model_request,
)
from lambdas.plan_endpoint.rollout import (
    deployment_config,
    described,
    restore_request,
    update_request,
)
from lambdas.plan_endpoint.scaling import plan_scaling
from lambdas.plan_endpoint.shadows import with_shadow

WAIT_FOR = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
MIXED = "UpdateRollbackFailed"
"""A rolling update that somebody made failed, and so did its rollback: old and new answer. Another
update makes it whole
(https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html)."""

ANSWERS = ("InService", MIXED)
_NOT_THERE = (*NOT_SERVERLESS, "DataCaptureConfig")


def plan(observed: Observed, request: PlanRequest) -> PlanAnswer:
    """Plan how the endpoint comes to serve the model.

    Raises:
        EndpointChanged: the endpoint is in a state that only a person can judge.
    """
    of_what = {
        "endpoint": observed.endpoint_name,
        "version": request.version,
        "model_package_arn": request.model_package_arn,
        "artifact_uri": request.artifact_uri,
    }
    observed = with_shadow(observed, request)
    if observed.spec.endpoint == "none":
        return PlanAnswer(action="none", notes=_left(observed), **of_what)
    if request.shadow is not None and not observed.served:
        return PlanAnswer(action="none", notes=["No endpoint serves: it has no shadow."], **of_what)
    shadow = shadow_model_request(observed)
    model = model_request(observed, request)
    config = config_request(observed, request, model["ModelName"], (shadow or {}).get("ModelName"))
    alarms = plan_alarms(observed)
    rollout = deployment_config(observed, alarms.guarding)
    variants = config["ProductionVariants"]
    (own,) = [v for v in variants if v["VariantName"] == names.VARIANT]
    scaling = plan_scaling(observed, own)
    return PlanAnswer(
        action=action(observed, config["EndpointConfigName"]),
        model_name=model["ModelName"],
        config_name=config["EndpointConfigName"],
        previous_config=_previous(observed),
        create_model=model,
        create_endpoint_config=config,
        create_endpoint=endpoint_request(observed, config["EndpointConfigName"]),
        create_shadow_model=shadow,
        shadow=PlannedShadow(**asdict(observed.candidate.shadow)) if observed.candidate else None,
        update_endpoint=update_request(observed, config["EndpointConfigName"], rollout),
        restore_endpoint=restore_request(observed, _previous(observed)),
        recreate_endpoint=endpoint_request(observed, _previous(observed)),
        deployment_config=rollout,
        target_variant=names.VARIANT if len(variants) > 1 else None,
        latency_ms=observed.spec.deployment.latency_ms,
        before=[*alarms.steps, *scaling.before],
        after=scaling.after,
        undo=scaling.undo,
        rollout=described(observed),
        notes=[*alarms.notes, *_notes(observed)],
        **of_what,
    )


def action(observed: Observed, config_name: str) -> Action:
    """What to do with the endpoint, by its status
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html).
    """
    if observed.endpoint is None:
        return "create"
    status = observed.endpoint["EndpointStatus"]
    if status in WAIT_FOR:
        return "wait"
    if status == "Failed":
        return "delete"  # the only thing that a failed endpoint accepts
    if status not in ANSWERS:
        raise EndpointChanged(
            f"The endpoint {observed.endpoint_name} is {status}: "
            f"{observed.endpoint.get('FailureReason', 'no reason given')}. It was left as it is.",
            next_command=look(observed),
        )
    if replaces(observed):
        return "replace"
    same = observed.endpoint["EndpointConfigName"] == config_name
    return "unchanged" if same and status == "InService" else "update"


def _left(observed: Observed) -> list[str]:
    """What a project without endpoint should know of the one that it still has."""
    if observed.endpoint is None:
        return []
    return [
        f"The endpoint {observed.endpoint_name} is still there ({_status(observed)}) and costs "
        "money, though the project says endpoint: none. It answers with the model it had; this "
        f"deployment did not touch it. Next: dropforge endpoint delete {observed.spec.name}"
    ]


def _notes(observed: Observed) -> list[str]:
    notes = mode_notes(observed)
    if mode(observed) == "serverless" and live_mode(observed) == "realtime":
        model = {"VpcConfig": (observed.model or {}).get("VpcConfig")}
        had = {key: _live(observed, key) or model.get(key) for key in _NOT_THERE}
        notes += [
            f"A serverless endpoint has no {k}: it was left out." for k, v in had.items() if v
        ]
        if observed.scaling is not None:
            notes.append("A serverless endpoint scales itself: the scaling was taken off.")
    if observed.endpoint is not None and _status(observed) == MIXED:
        notes.append(
            f"The endpoint {observed.endpoint_name} was {MIXED}: a mix of two configurations "
            "answered, until this update."
        )
    return notes


def _previous(observed: Observed) -> str | None:
    """The config to return to: a failed endpoint serves none."""
    name = observed.endpoint.get("EndpointConfigName") if observed.endpoint else None
    return name if observed.served else None


def _live(observed: Observed, key: str) -> Any:
    return (observed.config or {}).get(key)


def _status(observed: Observed) -> str:
    return str((observed.endpoint or {}).get("EndpointStatus"))
