"""CloudWatch alarms: on the metric's own dimensions, period by period, and on time.

The emulator evaluates an alarm over every series of its metric, whatever the dimensions, as one
period, only when metrics arrive, and leaves it in its state when they stop.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
"""

import json
import time
from typing import Any

from ministack.core import iam_actions
from ministack.services import cloudwatch

from local.home import ACCOUNT, REGION
from local.pace import alarm_period

_SHORTENED = "AWS/SageMaker"
_COMPARE = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
    "LessThanOrEqualToThreshold": lambda value, limit: value <= limit,
}
_set_by_hand: dict[str, float] = {}
"""Until when an alarm keeps the state that SetAlarmState gave it."""

Alarm = dict[str, Any]
Point = dict[str, Any]


def install() -> None:
    """Replaces the evaluation, evaluates before alarms are described, authorises on alarms."""
    cloudwatch._evaluate_alarm = evaluate
    describe = cloudwatch._describe_alarms

    def described(*request: Any) -> Any:
        cloudwatch._evaluate_all_alarms()
        return describe(*request)

    cloudwatch._describe_alarms = described
    _keep_what_was_set()
    _authorise_on_named_alarms()


def _authorise_on_named_alarms() -> None:
    """DescribeAlarms and DeleteAlarms are authorised on the alarms that they name.

    The emulator asks for `*`. Of several alarms the first decides here.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    """
    original = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> str:
        if service == "monitoring" and b"AlarmNames" in (body or b""):
            names = json.loads(body).get("AlarmNames") if body.startswith(b"{") else None
            if names:
                return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{names[0]}"
        return str(original(service, method, path, headers, body, *rest))

    iam_actions.extract_resource_arn = extract_resource_arn


def _keep_what_was_set() -> None:
    """A state set by hand lasts until the next evaluation is due, one period later.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html
    """
    set_state = cloudwatch._set_alarm_state

    def kept(params: Any, document: dict[str, Any], *rest: Any) -> Any:
        name = document.get("AlarmName") or cloudwatch._p(params, "AlarmName")
        alarm = cloudwatch._alarms.get(name)
        if alarm is not None:
            _set_by_hand[name] = time.time() + alarm["Period"]
        return set_state(params, document, *rest)

    cloudwatch._set_alarm_state = kept


def evaluate(alarm: Alarm) -> None:
    """Brings the alarm to the state that its metric's last periods call for."""
    if alarm.get("ComparisonOperator") not in _COMPARE or not alarm.get("MetricName"):
        return
    if _set_by_hand.get(alarm["AlarmName"], 0.0) > time.time():
        return
    state, reason = judge(alarm, _points(alarm), time.time())
    old = alarm["StateValue"]
    if state == old:
        return
    alarm["StateValue"], alarm["StateReason"] = state, reason
    alarm["StateUpdatedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], old, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def judge(alarm: Alarm, points: list[Point], moment: float) -> tuple[str, str]:
    """State and reason: M of the last N periods breaching, missing ones treated as configured.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    values = [_statistic(alarm, part) for part in _periods(alarm, points, moment)]
    known = [value for value in values if value is not None]
    treatment = alarm.get("TreatMissingData") or "missing"
    if not known and treatment == "missing":
        return "INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received"
    if not known and treatment == "ignore":
        return alarm["StateValue"], alarm["StateReason"]
    breaches = _COMPARE[alarm["ComparisonOperator"]]
    breaching = sum(breaches(value, alarm["Threshold"]) for value in known)
    if treatment == "breaching":
        breaching += len(values) - len(known)
    needed = alarm.get("DatapointsToAlarm") or len(values)
    relation = f"{alarm['ComparisonOperator']} {alarm['Threshold']}"
    reason = f"Threshold Crossed: {breaching} of {len(values)} datapoints {known} were {relation}"
    return ("ALARM" if breaching >= needed else "OK"), reason


def _periods(alarm: Alarm, points: list[Point], moment: float) -> list[list[Point]]:
    """The points of each of the last periods, the newest period last and ending now."""
    length = float(alarm["Period"])
    if alarm["Namespace"] == _SHORTENED:
        length = alarm_period(length)
    count = int(alarm["EvaluationPeriods"])
    parts: list[list[Point]] = [[] for _ in range(count)]
    for point in points:
        age = moment - point["Timestamp"]
        if age < length * count:
            parts[count - 1 - max(0, int(age // length))].append(point)
    return parts


def _statistic(alarm: Alarm, points: list[Point]) -> float | None:
    if not points:
        return None
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
    return None if value is None else float(value)


def _points(alarm: Alarm) -> list[Point]:
    """The points of the one series that has exactly the alarm's dimensions."""
    wanted = {item["Name"]: item["Value"] for item in alarm.get("Dimensions") or []}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(wanted))
    found: list[Point] = cloudwatch._metrics.get(key) or []
    return found
