"""AcquireLock and ReleaseLock."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge.aws import clients
from dropforge.drops import DropState
from lambdas.acquire_lock.handler import handler as acquire
from lambdas.release_lock.handler import handler as release
from tests.unit.lambdas.conftest import Account
from tests.unit.lambdas.documents import make_drop


def ask(account: Account, execution: str, **changes: Any) -> dict[str, Any]:
    event = {"lock": "pipeline", "project": "credit", "execution": execution, **changes}
    return acquire({"drop": None, "trigger": "train"} | event, account.context)


def give_back(account: Account, execution: str) -> bool:
    event = {"lock": "pipeline", "project": "credit", "execution": execution}
    return bool(release(event, account.context)["released"])


def waiting_run(account: Account, state: DropState) -> tuple[str, dict[str, Any]]:
    """A run whose drop is in `state`; its execution and the drop part of its request."""
    drop = account.ledger.claim(make_drop())
    execution = account.start("credit-202010-waits-1", project="credit", drop=drop.id)
    account.ledger.start(drop, execution)
    if state != "started":
        account.ledger.settle("credit", drop.id, state, run="another")
    return execution, {"drop": drop.id, "trigger": "drop"}


def test_a_free_lock_is_taken_and_given_back(account: Account) -> None:
    one = account.start("one")
    assert ask(account, one) == {"acquired": True, "covered": False, "holder": one, "disk_gb": 0}
    assert give_back(account, one) is True
    assert account.ledger.lock("credit", "pipeline") is None


def test_a_held_lock_is_waited_for(account: Account) -> None:
    one, two = account.start("one"), account.start("two")
    ask(account, one)
    assert ask(account, two) == {"acquired": False, "covered": False, "holder": one, "disk_gb": 0}


def test_the_holder_gets_it_again(account: Account) -> None:
    one = account.start("one")
    ask(account, one)
    assert ask(account, one)["acquired"] is True


def test_a_lock_of_a_dead_run_is_taken_over(account: Account) -> None:
    one, two = account.start("one"), account.start("two")
    ask(account, one)
    account.stop(one)
    assert ask(account, two) == {"acquired": True, "covered": False, "holder": two, "disk_gb": 0}
    assert give_back(account, one) is False
    assert account.ledger.lock("credit", "pipeline") is not None


def test_a_lock_of_a_run_that_step_functions_forgot_is_taken_over(account: Account) -> None:
    gone = account.pipeline_arn.replace(":stateMachine:", ":execution:") + ":gone"
    account.ledger.acquire("credit", "pipeline", gone)
    assert ask(account, account.start("two"))["acquired"] is True


def test_a_holder_that_cannot_be_looked_up_keeps_its_lock(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = account.start("one"), account.start("two")
    ask(account, one)

    def throttle(**arguments: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeExecution")

    monkeypatch.setattr(clients.client("stepfunctions"), "describe_execution", throttle)
    with pytest.raises(ClientError):
        ask(account, two)
    lock = account.ledger.lock("credit", "pipeline")
    assert lock is not None and lock.holder == one


def test_locks_of_other_projects_and_kinds_are_others(account: Account) -> None:
    one, two = account.start("one"), account.start("two")
    ask(account, one)
    assert ask(account, two, project="churn")["acquired"] is True
    assert ask(account, two, lock="deployment", trigger="promote")["acquired"] is True


def test_a_run_whose_drop_is_pending_works(account: Account) -> None:
    execution, request = waiting_run(account, "started")
    assert ask(account, execution, **request)["acquired"] is True


@pytest.mark.parametrize("state", ["accepted", "quarantined", "duplicate", "failed"])
def test_a_run_whose_drop_another_settled_is_covered(account: Account, state: DropState) -> None:
    execution, request = waiting_run(account, state)
    answer = ask(account, execution, **request)
    assert (answer["acquired"], answer["covered"]) == (False, True)
    assert account.ledger.lock("credit", "pipeline") is None


def test_a_covered_run_leaves_the_others_lock_alone(account: Account) -> None:
    execution, request = waiting_run(account, "accepted")
    other = account.start("other")
    ask(account, other)
    assert ask(account, execution, **request)["covered"] is True
    lock = account.ledger.lock("credit", "pipeline")
    assert lock is not None and lock.holder == other


def test_a_covered_run_gives_back_what_an_earlier_attempt_took(account: Account) -> None:
    execution, request = waiting_run(account, "started")
    ask(account, execution, **request)
    account.ledger.settle("credit", str(request["drop"]), "accepted", run="another")
    assert ask(account, execution, **request)["covered"] is True
    assert account.ledger.lock("credit", "pipeline") is None


def test_a_run_is_not_covered_while_training_is_due(account: Account) -> None:
    execution, request = waiting_run(account, "accepted")
    account.ledger.make_training_due("credit", 4, "another")
    assert ask(account, execution, **request)["acquired"] is True


def test_a_training_that_failed_is_not_tried_by_everyone_who_waited(account: Account) -> None:
    execution, request = waiting_run(account, "accepted")
    account.ledger.make_training_due("credit", 4, "another")
    account.ledger.training_failed("credit", "another")
    assert ask(account, execution, **request)["covered"] is True
    assert ask(account, execution, drop=None, trigger="train")["acquired"] is True


def test_a_settling_between_the_question_and_the_lock_is_seen(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution, request = waiting_run(account, "started")
    take = type(account.ledger).acquire

    def settle_then_take(ledger: Any, *arguments: Any, **options: Any) -> bool:
        account.ledger.settle("credit", str(request["drop"]), "accepted", run="another")
        return take(ledger, *arguments, **options)

    monkeypatch.setattr(type(account.ledger), "acquire", settle_then_take)
    answer = ask(account, execution, **request)
    assert (answer["acquired"], answer["covered"]) == (False, True)
    assert account.ledger.lock("credit", "pipeline") is None


def test_a_request_without_its_project_is_refused(account: Account) -> None:
    with pytest.raises(ValueError, match="project"):
        release({"lock": "pipeline", "execution": "x"}, account.context)


@pytest.mark.parametrize(
    ("key", "size", "gigabytes"),
    [
        ("credit/20201001.csv", 20_000_000_000, 60),
        ("credit/20201001.csv.gz", 1_000_000_000, 15),
        ("credit/20201001.XLSX", 100_000_000, 2),
        ("credit/20201001.parquet", 1, 1),
        ("credit/20201001.csv", 10**15, 16_384),
    ],
)
def test_a_run_is_given_the_disk_that_its_files_need(
    account: Account, key: str, size: int, gigabytes: int
) -> None:
    account.ledger.claim(make_drop(key=key, size=size))
    one = account.start("one")
    assert ask(account, one)["disk_gb"] == gigabytes
    assert ask(account, one, lock="deployment")["disk_gb"] == 0
