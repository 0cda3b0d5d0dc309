"""`doctor`: each problem by name, with what to do; exit status 1 if there is one."""

import datetime as dt
import json
import sys

import boto3
import pytest

from dropforge.cli import checks
from dropforge.cli.session import Session
from dropforge.ledger import Champion

from .conftest import Dropforge
from .test_decisions import register
from .test_drops import event, failed_drop

Found = dict[str, tuple[bool, str, str | None]]


def doctor(dropforge: Dropforge) -> Found:
    result = dropforge("doctor", "--json")
    documents = json.loads(result.stdout)
    assert result.exit_code == (0 if all(d["ok"] for d in documents) else 1)
    return {d["name"]: (d["ok"], d["found"], d["todo"]) for d in documents}


@pytest.fixture(autouse=True)
def node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "check_node", lambda: checks.Check("node", True, "v24"))


def test_all_in_order(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    result = dropforge("doctor")
    assert result.exit_code == 0, result.stdout
    assert "Everything is in order." in result.stdout
    found = doctor(dropforge)
    assert found["cloud"][1].startswith("AWS eu-west-1, as arn:aws:")
    assert found["churn: endpoint"][1] == "no model in production yet"


def test_what_awaits_a_decision_is_listed_and_no_problem(
    session: Session, dropforge: Dropforge
) -> None:
    dropforge("push", "churn")
    register(session, "6", awaiting=False, status="Approved")
    register(session, "7")
    ok, found, _ = doctor(dropforge)["churn: decision"]
    assert ok
    assert found == (
        "v7 awaits one since 2026-01-31 09:30 UTC: "
        "dropforge approve churn 7, or dropforge reject churn 7"
    )


def test_nothing_deployed_ends_there(
    aws: None, dropforge: Dropforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dropforge.aws.stack import Stack
    from dropforge.errors import StackNotFound

    def find(stage: str) -> None:
        raise StackNotFound("none", next_command="make deploy")

    monkeypatch.setattr(Stack, "find", find)
    found = doctor(dropforge)
    assert found["stack"] == (False, "none", "make deploy")
    assert list(found)[-1] == "stack"


def test_nobody_mailed_and_nothing_pushed(session: Session, dropforge: Dropforge) -> None:
    found = doctor(dropforge)
    assert found["mails"][0] is False
    assert found["projects"] == (False, "none was pushed", "dropforge push PROJECT")


def test_files_events_and_training_that_wait(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    failed_drop(session)
    session.ledger.make_training_due("churn", 3, "r1")
    session.ledger.training_failed("churn", "r1")
    boto3.client("sqs").send_message(
        QueueUrl=session.stack.drop_dead_letter_queue_url, MessageBody=event("churn/a.csv")
    )
    found = doctor(dropforge)
    assert found["churn: drops"] == (
        False,
        "1 files, 0 pending, 1 failed",
        "dropforge redrive churn",
    )
    assert found["events"][:2] == (False, "1 in the dead-letter queue")
    assert not found["churn: training"][0] and "run r1 failed" in found["churn: training"][1]


def test_a_model_in_production_whose_endpoint_is_gone(
    session: Session, dropforge: Dropforge
) -> None:
    dropforge("push", "churn")
    dropforge("push", "credit")
    for project in ("churn", "credit"):
        champion = Champion(
            version="3", model_package_arn="arn", artifact_uri="s3://lake/m/", run="r",
            promoted_at=dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
        )  # fmt: skip
        session.ledger.move_champion(project, champion, None)
    found = doctor(dropforge)
    assert found["churn: endpoint"][:2] == (False, "churn-dev does not exist, champion v3")
    assert found["credit: endpoint"][:2] == (True, "v3 in production, batch only")


def test_a_python_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 0, "final", 0))
    assert not checks.check_python().ok
