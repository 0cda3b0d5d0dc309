"""An execution's status event as the request that its own Catch would have made."""

import json
from typing import Any

from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent

from dropforge.aws.clients import client
from lambdas.executions import Execution, find_execution
from lambdas.notify.request import FailureRequest, NotifyRequest

FAILED = ("FAILED", "TIMED_OUT", "ABORTED")
_PLAIN = {
    "TIMED_OUT": "The run took longer than its state machine allows, and was stopped.",
    "ABORTED": "Somebody stopped the run.",
}
_HISTORY = 100


def request_of(event: EventBridgeEvent) -> NotifyRequest | None:
    """What failed, or None for an event of another status or of no run of ours."""
    detail = event.detail
    if detail.get("status") not in FAILED:
        return None
    execution = find_execution(detail["executionArn"])
    given = _input(detail, execution)
    if "project" not in given:
        return None
    return NotifyRequest(
        project=given["project"],
        project_version=given.get("project_version", "unknown"),
        run=detail["name"],
        execution=detail["executionArn"],
        kind="failure",
        failure=_failure(detail, execution),
    )


def _input(detail: dict[str, Any], execution: Execution | None) -> dict[str, Any]:
    """The execution's input; an event leaves out one that is too large for it."""
    if text := detail.get("input"):
        return dict(json.loads(text))
    return execution.input if execution else {}


def _failure(detail: dict[str, Any], execution: Execution | None) -> FailureRequest:
    status = detail["status"]
    cause = detail.get("cause") or (execution.cause if execution else None)
    plain = _PLAIN.get(status, "")
    return FailureRequest(
        step=last_state(detail["executionArn"]) or "an unknown step",
        error=detail.get("error") or (execution.error if execution else None) or status,
        cause=f"{plain} {cause or ''}".strip() or status,
    )


def last_state(execution_arn: str) -> str | None:
    """The state an execution was in when it ended, by its history read backwards."""
    history = client("stepfunctions").get_execution_history(
        executionArn=execution_arn,
        reverseOrder=True,
        maxResults=_HISTORY,
        includeExecutionData=False,
    )
    for event in history["events"]:
        if entered := event.get("stateEnteredEventDetails"):
            name: str = entered["name"]
            return name
    return None
