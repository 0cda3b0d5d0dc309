"""The plan's further calls, one after the other: alarms before an update, scaling after it."""

from collections.abc import Callable, Sequence
from typing import Any

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.machine import condition
from infra.tasks.common import jsonata
from infra.tasks.guards import GuardCall

SCALING = ("register", "deregister", "put_policy", "put_schedule")
BEFORE = ("put_alarm", "deregister")


def run_steps(
    scope: Construct,
    id: str,
    *,
    steps: str,
    actions: Sequence[str],
    place: dict[str, Any],
    then: sfn.IChainable,
    on_failure: Callable[[GuardCall], None],
    touches: bool = True,
) -> sfn.State:
    """States that make every call of `steps`, a variable such as `$plan.before`.

    Each of `actions` is one task, named `<id><Action>`.
    `touches`: a change of scaling is noted in `$changed` and `$registered`, so that a failure puts
    it back.
    """
    start = sfn.Pass.jsonata(scope, f"{id}Steps", assign={"step": 0}, outputs={})
    following = sfn.Choice.jsonata(scope, f"{id}NextStep")
    counted = {"step": jsonata("$step + 1")}
    calls = {
        action: GuardCall(
            scope,
            id + "".join(word.capitalize() for word in action.split("_")),
            action=action,
            request=jsonata(f"{steps}[$step].request"),
            assign=counted | (_noted(action) if touches else {}),
            **place,
        )
        for action in actions
    }
    following.when(condition(f"$step >= $count({steps})"), then)
    *others, last = actions
    for action in others:
        following.when(condition(f"{steps}[$step].action = '{action}'"), calls[action])
    following.otherwise(calls[last])
    for call in calls.values():
        on_failure(call)
        call.next(following)
    start.next(following)
    return start


def _noted(action: str) -> dict[str, Any]:
    if action not in SCALING:
        return {}
    changed = {"changed": jsonata("$changed = 'nothing' ? 'scaling' : $changed")}
    return changed | ({"registered": True} if action == "register" else {})
