"""NotifyFailure against recorded status events of Step Functions."""

import json
from typing import Any

import pytest

from dropforge.aws import clients
from lambdas.notify.handler import handler as notify
from lambdas.notify_failure.handler import handler
from tests.unit.lambdas.conftest import Account, read_event
from tests.unit.lambdas.documents import RUN, make_drop


@pytest.fixture
def execution(account: Account, monkeypatch: pytest.MonkeyPatch) -> str:
    """The run that the events speak of: it holds the lock, its drop is started."""
    drop = account.ledger.claim(make_drop())
    arn = account.start(RUN, project="credit", project_version="0123456789abcdef", drop=drop.id)
    account.ledger.start(drop, arn)
    account.ledger.acquire("credit", "pipeline", arn)
    history = {
        "events": [
            {"id": 28, "type": "ExecutionFailed"},
            {
                "id": 27,
                "type": "TaskStateEntered",
                "stateEnteredEventDetails": {"name": "PlanRun"},
            },
            {
                "id": 20,
                "type": "TaskStateEntered",
                "stateEnteredEventDetails": {"name": "Prepare"},
            },
        ]
    }
    states = clients.client("stepfunctions")
    monkeypatch.setattr(states, "get_execution_history", lambda **arguments: history)
    return arn


def event(name: str, execution: str) -> dict[str, Any]:
    """A recorded event, about this execution."""
    found = read_event(f"states/{name}.json")
    found["detail"]["executionArn"] = execution
    return found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("execution_failed", "returned nothing (undefined)"),
        ("execution_timed_out", "took longer than its state machine allows"),
        ("execution_aborted", "Somebody stopped the run. Stopped by an operator"),
        ("execution_failed_input_left_out", "FAILED"),
    ],
)
def test_a_bad_end_is_told_of_and_put_in_order(
    account: Account, execution: str, name: str, said: str
) -> None:
    assert handler(event(name, execution), account.context) == {"sent": True}
    (mail,) = account.mails()
    assert mail["subject"].startswith("[credit/dev] FAILED at PlanRun")
    assert said in mail["body"] and mail["event"] == "failures"
    assert account.ledger.drops("credit")[0].state == "failed"
    assert account.ledger.lock("credit", "pipeline") is None


def test_a_failure_that_the_run_mailed_itself_is_not_mailed_again(
    account: Account, execution: str
) -> None:
    notify(
        {
            "project": "credit",
            "project_version": "0123456789abcdef",
            "run": RUN,
            "execution": execution,
            "kind": "failure",
            "failure": {"step": "PlanRun", "error": "States.Runtime", "cause": "x", "attempt": 1},
        },
        account.context,
    )
    assert handler(event("execution_failed", execution), account.context) == {"sent": False}
    assert len(account.mails()) == 1


def test_an_event_that_comes_twice_is_mailed_once(account: Account, execution: str) -> None:
    for _ in range(2):
        handler(event("execution_timed_out", execution), account.context)
    assert len(account.mails()) == 1


@pytest.mark.parametrize("status", ["SUCCEEDED", "RUNNING"])
def test_other_statuses_are_ignored(account: Account, execution: str, status: str) -> None:
    other = event("execution_failed", execution)
    other["detail"]["status"] = status
    assert handler(other, account.context) == {"sent": False}
    assert account.ledger.lock("credit", "pipeline") is not None


def test_an_execution_without_a_project_is_none_of_ours(account: Account, execution: str) -> None:
    other = event("execution_failed", execution)
    other["detail"]["input"] = json.dumps({})
    assert handler(other, account.context) == {"sent": False}
    assert account.mails() == []


def test_a_history_without_states_still_gives_a_mail(
    account: Account, execution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = clients.client("stepfunctions")
    monkeypatch.setattr(states, "get_execution_history", lambda **arguments: {"events": []})
    handler(event("execution_failed", execution), account.context)
    assert "FAILED at an unknown step" in account.mails()[0]["subject"]
