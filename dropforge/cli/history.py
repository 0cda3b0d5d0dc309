"""An execution's history, event by event, folded into the steps that a person follows."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from dropforge.aws.clients import client

_FAILURES = ("TaskFailed", "TaskTimedOut", "LambdaFunctionFailed", "LambdaFunctionTimedOut")
_SUCCESSES = ("TaskSucceeded", "LambdaFunctionSucceeded")


@dataclass
class Step:
    """One visit of a state. `failures` are the attempts that failed, as (error, cause).

    `given_up`: the last attempt failed too, so a Catch took over, or nothing did.
    """

    name: str
    type: str
    entered: dt.datetime
    exited: dt.datetime | None = None
    failures: tuple[tuple[str, str], ...] = ()
    given_up: bool = False

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return None if self.exited is None else (self.exited - self.entered).total_seconds()


def read_history(arn: str) -> list[Step]:
    """The states that an execution visited, in order."""
    pages = client("stepfunctions").get_paginator("get_execution_history")
    events = [e for page in pages.paginate(executionArn=arn) for e in page["events"]]
    return fold(events)


def fold(events: list[dict[str, Any]]) -> list[Step]:
    """Fold history events into steps.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
    """
    steps: list[Step] = []
    for event in events:
        kind, at = event["type"], event["timestamp"]
        if kind.endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            steps.append(Step(name, kind.removesuffix("StateEntered"), at))
        elif kind.endswith("StateExited"):
            name = event["stateExitedEventDetails"]["name"]
            for step in reversed(steps):
                if step.name == name and step.exited is None:
                    step.exited = at
                    break
        elif kind in _FAILURES and steps:
            steps[-1].failures += (_failure(event),)
            steps[-1].given_up = True
        elif kind in _SUCCESSES and steps:
            steps[-1].given_up = False
    return steps


def _failure(event: dict[str, Any]) -> tuple[str, str]:
    details: dict[str, str] = next((v for k, v in event.items() if k.endswith("EventDetails")), {})
    return details.get("error", "unknown"), details.get("cause", "")


def merge_polls(steps: list[Step]) -> list[Step]:
    """Make one step of every polling loop: a Wait, and what it leads back to until all is done.

    The merged step has the Wait's name and lasts from its first entry to the next new step.
    """
    merged: list[Step] = []
    seen: set[str] = set()
    poll: Step | None = None
    for step in steps:
        if poll is not None and _polls(step, seen):
            poll.failures += step.failures
            poll.given_up = step.given_up
            continue
        if poll is not None:
            poll.exited = step.entered
        poll = replace(step, exited=None) if step.type == "Wait" else None
        merged.append(poll or step)
        seen.add(step.name)
    return merged


def _polls(step: Step, seen: set[str]) -> bool:
    """Whether a step after a Wait still asks how far it is."""
    return step.type == "Choice" or step.name in seen or step.name.startswith("Describe")
