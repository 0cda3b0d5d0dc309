"""Scaling that is kept through an update.

SageMaker refuses an update that changes the instance type of a variant that is scaled: the target
is deregistered before and registered after
(https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html). Deregistering
deletes policies and scheduled actions, so they are put again, too
(https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeregisterScalableTarget.html).
"""

from dataclasses import dataclass, field, replace
from typing import Any

from dropforge import names
from dropforge.endpoint import Scaling
from lambdas.plan_endpoint.carrying import SCALING, changed
from lambdas.plan_endpoint.guards import SCALED, LiveScaling, resource_id
from lambdas.plan_endpoint.live import main_variant
from lambdas.plan_endpoint.modes import mode, replaces, switches
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.request import Step

POLICY = ("PolicyName", "PolicyType")
POLICY_KINDS = (
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
    "PredictiveScalingPolicyConfiguration",
)
SCHEDULE = (
    *("ScheduledActionName", "Schedule", "Timezone", "StartTime", "EndTime"),
    "ScalableTargetAction",
)


@dataclass(frozen=True)
class ScalingPlan:
    """What is called before the update, after the test, and on the way back."""

    before: list[Step] = field(default_factory=list)
    after: list[Step] = field(default_factory=list)
    undo: list[Step] = field(default_factory=list)


def plan_scaling(observed: Observed, planned: dict[str, Any]) -> ScalingPlan:
    """How scaling comes through; `planned` is the planned variant `main`.

    What scales instances does not scale a serverless variant, nor the other way round: a change of
    the mode takes it off, and the way back puts it on.
    """
    live, asked = observed.scaling, observed.spec.scaling
    if replaces(observed):
        return _taken_off(live)
    if mode(observed) != "realtime":
        return ScalingPlan()
    if switches(observed):
        declared = _declare(observed, asked, None) if asked else []
        return replace(_taken_off(live), after=declared)
    ours = asked is not None and (live is None or changed(observed, SCALING))
    dropped = live is not None and asked is None and changed(observed, SCALING)
    moves = live is not None and _moves(main_variant(observed), planned)
    if not (ours or dropped or moves):
        return ScalingPlan()
    undo = _undo(observed, live, asked if ours else None)
    off = _taken_off(live).before
    before = off if moves else []
    if dropped:
        return ScalingPlan(before, [] if moves else off, undo)
    after = _register(live, resource_id(observed.endpoint_name, names.VARIANT)) if live else []
    if ours and asked is not None:
        after = _with(after, _declare(observed, asked, live))
    return ScalingPlan(before, after, undo)


def _taken_off(live: LiveScaling | None) -> ScalingPlan:
    if live is None:
        return ScalingPlan()
    return ScalingPlan([_deregister(live.place)], [], _register(live, live.target["ResourceId"]))


def _undo(observed: Observed, live: LiveScaling | None, declared: Scaling | None) -> list[Step]:
    """The way back from any point: a target is registered before it is taken off, so that it is
    there, and taken off before it is what it was, so that nothing is left of what was declared.
    """
    back = _register(live, live.target["ResourceId"]) if live else []
    if declared is None:
        return back
    new = _declare(observed, declared, live)
    if any(_identity(step) == _identity(new[-1]) for step in back):
        return back
    return [new[0], _deregister(_ours(observed)), *back]


def _moves(live: dict[str, Any], planned: dict[str, Any]) -> bool:
    kept = ("VariantName", "InstanceType", "InstancePools")
    return any(live.get(key) != planned.get(key) for key in kept)


def _declare(observed: Observed, asked: Scaling, live: LiveScaling | None) -> list[Step]:
    """What the project asks for, over what of it was set by hand beside."""
    place = _ours(observed)
    name = f"{observed.endpoint_name}-invocations"
    config: dict[str, Any] = {
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        }
    }
    for policy in live.policies if live else []:
        if policy["PolicyName"] == name:
            config = policy["TargetTrackingScalingPolicyConfiguration"]
    return [
        Step(
            action="register",
            request=place | {"MinCapacity": asked.min, "MaxCapacity": asked.max},
        ),
        Step(
            action="put_policy",
            request=place
            | {
                "PolicyName": name,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": config
                | {"TargetValue": asked.invocations_per_instance},
            },
        ),
    ]


def _with(steps: list[Step], declared: list[Step]) -> list[Step]:
    """The steps, those that the project declares in the place of the live ones."""
    named = {_identity(step): step for step in steps}
    for step in declared:
        live = named.get(_identity(step))
        request = live.request | step.request if live else step.request
        named[_identity(step)] = Step(action=step.action, request=request)
    return list(named.values())


def _identity(step: Step) -> tuple[str, str]:
    name = step.request.get("PolicyName") or step.request.get("ScheduledActionName") or ""
    return step.action, name


def _register(live: LiveScaling, resource: str) -> list[Step]:
    """The calls that make scaling what it is, at a resource."""
    place = live.place | {"ResourceId": resource}
    kept = ("MinCapacity", "MaxCapacity", "SuspendedState")
    return [
        Step(action="register", request=place | _only(live.target, kept)),
        *(
            Step(action="put_policy", request=place | _only(policy, (*POLICY, *POLICY_KINDS)))
            for policy in live.policies
        ),
        *(
            Step(action="put_schedule", request=place | _only(schedule, SCHEDULE))
            for schedule in live.schedules
        ),
    ]


def _deregister(place: dict[str, str]) -> Step:
    return Step(action="deregister", request=dict(place))


def _ours(observed: Observed) -> dict[str, str]:
    """What names the instances of the variant `main`."""
    return SCALED | {"ResourceId": resource_id(observed.endpoint_name, names.VARIANT)}


def _only(described: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: described[key] for key in keys if key in described}
