"""Notify: one mail a run; a failed run leaves the project in order."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge import layout
from dropforge.aws import clients
from dropforge.aws.documents import write_document
from dropforge.drops import DropOutcome
from dropforge.runs import Deployment, Registration, ShadowChange
from lambdas.notify.cause import LINES
from lambdas.notify.handler import handler
from tests.unit.lambdas.conftest import LAKE, Account
from tests.unit.lambdas.documents import (
    GROUP_ARN,
    RUN,
    make_champion,
    make_drop,
    make_evaluation,
    make_outcome,
    make_snapshot,
    make_verdict,
    write_judged,
    write_prepared,
    write_score,
)

TRAINING = {
    "TrainingJobName": f"{RUN}-train-0-0",
    "TrainingJobStatus": "Failed",
    "FailureReason": "AlgorithmError: NoTrainingData: 12 rows are labelled, 100 are needed.",
}


def started(account: Account, name: str = RUN) -> str:
    """A run under way, with its own drop; its execution."""
    drop = account.ledger.claim(make_drop())
    execution = account.start(name, project="credit", drop=drop.id)
    account.ledger.start(drop, execution)
    account.ledger.acquire("credit", "pipeline", execution)
    return execution


def accept(account: Account) -> None:
    """Prepare took the run's labelled drop."""
    account.ledger.make_training_due("credit", 4, RUN)
    account.ledger.settle("credit", make_drop().id, "accepted", run=RUN)
    write_prepared([make_outcome()], snapshot=make_snapshot(4))


def tell(account: Account, execution: str, run: str = RUN, **failure: Any) -> bool:
    event = {
        "project": "credit",
        "project_version": "0123456789abcdef",
        "run": run,
        "execution": execution,
        "kind": "failure" if failure else "result",
        "failure": failure or None,
    }
    return bool(handler(event, account.context)["sent"])


def fail(account: Account, execution: str, **changes: Any) -> bool:
    cause = json.dumps(TRAINING)
    failure = {"step": "Train", "error": "States.TaskFailed", "cause": cause, "attempt": 1}
    return tell(account, execution, **{**failure, **changes})


def registered(status: str = "Approved", version: str = "7") -> None:
    registration = Registration.model_validate(
        {
            "project": "credit",
            "run": RUN,
            "version": version,
            "model_package_arn": f"{GROUP_ARN}/{version}",
            "status": status,
            "deploy": status == "Approved",
        }
    )
    write_document(layout.registration(LAKE, "credit", RUN), registration)


def deployed() -> None:
    deployment = Deployment(
        project="credit",
        run=RUN,
        version="7",
        previous="6",
        endpoint="credit-dev",
        config_name="credit-dev-v7-00000000",
        action="updated",
        smoke_checks=7,
    )
    write_document(layout.deployment(LAKE, "credit", RUN), deployment)


def log(account: Account, group: str, job: str, lines: list[str]) -> None:
    """Lines that a job wrote."""
    logs = account.client("logs")
    logs.create_log_group(logGroupName=group)
    stream = f"{job}/algo-1-1793607851"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)  # CloudWatch refuses events older than 14 days
    logs.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": now + i, "message": line} for i, line in enumerate(lines)],
    )


def test_a_promoted_model_is_told_of(account: Account) -> None:
    execution = started(account)
    accept(account)
    write_judged(make_evaluation(champion="6"), make_verdict())
    registered()
    deployed()
    assert tell(account, execution) is True
    (mail,) = account.mails()
    assert mail["subject"] == "[credit/dev] PROMOTED 202010: AUC 0.763 (+0.006)"
    assert (mail["project"], mail["event"]) == ("credit", "results")
    assert "Model v7 is now live" in mail["body"] and "champion v6" in mail["body"]
    assert "20201001.csv: accepted, 1,000 rows" in mail["body"]
    assert "dropforge rollback credit --to 6" in mail["body"]
    drop = account.ledger.drop("credit", make_drop().id)
    assert drop is not None and drop.mailed_by == RUN


def test_a_run_is_told_of_once(account: Account) -> None:
    execution = started(account)
    accept(account)
    assert [tell(account, execution) for _ in range(3)] == [True, False, False]
    assert len(account.mails()) == 1


