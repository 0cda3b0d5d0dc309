"""Step Functions as the CLI asks it: executions and histories set up by a test."""

import datetime as dt
import json
from typing import Any

from botocore.exceptions import ClientError

START = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


class FakeStates:
    """Executions by ARN, the newest last. Each question moves those that follow one state on."""

    def __init__(self) -> None:
        self.executions: dict[str, dict[str, Any]] = {}
        self.histories: dict[str, list[dict[str, Any]]] = {}

    def add(
        self,
        machine: str,
        name: str,
        *visits: str,
        status: str = "SUCCEEDED",
        seconds: float = 30,
        input: dict[str, Any] | None = None,
        **ending: str,
    ) -> str:
        """An execution that visited Task states; a `!` before a name is a failed task."""
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        ended = {} if status == "RUNNING" else {"stopDate": START + dt.timedelta(seconds=seconds)}
        self.executions[arn] = {
            "executionArn": arn,
            "stateMachineArn": machine,
            "name": name,
            "status": status,
            "startDate": START,
            "input": json.dumps(input or {}),
            **ended,
            **ending,
        }
        self.histories[arn] = list(_events(visits, open_end=status == "RUNNING"))
        return arn

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        if executionArn not in self.executions:
            error = {"Error": {"Code": "ExecutionDoesNotExist", "Message": "none"}}
            raise ClientError(error, "DescribeExecution")
        return self.executions[executionArn]

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)


class Pages:
    """A paginator of the two operations, a page an item."""

    def __init__(self, states: FakeStates, operation: str) -> None:
        self._states = states
        self._operation = operation

    def paginate(self, **arguments: str) -> list[dict[str, Any]]:
        if self._operation == "get_execution_history":
            return [{"events": [e]} for e in self._states.histories[arguments["executionArn"]]]
        machine = arguments["stateMachineArn"]
        found = [e for e in self._states.executions.values() if e["stateMachineArn"] == machine]
        return [{"executions": [e]} for e in reversed(found)]


def _events(visits: tuple[str, ...], open_end: bool) -> list[dict[str, Any]]:
    events = []
    for number, visit in enumerate(visits):
        name, failed = visit.removeprefix("!"), visit.startswith("!")
        at = START + dt.timedelta(seconds=number)
        entered = {"stateEnteredEventDetails": {"name": name}}
        events.append({"type": "TaskStateEntered", "timestamp": at} | entered)
        if failed:
            cause = json.dumps({"FailureReason": "out of memory"})
            details = {"taskFailedEventDetails": {"error": "States.TaskFailed", "cause": cause}}
            events.append({"type": "TaskFailed", "timestamp": at} | details)
        if not (open_end and number == len(visits) - 1):
            exited = {"stateExitedEventDetails": {"name": name}}
            later = at + dt.timedelta(seconds=0.5)
            events.append({"type": "TaskStateExited", "timestamp": later} | exited)
    return events
