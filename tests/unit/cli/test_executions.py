"""An execution's history folded into steps: what AWS sends, and what it leaves out."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from dropforge.cli.executions import execution_arn
from dropforge.cli.history import Step, fold, merge_polls

EVENTS = Path(__file__).resolve().parents[2] / "events" / "states"
START = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)


def events(*parts: tuple[str, str | None]) -> list[dict[str, Any]]:
    """Events one second apart; the second of a pair is the state's name or the error."""
    made = []
    for number, (kind, said) in enumerate(parts):
        event: dict[str, Any] = {
            "id": number + 1,
            "type": kind,
            "timestamp": START + dt.timedelta(seconds=number),
        }
        if kind.endswith("StateEntered"):
            event["stateEnteredEventDetails"] = {"name": said}
        elif kind.endswith("StateExited"):
            event["stateExitedEventDetails"] = {"name": said}
        elif kind == "TaskFailed":
            event["taskFailedEventDetails"] = {"error": said, "cause": "because"}
        made.append(event)
    return made


def names(steps: list[Step]) -> list[str]:
    return [step.name for step in steps]


def test_steps_in_order_with_their_times() -> None:
    steps = fold(
        events(
            ("ExecutionStarted", None),
            ("PassStateEntered", "Start"),
            ("PassStateExited", "Start"),
            ("TaskStateEntered", "Prepare"),
            ("TaskScheduled", None),
            ("TaskStarted", None),
            ("TaskSubmitted", None),
            ("TaskSucceeded", None),
            ("TaskStateExited", "Prepare"),
            ("TaskStateEntered", "Train"),
        )
    )
    assert names(steps) == ["Start", "Prepare", "Train"]
    assert [step.type for step in steps] == ["Pass", "Task", "Task"]
    assert steps[1].seconds == 5.0
    assert steps[2].exited is None and steps[2].seconds is None


def test_a_state_visited_twice_is_two_steps() -> None:
    visit = (("TaskStateEntered", "Prepare"), ("TaskStateExited", "Prepare"))
    steps = fold(events(*visit, *visit))
    assert names(steps) == ["Prepare", "Prepare"]
    assert all(step.exited for step in steps)


def test_a_retry_that_succeeds_is_no_failure() -> None:
    (step,) = fold(
        events(
            ("TaskStateEntered", "Train"),
            ("TaskFailed", "CapacityError"),
            ("TaskSucceeded", None),
            ("TaskStateExited", "Train"),
        )
    )
    assert step.failures == (("CapacityError", "because"),)
    assert not step.given_up


def test_a_caught_failure_is_one() -> None:
    train, notify = fold(
        events(
            ("TaskStateEntered", "Train"),
            ("TaskFailed", "States.TaskFailed"),
            ("TaskStateExited", "Train"),
            ("TaskStateEntered", "NotifyFailure"),
            ("TaskSucceeded", None),
            ("TaskStateExited", "NotifyFailure"),
        )
    )
    assert train.given_up
    assert not notify.given_up and notify.failures == ()


def test_events_inside_a_map_do_not_confuse() -> None:
    assert names(fold(events(("MapIterationStarted", None), ("PassStateExited", "Inner")))) == []


def test_the_arn_of_an_execution_is_the_machines() -> None:
    detail = json.loads((EVENTS / "execution_failed.json").read_text(encoding="utf-8"))["detail"]
    assert execution_arn(detail["stateMachineArn"], detail["name"]) == detail["executionArn"]


def visit(kind: str, name: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (f"{kind}StateEntered", name), (f"{kind}StateExited", name)


def test_a_polling_loop_is_one_step() -> None:
    loop = (
        *visit("Wait", "WaitForTraining"),
        *visit("Task", "DescribeTraining"),
        *visit("Choice", "TrainingEnded"),
    )
    steps = merge_polls(
        fold(events(*visit("Task", "Train"), *loop, *loop, *visit("Task", "Evaluate")))
    )
    assert names(steps) == ["Train", "WaitForTraining", "Evaluate"]
    assert steps[1].seconds == 12.0
    assert steps[2].exited is not None


def test_a_loop_that_still_runs_has_no_end() -> None:
    steps = merge_polls(
        fold(
            events(
                *visit("Task", "AcquireLock"),
                *visit("Choice", "HasLock"),
                *visit("Wait", "WaitForLock"),
                *visit("Task", "AcquireLock"),
                *visit("Choice", "HasLock"),
            )
        )
    )
    assert names(steps) == ["AcquireLock", "HasLock", "WaitForLock"]
    assert steps[-1].exited is None