def test_a_model_that_waits_for_a_person_goes_to_the_approvers(account: Account) -> None:
    execution = started(account)
    accept(account)
    write_judged(make_evaluation(), make_verdict())
    registered("PendingManualApproval")
    tell(account, execution)
    (mail,) = account.mails()
    assert mail["event"] == "approvals" and "update-model-package" in mail["body"]
    assert mail["subject"].startswith("[credit/dev] APPROVAL NEEDED")


def test_a_scored_file_is_told_of_with_its_predictions(account: Account) -> None:
    execution = started(account)
    account.ledger.move_champion("credit", make_champion(), None)
    account.ledger.settle("credit", make_drop().id, "accepted", run=RUN, kind="unlabelled")
    write_prepared([make_outcome(state="started", kind="unlabelled", scoring_rows=1000)])
    write_score(make_drop().id)
    tell(account, execution)
    (mail,) = account.mails()
    assert mail["subject"] == "[credit/dev] SCORED 202101: 1,000 rows, 120 flagged"
    assert "predictions/credit/202101/20210101-" in mail["body"]


def test_a_quarantined_file_is_told_of_with_what_is_wrong_and_where(account: Account) -> None:
    execution = started(account)
    reason = {"code": "quote", "message": "A quote is never closed.", "line": 17}
    uri = str(layout.quarantine(LAKE, "credit", "202010", make_drop().id))
    account.ledger.settle("credit", make_drop().id, "quarantined", run=RUN)
    write_prepared([make_outcome(state="quarantined", reasons=[reason], quarantine_uri=uri)])
    tell(account, execution)
    (mail,) = account.mails()
    assert "QUARANTINED 20201001.csv" in mail["subject"]
    assert "At line 17: A quote is never closed." in mail["body"] and uri in mail["body"]


def test_the_settling_run_tells_of_all_files_of_all_rounds(account: Account) -> None:
    execution = started(account)
    later = make_drop("b" * 32, key="credit/20201101.csv")
    account.ledger.claim(later)
    for drop in (make_drop(), later):
        account.ledger.settle("credit", drop.id, "accepted", run=RUN)
    write_prepared([make_outcome()], round_=1)
    outcome = {"name": "20201101.csv", "key": later.key, "period": "202011"}
    write_prepared([make_outcome(later.id, **outcome)], round_=2, snapshot=make_snapshot())
    tell(account, execution)
    (mail,) = account.mails()
    assert "20201001.csv: accepted" in mail["body"] and "20201101.csv: accepted" in mail["body"]
    told = [drop.mailed_by for drop in account.ledger.drops("credit")]
    assert told == [RUN, RUN]


def test_a_file_that_no_model_could_score_fails_and_says_so(account: Account) -> None:
    execution = started(account)
    write_prepared([_unlabelled()])
    tell(account, execution)
    drop = account.ledger.drop("credit", make_drop().id)
    assert drop is not None and drop.state == "failed"
    (mail,) = account.mails()
    assert "NOT SCORED 20201001.csv" in mail["subject"]
    assert "dropforge redrive credit" in mail["body"]


def test_a_failed_job_is_told_of_in_plain_words(account: Account) -> None:
    execution = started(account)
    accept(account)
    job = TRAINING["TrainingJobName"]
    log(account, "/aws/sagemaker/TrainingJobs", job, [f"line {i}" for i in range(30)])
    assert fail(account, execution) is True
    (mail,) = account.mails()
    assert mail["subject"].startswith("[credit/dev] FAILED at Train: AlgorithmError")
    assert len(mail["subject"]) < 100 and mail["subject"].isascii()
    assert mail["event"] == "failures"
    assert "12 rows are labelled, 100 are needed" in mail["body"]
    assert "Not changed" in mail["body"] and "the model in production" in mail["body"]
    assert "20201001.csv joined the history" in mail["body"]
    assert "dropforge train credit" in mail["body"]
    assert "no file must be uploaded again" in mail["body"]
    assert "line 29" in mail["body"] and "line 9\n" not in mail["body"]
    assert mail["body"].count("  | line ") == LINES


def test_a_failed_run_leaves_the_project_in_order(account: Account) -> None:
    execution = started(account)
    accept(account)
    fail(account, execution)
    due = account.ledger.training_due("credit")
    assert due is not None and due.failed_run == RUN
    assert account.ledger.lock("credit", "pipeline") is None
    assert account.ledger.drops("credit")[0].state == "accepted"


