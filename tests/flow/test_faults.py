"""A job that is killed: the run fails loudly, nothing is lost, one command settles it."""

import os
import signal
from typing import Any

import pytest

from dropforge.drops import DropRecord
from tests.flow.account import Account, wait_for
from tests.flow.conftest import Push
from tests.flow.customers import customers

SLOW = {"trials": 1000, "max_rounds": 2000, "early_stopping_rounds": 1000}


@pytest.fixture(scope="module")
def endpoint(account: Account, push: Push) -> dict[str, Any]:
    """The project's endpoint before anything goes wrong."""
    push("fault", endpoint="realtime")
    account.drop_and_wait("fault/initial.csv", customers(800, seed=20))
    return _endpoint(account)


@pytest.fixture(scope="module")
def killed(account: Account, push: Push, endpoint: dict[str, Any]) -> DropRecord:
    """A month whose training process is killed with -9."""
    push("fault", endpoint="realtime", tune=SLOW)
    drop = account.drop("fault/20201001.csv", customers(300, seed=21))

    def training() -> int | None:
        for job in account.cloud.home.jobs.glob("fault-202010-*-train-*"):
            log = job / "log.txt"
            if log.exists() and "trial" in log.read_text():
                return int((job / "pid").read_text())
        return None

    pid = wait_for(training, 60, "the training process")
    os.kill(pid, signal.SIGKILL)
    return account.settled("fault", drop)


def test_the_execution_is_failed_and_the_mail_says_where_and_why(
    account: Account, killed: DropRecord
) -> None:
    assert account.ended(killed.execution or "")["status"] == "FAILED"
    mail = account.mail("[fault/dev] FAILED at Train")
    assert "exit code: 137" in mail.body
    assert "dropforge train fault" in mail.body
    assert "The last lines of fault-202010" in mail.body
    assert "could not be read" not in mail.body
    assert "the model in production and its endpoint" in mail.body.split("Not changed:")[1]


def test_the_file_is_kept_the_lock_is_free_the_training_still_due(
    account: Account, killed: DropRecord
) -> None:
    assert (killed.state, killed.rows) == ("accepted", 300)
    assert account.ledger.lock("fault", "pipeline") is None
    due = account.ledger.training_due("fault")
    assert due is not None and due.failed_run == killed.settled_by


def test_the_endpoint_is_untouched(
    account: Account, killed: DropRecord, endpoint: dict[str, Any]
) -> None:
    assert _endpoint(account) == endpoint


def test_train_settles_it_without_a_new_upload(
    account: Account, push: Push, killed: DropRecord
) -> None:
    push("fault", endpoint="realtime")
    account.dropforge("train", "fault", "--wait")
    assert account.executions("fault")[-1]["status"] == "SUCCEEDED"
    assert account.ledger.training_due("fault") is None
    judged = account.executions("fault")[-1]["name"]
    evaluation = account.run_document("fault", judged, "evaluation.json")
    assert evaluation["holdout"]["period"] == "202010"


def test_an_aborted_run_is_mailed_and_its_lock_released(
    account: Account, push: Push, killed: DropRecord
) -> None:
    push("aborted", tune=SLOW)
    drop = account.drop("aborted/initial.csv", customers(400, seed=22))

    def training() -> str | None:
        record = account.ledger.drop("aborted", drop)
        started = list(account.cloud.home.jobs.glob("aborted-initial-*-train-*/pid"))
        return record.execution if record and started else None

    execution = wait_for(training, 60, "the training to begin")
    account.client("stepfunctions").stop_execution(executionArn=execution, cause="by hand")
    assert account.ended(execution)["status"] == "ABORTED"
    assert account.mail("[aborted/dev] FAILED")
    wait_for(lambda: account.ledger.lock("aborted", "pipeline") is None, 10, "the lock's release")


def _endpoint(account: Account) -> dict[str, Any]:
    described = account.client("sagemaker").describe_endpoint(EndpointName="fault-dev")
    return {k: described[k] for k in ("EndpointStatus", "EndpointConfigName", "LastModifiedTime")}
