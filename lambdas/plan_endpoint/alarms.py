"""The alarms that take an update back.

They watch what the endpoint answers anyway: nothing is sent to it on their account
(https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html).
"""

from dataclasses import dataclass, field
from typing import Any

from dropforge import names
from dropforge.errors import EndpointChanged
from lambdas.plan_endpoint.carrying import ALARM_LATENCY, changed
from lambdas.plan_endpoint.guards import alarm_names, named_alarms
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.request import Step
from lambdas.plan_endpoint.rollout import guarded

SETTABLE = (
    *("AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions"),
    *("InsufficientDataActions", "MetricName", "Namespace", "Statistic", "ExtendedStatistic"),
    *("Dimensions", "Period", "Unit", "EvaluationPeriods", "DatapointsToAlarm", "Threshold"),
    *("ComparisonOperator", "TreatMissingData", "EvaluateLowSampleCountPercentile"),
)
"""What PutMetricAlarm takes of what DescribeAlarms answers
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html)."""


@dataclass(frozen=True)
class AlarmPlan:
    """Which alarms guard the update, those that must be made first, and what is odd."""

    guarding: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan_alarms(observed: Observed) -> AlarmPlan:
    """The alarms of an update.

    One that rings already is left out: it would take back the very deployment that mends what it
    rings about.

    Raises:
        EndpointChanged: the project names an alarm that does not exist.
    """
    if not observed.served or not guarded(observed):
        return AlarmPlan()
    asked = named_alarms(observed.spec, observed.stage)
    if missing := [name for name in asked if name not in observed.alarms]:
        raise EndpointChanged(
            f"The project {observed.spec.name} names the alarms {', '.join(missing)}, which do not "
            f"exist in stage {observed.stage}. The endpoint was left as it is.",
            next_command=f"aws cloudwatch describe-alarms --alarm-names {' '.join(missing)}",
        )
    own = _own(observed)
    ringing = [n for n in (*own, *asked) if _state(observed, n) == "ALARM"]
    return AlarmPlan(
        guarding=[name for name in dict.fromkeys([*own, *asked]) if name not in ringing],
        steps=[Step(action="put_alarm", request=r) for r in own.values() if r is not None],
        notes=[f"The alarm {n} rings already: it does not guard this update." for n in ringing],
    )


def _own(observed: Observed) -> dict[str, dict[str, Any] | None]:
    """The endpoint's own alarms, each with the request that makes it, if one is needed."""
    called, rules = alarm_names(observed.endpoint_name), observed.spec.deployment.alarms
    own: dict[str, dict[str, Any] | None] = {}
    if rules.errors:
        name = called["errors"]
        own[name] = None if name in observed.alarms else _errors(observed, name)
    if rules.latency_ms is not None:
        name = called["latency"]
        live = observed.alarms.get(name)
        request = _latency(observed, name, rules.latency_ms)
        if live is None:
            own[name] = request
        elif changed(observed, ALARM_LATENCY):
            own[name] = {k: live[k] for k in SETTABLE if k in live} | {
                "Threshold": request["Threshold"]
            }
        else:
            own[name] = None
    return own


def _errors(observed: Observed, name: str) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "AlarmDescription": "Takes an update back: an answer with a 5xx status.",
        "MetricName": "Invocation5XXErrors",
        "Statistic": "Sum",
        "Threshold": 0.0,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        **_of_the_variant(observed),
    }


def _latency(observed: Observed, name: str, limit_ms: float) -> dict[str, Any]:
    """ModelLatency is in microseconds
    (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
    """
    return {
        "AlarmName": name,
        "AlarmDescription": "Takes an update back: the model's p95 latency.",
        "MetricName": "ModelLatency",
        "ExtendedStatistic": "p95",
        "Threshold": limit_ms * 1000,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        **_of_the_variant(observed),
    }


def _of_the_variant(observed: Observed) -> dict[str, Any]:
    dimensions = {"EndpointName": observed.endpoint_name, "VariantName": names.VARIANT}
    return {
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
        "Period": 60,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",  # no requests, no errors
    }


def _state(observed: Observed, name: str) -> str | None:
    return observed.alarms.get(name, {}).get("StateValue")