def test_a_drop_that_prepare_never_finished_is_failed_and_can_be_redriven(
    account: Account,
) -> None:
    execution = started(account)
    cause = json.dumps(
        {
            "ProcessingJobName": f"{RUN}-prepare-1-0-0",
            "ProcessingJobStatus": "Failed",
            "ExitMessage": "The job was killed.",
        }
    )
    log(account, "/aws/sagemaker/ProcessingJobs", f"{RUN}-prepare-1-0-0", ["reading", "reading on"])
    fail(account, execution, step="Prepare", cause=cause)
    (drop,) = account.ledger.drops("credit")
    assert drop.state == "failed" and "The job was killed." in drop.reasons[0].message
    (mail,) = account.mails()
    assert "20201001.csv" in mail["body"] and "dropforge redrive credit" in mail["body"]
    assert "reading on" in mail["body"]


def test_a_drop_of_a_run_that_still_waits_is_left_to_it(account: Account) -> None:
    execution = started(account)
    other = make_drop("b" * 32, key="credit/20210101.csv")
    account.ledger.claim(other)
    account.ledger.start(other, account.start("credit-202101-waits-1", drop=other.id))
    waiting = {"name": "20210101.csv", "key": other.key, "period": "202101"}
    write_prepared([_unlabelled(), _unlabelled(other.id, **waiting)])
    fail(account, execution, step="Score", cause="It failed.")
    states = {drop.id: drop.state for drop in account.ledger.drops("credit")}
    assert states == {make_drop().id: "failed", other.id: "started"}


def test_a_training_that_came_later_is_not_marked_failed(account: Account) -> None:
    execution = started(account)
    accept(account)
    account.ledger.make_training_due("credit", 5, "a later run")
    fail(account, execution)
    due = account.ledger.training_due("credit")
    assert due is not None and due.failed_run is None


def test_a_lock_that_somebody_took_over_is_left_alone(account: Account) -> None:
    execution = started(account)
    account.ledger.acquire("credit", "pipeline", "another", instead_of=execution)
    fail(account, execution)
    lock = account.ledger.lock("credit", "pipeline")
    assert lock is not None and lock.holder == "another"
    assert "lock was released" not in account.mails()[0]["body"]


def test_a_failure_is_told_of_once_whoever_tells(account: Account) -> None:
    execution = started(account)
    accept(account)
    assert [fail(account, execution), fail(account, execution)] == [True, False]
    assert len(account.mails()) == 1


