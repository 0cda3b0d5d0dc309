"""The alarms of an update: they must exist, and they are watched while the new fleet bakes.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from local import roles
from local.pace import shortened
from local.sagemaker.container import SESSION_NAME
from local.sagemaker.errors import Invalid

_LOOK_EVERY = 0.2


def check(alarms: Sequence[str], role_arn: str) -> None:
    """Raises Invalid unless the model's execution role sees every alarm."""
    if not alarms:
        return
    try:
        found = {alarm["AlarmName"] for alarm in _described(alarms, role_arn)}
    except ClientError as error:
        raise Invalid(
            "Ensure that your IAM execution role has permission to perform the "
            f"cloudwatch:DescribeAlarms action on the auto-rollback alarms you specify: {error}"
        ) from error
    if missing := sorted(set(alarms) - found):
        raise Invalid(f"Could not find the CloudWatch alarms {missing}.")


def bake(
    seconds: float, alarms: Sequence[str], role_arn: str, flush: Callable[[], None]
) -> list[str]:
    """Watches the alarms for so many (AWS) seconds; those that rang, as soon as one does.

    `flush()` puts the metrics that the alarms watch.
    """
    deadline = time.monotonic() + shortened(seconds)
    while True:
        time.sleep(max(0.0, min(_LOOK_EVERY, deadline - time.monotonic())))
        over = time.monotonic() >= deadline
        if alarms:
            flush()
            if ringing := _ringing(alarms, role_arn):
                return ringing
        if over:
            return []


def _ringing(alarms: Sequence[str], role_arn: str) -> list[str]:
    found = _described(alarms, role_arn)
    return [alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"]


def _described(alarms: Sequence[str], role_arn: str) -> list[dict[str, Any]]:
    client = roles.client("cloudwatch", role_arn, SESSION_NAME)
    found = client.describe_alarms(
        AlarmNames=list(alarms), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return [*found["MetricAlarms"], *found["CompositeAlarms"]]
