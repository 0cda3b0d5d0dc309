"""The ledger's conditional writes, against DynamoDB as moto answers it."""

import datetime as dt
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from dropforge.aws.ledger import Ledger
from dropforge.drops import DropRecord, Reason
from dropforge.errors import ChampionMoved
from dropforge.ledger import Champion, RegisteredModel

NOW = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        resource = boto3.resource("dynamodb")
        resource.create_table(
            TableName="ledger",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield Ledger("ledger", resource)


def record(drop: str = "d1", minutes: int = 0) -> DropRecord:
    at = NOW + dt.timedelta(minutes=minutes)
    return DropRecord(
        id=drop,
        project="churn",
        bucket="drops",
        key=f"churn/{drop}.csv",
        version="v",
        state="claimed",
        created_at=at,
        updated_at=at,
    )


def champion(version: str) -> Champion:
    return Champion(
        version=version,
        model_package_arn=f"arn:{version}",
        artifact_uri=f"s3://lake/{version}/",
        run="r",
        promoted_at=NOW,
    )


def test_the_second_claim_answers_the_first(ledger: Ledger) -> None:
    first = ledger.claim(record())
    ledger.start(first, "arn:execution")
    again = ledger.claim(record(minutes=5))
    assert (again.state, again.execution, again.created_at) == ("started", "arn:execution", NOW)


def test_pending_drops_come_oldest_first_and_leave_when_settled(ledger: Ledger) -> None:
    for drop, minutes in (("b", 2), ("a", 3), ("c", 1)):
        ledger.claim(record(drop, minutes))
    assert [d.id for d in ledger.pending("churn")] == ["c", "b", "a"]
    reasons = [Reason(code="x", message="y", line=3)]
    assert ledger.settle("churn", "b", "quarantined", run="r", reasons=reasons)
    assert [d.id for d in ledger.pending("churn")] == ["c", "a"]
    assert ledger.drops("churn", ["quarantined"])[0].reasons == reasons


def test_a_final_state_is_final(ledger: Ledger) -> None:
    drop = ledger.claim(record())
    assert ledger.settle("churn", drop.id, "accepted", run="r", rows=10)
    assert not ledger.settle("churn", drop.id, "failed", run="other")
    ledger.start(drop, "arn:late")
    kept = ledger.drop("churn", drop.id)
    assert kept is not None and (kept.state, kept.rows, kept.execution) == ("accepted", 10, None)


def test_a_failed_drop_is_taken_up_as_its_next_attempt(ledger: Ledger) -> None:
    drop = ledger.claim(record())
    ledger.settle("churn", drop.id, "failed", run="r", reasons=[Reason(code="x", message="y")])
    reopened = ledger.reopen(drop)
    assert (reopened.state, reopened.attempt, reopened.reasons) == ("claimed", 2, [])


def test_one_holder_of_a_lock_until_released_or_taken_over(ledger: Ledger) -> None:
    assert ledger.acquire("churn", "pipeline", "first")
    assert ledger.acquire("churn", "pipeline", "first")
    assert not ledger.acquire("churn", "pipeline", "second")
    assert ledger.acquire("churn", "deployment", "second")
    assert not ledger.acquire("churn", "pipeline", "second", instead_of="third")
    assert ledger.acquire("churn", "pipeline", "second", instead_of="first")
    assert not ledger.release("churn", "pipeline", "first")
    assert ledger.release("churn", "pipeline", "second")
    assert ledger.lock("churn", "pipeline") is None


def test_only_a_verdict_on_the_newest_rows_clears_the_training(ledger: Ledger) -> None:
    ledger.make_training_due("churn", 3, "r1")
    ledger.make_training_due("churn", 2, "late")
    ledger.training_failed("churn", "r1")
    due = ledger.training_due("churn")
    assert due is not None and (due.lake_version, due.failed_run) == (3, "r1")
    assert not ledger.clear_training("churn", 2)
    assert ledger.clear_training("churn", 3)
    ledger.training_failed("churn", "r2")
    assert ledger.training_due("churn") is None


def test_newer_rows_wipe_the_earlier_failure(ledger: Ledger) -> None:
    ledger.make_training_due("churn", 3, "r1")
    ledger.training_failed("churn", "r1")
    ledger.make_training_due("churn", 4, "r2")
    due = ledger.training_due("churn")
    assert due is not None and due.failed_run is None


def test_the_champion_moves_only_from_the_one_compared_against(ledger: Ledger) -> None:
    ledger.move_champion("churn", champion("1"), expected=None)
    ledger.move_champion("churn", champion("2"), expected="1")
    ledger.move_champion("churn", champion("2"), expected="1")
    with pytest.raises(
        ChampionMoved, match="compared against version 1, but the champion is now 2"
    ):
        ledger.move_champion("churn", champion("3"), expected="1")
    with pytest.raises(ChampionMoved):
        ledger.move_champion("churn", champion("3"), expected=None)
    kept = ledger.champion("churn")
    assert kept is not None and kept.version == "2"


def test_a_pending_model_is_decided_once(ledger: Ledger) -> None:
    model = RegisteredModel(
        version="12",
        model_package_arn="arn",
        artifact_uri="s3://lake/m/",
        run="r",
        project_version="v",
        verdict="PROMOTE",
        status="PendingManualApproval",
        awaiting=True,
        registered_at=NOW,
    )
    ledger.put_model("churn", model)
    ledger.put_model("churn", model.model_copy(update={"version": "9"}))
    assert [m.version for m in ledger.models("churn")] == ["9", "12"]
    assert ledger.take_pending_model("churn", "12")
    assert not ledger.take_pending_model("churn", "12")
    assert not ledger.take_pending_model("churn", "404")


def test_a_runs_mail_is_claimed_once_unless_given_back(ledger: Ledger) -> None:
    assert ledger.claim_mail("churn", "r")
    assert not ledger.claim_mail("churn", "r")
    ledger.release_mail("churn", "r")
    assert ledger.claim_mail("churn", "r")


def test_projects_are_listed_by_name(ledger: Ledger) -> None:
    ledger.point_project("churn", "v1")
    ledger.point_project("churn", "v2")
    ledger.point_project("credit", "v1")
    ledger.claim(record())
    pointer = ledger.project("churn")
    assert pointer is not None and pointer.version == "v2"
    assert ledger.projects() == ["churn", "credit"]
