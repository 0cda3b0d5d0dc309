"""How fast a deployment's waiting passes here: the one knob of the local cloud's clock.

`DROPFORGE_ENDPOINT_SPEED` (default 300) says how many seconds that SageMaker waits pass in one
second here: a baking period of five minutes takes one second. It shortens the baking periods of
an update, the wait before the old fleet ends, and the periods of alarms on endpoint metrics (an
alarm over the last minute would otherwise remember errors from sixty deployments ago). 1 is AWS's
own pace. Timeouts of requests are never shortened.
"""

import os

SPEED = 300.0
SHORTEST_ALARM_PERIOD = 1.0


def shortened(seconds: float) -> float:
    """How long a wait of so many seconds on AWS takes here."""
    return seconds / float(os.environ.get("DROPFORGE_ENDPOINT_SPEED") or SPEED)


def alarm_period(seconds: float) -> float:
    """The period of an alarm on endpoint metrics, in seconds: never below one."""
    return max(shortened(seconds), min(seconds, SHORTEST_ALARM_PERIOD))
