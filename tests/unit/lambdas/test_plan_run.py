"""PlanRun: once more, train, score, or nothing."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge.drops import DropOutcome
from lambdas.plan_run.handler import handler
from lambdas.plan_run.planning import MAX_ROUNDS
from tests.unit.lambdas.conftest import Account
from tests.unit.lambdas.documents import (
    RUN,
    make_champion,
    make_drop,
    make_outcome,
    make_snapshot,
    write_prepared,
)

SCORING = "s3://lake/runs/credit/scoring-1"


def plan(
    account: Account, round_: int = 1, trigger: str = "drop", **changes: Any
) -> dict[str, Any]:
    spec = account.push(**changes)
    event = {
        "project": "credit",
        "project_version": spec.version,
        "run": RUN,
        "execution": f"arn:aws:states:eu-west-1:123456789012:execution:p:{RUN}",
        "round": round_,
        "trigger": trigger,
    }
    return handler(event, account.context)


def unlabelled(drop: str = "b" * 32) -> DropOutcome:
    return make_outcome(
        drop,
        name="20210101.csv",
        key="credit/20210101.csv",
        period="202101",
        state="started",
        kind="unlabelled",
        positives=None,
        scoring_rows=1000,
    )


def test_accepted_rows_are_trained_on(account: Account) -> None:
    account.ledger.make_training_due("credit", 4, RUN)
    write_prepared([make_outcome()], snapshot=make_snapshot())
    answer = plan(account)
    assert (answer["again"], answer["train"], answer["score"]) == (False, True, False)
    assert answer["snapshot_uri"] == make_snapshot().uri
    assert answer["training_instance_types"][0] == "ml.m5.xlarge"
    assert answer["processing_instance_types"][0] == "ml.m5.xlarge"


def test_the_reference_that_the_project_names_is_passed_on(account: Account) -> None:
    write_prepared([make_outcome()])
    assert plan(account)["reference"] is None
    assert plan(account, reference="3")["reference"] == "3"


def test_without_due_training_nothing_is_trained(account: Account) -> None:
    write_prepared([make_outcome(state="duplicate")], snapshot=make_snapshot())
    answer = plan(account)
    assert (answer["train"], answer["score"], answer["snapshot_uri"]) == (False, False, None)


def test_due_training_without_rows_to_train_on_waits(account: Account) -> None:
    account.ledger.make_training_due("credit", 4, RUN)
    write_prepared([make_outcome(state="quarantined")])
    assert plan(account)["train"] is False


@pytest.mark.parametrize(
    ("failed_run", "trigger", "expected"),
    [("another", "drop", False), ("another", "train", True), (RUN, "drop", True)],
)
def test_a_failed_training_is_tried_again_only_on_purpose(
    account: Account, failed_run: str, trigger: str, expected: bool
) -> None:
    account.ledger.make_training_due("credit", 4, "another")
    account.ledger.training_failed("credit", failed_run)
    write_prepared([make_outcome(state="quarantined")], snapshot=make_snapshot())
    assert plan(account, trigger=trigger)["train"] is expected


def test_an_unlabelled_file_is_scored_with_the_champion(account: Account) -> None:
    account.ledger.move_champion("credit", make_champion(), None)
    write_prepared([unlabelled()], scoring_uri=SCORING)
    answer = plan(account)
    assert (answer["train"], answer["score"], answer["scoring_uri"]) == (False, True, SCORING)


def test_scoring_is_planned_when_the_run_may_bring_the_first_model(account: Account) -> None:
    account.ledger.make_training_due("credit", 4, RUN)
    write_prepared([make_outcome(), unlabelled()], snapshot=make_snapshot(), scoring_uri=SCORING)
    answer = plan(account)
    assert (answer["train"], answer["score"]) == (True, True)


def test_without_any_model_an_unlabelled_file_fails_and_says_why(account: Account) -> None:
    account.ledger.claim(make_drop("b" * 32, key="credit/20210101.csv"))
    write_prepared([unlabelled()], scoring_uri=SCORING)
    answer = plan(account)
    assert (answer["train"], answer["score"], answer["scoring_uri"]) == (False, False, None)
    drop = account.ledger.drop("credit", "b" * 32)
    assert drop is not None and (drop.state, drop.settled_by) == ("failed", RUN)
    assert "dropforge redrive credit" in drop.reasons[0].message


def test_drops_that_arrived_meanwhile_are_prepared_first(account: Account) -> None:
    account.ledger.make_training_due("credit", 4, RUN)
    account.ledger.claim(make_drop("c" * 32, key="credit/20201101.csv"))
    write_prepared([make_outcome()], snapshot=make_snapshot())
    answer = plan(account)
    assert (answer["again"], answer["train"], answer["score"]) == (True, False, False)


def test_drops_seen_in_an_earlier_round_are_not_new(account: Account) -> None:
    account.ledger.claim(make_drop("b" * 32, key="credit/20210101.csv"))
    account.ledger.move_champion("credit", make_champion(), None)
    write_prepared([unlabelled()], round_=1, scoring_uri=SCORING)
    write_prepared([unlabelled()], round_=2, scoring_uri=SCORING)
    answer = plan(account, round_=2)
    assert (answer["again"], answer["score"]) == (False, True)


def test_the_rounds_end_although_drops_keep_arriving(account: Account) -> None:
    account.ledger.claim(make_drop("c" * 32))
    for number in range(1, MAX_ROUNDS + 1):
        write_prepared([], round_=number)
    assert plan(account, round_=MAX_ROUNDS)["again"] is False


def test_a_missing_document_is_an_error(account: Account) -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        plan(account)
