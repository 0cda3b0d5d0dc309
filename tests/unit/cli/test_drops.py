"""`drop` and `redrive`: a file in the bucket, a failed one as the next attempt."""

import datetime as dt
import json
from pathlib import Path

import boto3

from dropforge.cli.session import Session
from dropforge.dropkey import drop_id
from dropforge.drops import DropRecord, Reason

from .conftest import Dropforge

NOW = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)


def failed_drop(session: Session, key: str = "churn/20201001.csv") -> DropRecord:
    record = DropRecord(
        id=drop_id("drops", key, "v1"),
        project="churn",
        bucket="drops",
        key=key,
        version="v1",
        state="claimed",
        created_at=NOW,
        updated_at=NOW,
    )
    session.ledger.claim(record)
    reason = Reason(code="run_failed", message="It broke.")
    session.ledger.settle("churn", record.id, "failed", run="r1", reasons=[reason])
    return record


def executions(machine: str) -> dict[str, dict[str, object]]:
    states = boto3.client("stepfunctions")
    listed = states.list_executions(stateMachineArn=machine)["executions"]
    return {
        e["name"]: json.loads(states.describe_execution(executionArn=e["executionArn"])["input"])
        for e in listed
    }


def test_drop_uploads_under_the_project(
    session: Session, dropforge: Dropforge, tmp_path: Path
) -> None:
    dropforge("push", "churn")
    file = tmp_path / "2020-10 ä+b.csv"
    file.write_text("customer_id,churn\nC1,No\n", encoding="utf-8")
    result = dropforge("drop", str(file))
    assert result.exit_code == 0, result.stderr
    stored = boto3.client("s3").get_object(Bucket="drops", Key="churn/2020-10 ä+b.csv")
    assert stored["Body"].read() == file.read_bytes()


def test_drop_asks_for_the_project_when_there_are_two(
    session: Session, dropforge: Dropforge, tmp_path: Path
) -> None:
    file = tmp_path / "initial.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    assert "has 0 projects" in dropforge("drop", str(file)).stderr
    dropforge("push", "churn")
    dropforge("push", "credit")
    result = dropforge("drop", str(file))
    assert result.exit_code == 1
    assert "2 projects (churn, credit)" in result.stderr
    assert dropforge("drop", str(file), "--project", "credit").exit_code == 0


def test_drop_refuses_what_intake_would_refuse(
    session: Session, dropforge: Dropforge, tmp_path: Path
) -> None:
    dropforge("push", "churn")
    (tmp_path / "notes.docx").touch()
    for name, said in {"notes.docx": "no extension that is read", "none.csv": "no file"}.items():
        result = dropforge("drop", str(tmp_path / name))
        assert result.exit_code == 1
        assert said in result.stderr
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="drops")


def test_redrive_starts_the_next_attempt(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    record = failed_drop(session)
    result = dropforge("redrive", "churn")
    assert result.exit_code == 0, result.stderr
    assert "1 failed files started again" in result.stdout
    name = f"churn-202010-{record.id[:8]}-2"
    assert executions(session.stack.pipeline_arn) == {
        name: {
            "project": "churn",
            "project_version": session.pushed("churn").version,
            "trigger": "drop",
            "drop": record.id,
        }
    }
    again = session.ledger.drop("churn", record.id)
    assert again is not None
    assert (again.state, again.attempt) == ("started", 2)
    assert again.execution is not None and again.execution.endswith(f":{name}")


def test_redrive_leaves_other_states_alone(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    record = failed_drop(session)
    dropforge("redrive", "churn")
    assert "0 failed files" in dropforge("redrive", "churn").stdout
    assert len(executions(session.stack.pipeline_arn)) == 1
    again = session.ledger.drop("churn", record.id)
    assert again is not None and again.attempt == 2


def test_redrive_says_that_training_is_still_due(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    session.ledger.make_training_due("churn", 3, "r1")
    session.ledger.training_failed("churn", "r1")
    assert "dropforge train churn" in dropforge("redrive", "churn").stderr


def event(key: str) -> str:
    return json.dumps({"Records": [{"s3": {"object": {"key": key}}}]})


def test_redrive_replays_only_the_projects_dead_letters(
    session: Session, dropforge: Dropforge
) -> None:
    dropforge("push", "churn")
    sqs, dead = boto3.client("sqs"), session.stack.drop_dead_letter_queue_url
    for body in (event("churn/2020+10.csv"), event("credit/initial.csv"), "no JSON"):
        sqs.send_message(QueueUrl=dead, MessageBody=body)
    assert "1 undelivered events replayed" in dropforge("redrive", "churn").stdout
    queued = sqs.receive_message(QueueUrl=session.stack.drop_queue_url, MaxNumberOfMessages=10)
    assert [m["Body"] for m in queued["Messages"]] == [event("churn/2020+10.csv")]
    left = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
    assert sorted(m["Body"] for m in left) == sorted([event("credit/initial.csv"), "no JSON"])