def test_a_redriven_run_is_told_of_again(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = started(account)
    accept(account)
    fail(account, execution)
    states = clients.client("stepfunctions")
    describe = states.describe_execution
    monkeypatch.setattr(
        states, "describe_execution", lambda **a: describe(**a) | {"redriveCount": 1}
    )
    assert tell(account, execution) is True
    assert tell(account, execution) is False


def test_a_mail_that_sns_refused_is_sent_by_the_retry(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = started(account)
    accept(account)
    with monkeypatch.context() as outage:
        outage.setattr(clients.client("sns"), "publish", _refuse("InternalError"))
        with pytest.raises(ClientError):
            fail(account, execution)
    assert account.ledger.lock("credit", "pipeline") is None
    assert fail(account, execution) is True
    assert len(account.mails()) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [("ResourceNotFoundException", ""), ("AccessDeniedException", "could not be read: AccessDen")],
)
def test_the_mail_goes_out_without_the_log(
    account: Account, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    execution = started(account)
    monkeypatch.setattr(clients.client("logs"), "describe_log_streams", _refuse(code))
    assert fail(account, execution) is True
    assert said in account.mails()[0]["body"]


def test_a_job_is_found_in_a_cause_that_was_cut_off(account: Account) -> None:
    execution = started(account)
    job = TRAINING["TrainingJobName"]
    log(account, "/aws/sagemaker/TrainingJobs", job, ["the last words"])
    fail(account, execution, cause=json.dumps(TRAINING)[:80])
    assert "the last words" in account.mails()[0]["body"]


def test_a_deployment_of_its_own_is_mailed_and_touches_no_run(account: Account) -> None:
    run = started(account)
    accept(account)
    tell(account, run)
    deployment = deploying(account, "approval")
    account.ledger.acquire("credit", "pipeline", run)
    sent = tell(account, deployment, step="SmokeTest", error="SmokeTestFailed", cause="golden-0")
    assert sent is True
    mail = account.mails()[-1]
    assert mail["subject"] == "[credit/dev] FAILED at SmokeTest: golden-0"
    assert "joined the history" not in mail["body"]
    assert "dropforge rollback credit --to 7" in mail["body"]
    due = account.ledger.training_due("credit")
    assert due is not None and due.failed_run is None
    assert account.ledger.lock("credit", "pipeline") is not None


def test_a_deployment_of_the_champion_that_failed_is_to_be_repeated(account: Account) -> None:
    deployment = deploying(account, "promote", expected_champion="7")
    assert tell(account, deployment, step="SmokeTest", error="SmokeTestFailed", cause="golden-0")
    body = account.mails()[-1]["body"]
    assert "dropforge endpoint deploy credit" in body
    assert "rollback" not in body


@pytest.mark.parametrize("run", [RUN, "credit-rollback-1-1"], ids=["the model's", "its own"])
def test_a_deployment_that_a_person_asked_for_is_mailed(account: Account, run: str) -> None:
    deployment = deploying(account, "rollback")
    done = Deployment(
        project="credit",
        run=run,
        version="7",
        previous="8",
        endpoint="credit-dev",
        action="updated",
        smoke_checks=5,
    )
    write_document(layout.deployment(LAKE, "credit", run), done)
    assert tell(account, deployment, run=run) is True
    mail = account.mails()[-1]
    assert mail["subject"] == "[credit/dev] DEPLOYED v7: a person went back to it"
    assert "Undo: dropforge rollback credit --to 8" in mail["body"]
    assert "passed 5 checks" in mail["body"]
    assert tell(account, deployment, run=run) is False


def test_a_shadow_that_could_not_be_is_told_in_the_run_s_own_mail(account: Account) -> None:
    execution = started(account)
    accept(account)
    write_judged(make_evaluation(champion="6"), make_verdict())
    registered("PendingManualApproval")
    cause = json.dumps({"Error": "EndpointRolledBack", "Cause": "the shadow did not answer /ping"})
    event = {
        "project": "credit",
        "project_version": "0123456789abcdef",
        "run": RUN,
        "execution": execution,
        "kind": "result",
        "shadow_failure": {"step": "Shadow", "error": "States.TaskFailed", "cause": cause},
    }
    assert handler(event, account.context)["sent"] is True
    (mail,) = account.mails()
    assert (mail["event"], "APPROVAL NEEDED" in mail["subject"]) == ("approvals", True)
    assert "It is not shadowed: the shadow did not answer /ping" in mail["body"]
    assert "dropforge endpoint shadow credit --version 7" in mail["body"]


def test_a_change_of_the_shadow_is_mailed(account: Account) -> None:
    deployment = deploying(account, "shadow")
    change = ShadowChange(
        project="credit",
        run="credit-shadow-1-1",
        champion="7",
        version="8",
        percent=10,
        endpoint="credit-dev",
        action="updated",
    )
    write_document(layout.shadow(LAKE, "credit", change.run), change)
    assert tell(account, deployment, run=change.run) is True
    assert account.mails()[-1]["subject"] == "[credit/dev] SHADOWED v8"


def deploying(account: Account, reason: str, **more: str) -> str:
    """A deployment machine's own execution."""
    given = {"project": "credit", "version": "7", "reason": reason, **more}
    return account.start(f"credit-{reason}-1-1", account.deployment_arn, **given)


def test_an_execution_that_step_functions_forgot_is_still_mailed(account: Account) -> None:
    execution = account.pipeline_arn.replace(":stateMachine:", ":execution:") + f":{RUN}"
    assert fail(account, execution) is True


def test_a_failure_without_its_step_is_refused(account: Account) -> None:
    event = {"project": "credit", "project_version": "v", "run": RUN, "execution": "x"}
    with pytest.raises(ValueError, match="kind failure needs failure"):
        handler(event | {"kind": "failure"}, account.context)


def _unlabelled(drop: str = make_drop().id, **changes: Any) -> DropOutcome:
    waiting = {"state": "started", "kind": "unlabelled", "scoring_rows": 1000, "positives": None}
    return make_outcome(drop, **{**waiting, **changes})


def _refuse(code: str) -> Any:
    def call(**arguments: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "not now"}}, "Any")

    return call
