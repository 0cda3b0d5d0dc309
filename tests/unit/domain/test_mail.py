import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.drops import DropOutcome, DropRecord, PrepareResult, Reason, ScoredDrop, ScoreResult
from dropforge.mail import failure_mail, intake_mail, plain_cause, result_mail
from dropforge.runs import Deployment, Failure, Registration, RunStory
from dropforge.verdict import decide
from tests.unit.domain.figures import compared, evaluation, project

NOW = dt.datetime(2026, 1, 31, 12, 0, tzinfo=dt.UTC)
PACKAGE = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn-prod/7"


def drop(**changes: Any) -> DropOutcome:
    values: dict[str, Any] = {
        "drop": "0" * 32,
        "key": "churn/20201001.csv",
        "name": "20201001.csv",
        "period": "202010",
        "state": "accepted",
        "kind": "labelled",
        "rows": 600,
    }
    return DropOutcome.model_validate({**values, **changes})


def story(*drops: DropOutcome, **changes: Any) -> RunStory:
    prepared = PrepareResult(
        project="churn",
        project_version="v",
        run="churn-202010-01234567-1",
        round=1,
        drops=list(drops),
    )
    values: dict[str, Any] = {
        "project": "churn",
        "project_version": "v",
        "run": "churn-202010-01234567-1",
        "stage": "prod",
        "region": "eu-west-1",
        "lake": "lake",
        "started_at": NOW - dt.timedelta(seconds=372),
        "ended_at": NOW,
        "prepared": [prepared],
    }
    return RunStory.model_validate({**values, **changes})


def registration(**changes: Any) -> Registration:
    values: dict[str, Any] = {
        "project": "churn",
        "run": "r",
        "version": "7",
        "model_package_arn": PACKAGE,
        "status": "Approved",
        "deploy": True,
    }
    return Registration.model_validate({**values, **changes})


def test_a_promotion_leads_with_the_verdict_and_ends_with_the_undo() -> None:
    figures = compared(lower=0.002)
    deployed = Deployment(
        project="churn",
        run="r",
        version="7",
        previous="6",
        endpoint="churn-prod",
        config_name="c",
        action="updated",
    )
    mail = result_mail(
        story(
            drop(),
            evaluation=figures,
            verdict=decide(project(), figures),
            registration=registration(),
            deployment=deployed,
        )
    )
    assert mail.event == "results"
    assert mail.subject == "[churn/prod] PROMOTED 202010: AUC 0.800 (+0.006)"
    assert mail.body.startswith("PROMOTED: better than the current model")
    assert (
        "Judged on 600 rows of October 2020 (150 positive) that neither model had seen."
        in mail.body
    )
    assert "champion v6" in mail.body and "new v7" in mail.body
    assert "Decisions changed   21 of 600" in mail.body
    assert "Rules: 3 of 3 passed" in mail.body
    assert "20201001.csv: accepted, 600 rows, 0 rejected" in mail.body
    assert "Took 6 min 12 s." in mail.body
    assert mail.body.rstrip().endswith("Undo: dropforge rollback churn --to 6")


def test_a_hold_says_that_it_is_normal() -> None:
    figures = compared(lower=-0.002)
    mail = result_mail(
        story(
            drop(),
            evaluation=figures,
            verdict=decide(project(), figures),
            registration=registration(),
        )
    )
    assert mail.subject.startswith("[churn/prod] HELD 202010")
    assert "This is normal" in mail.body
    assert "FAILED        champion" in mail.body


def test_an_approval_goes_to_the_approvers_with_the_command() -> None:
    figures = evaluation()
    pending = registration(status="PendingManualApproval", deploy=False)
    mail = result_mail(
        story(drop(), evaluation=figures, verdict=decide(project(), figures), registration=pending)
    )
    assert mail.event == "approvals"
    assert mail.subject.startswith("[churn/prod] APPROVAL NEEDED 202010")
    assert f"--model-package-arn {PACKAGE}" in mail.body


def test_a_quarantine_says_what_and_where() -> None:
    reason = Reason(code="broken_quote", message="a quote is opened and never closed", line=17)
    mail = result_mail(
        story(drop(state="quarantined", reasons=[reason], quarantine_uri="s3://lake/q/"))
    )
    assert (
        mail.subject == "[churn/prod] QUARANTINED 20201001.csv: a quote is opened and never closed"
    )
    assert "At line 17: a quote is opened and never closed" in mail.body
    assert "Explained in s3://lake/q/" in mail.body
    assert "Nothing else was changed." in mail.body
    assert mail.event == "failures"
    assert "correct 20201001.csv and drop it again" in mail.body


def test_a_scoring_names_the_model_and_the_predictions() -> None:
    scored = ScoreResult(
        project="churn",
        run="r",
        model_version="7",
        drops=[
            ScoredDrop(
                drop="0" * 32,
                key="k",
                name="20210101.csv",
                period="202101",
                rows=600,
                flagged=120,
                mean_score=0.2,
                predictions_uri="s3://lake/p.csv",
            )
        ],
    )
    mail = result_mail(story(drop(name="20210101.csv", kind="unlabelled"), scored=scored))
    assert mail.subject == "[churn/prod] SCORED 202101: 600 rows"
    assert "20210101.csv: 600 rows, 120 flagged" in mail.body
    assert "s3://lake/p.csv" in mail.body


def test_one_mail_lists_every_file_once_in_the_order_of_periods() -> None:
    files = [
        drop(drop=str(n), name=name, period=period)
        for n, (name, period) in enumerate(
            [
                ("b.csv", "202011"),
                ("initial.csv", "initial"),
                ("a.csv", "202010"),
                ("a.csv", "202010"),
            ]
        )
    ]
    told = story(*files[:3])
    assert [f.period for f in told.drops] == ["initial", "202010", "202011"]
    assert result_mail(told).body.count("accepted, 600 rows") == 3


def test_a_failure_names_the_step_the_cause_and_what_is_unchanged() -> None:
    cause = {"TrainingJobName": "job", "FailureReason": "AlgorithmError: , exit code: 137"}
    failure = Failure(
        step="Train",
        error="States.TaskFailed",
        cause=json.dumps(cause),
        job="job",
        log=["trial 3 of 10"],
    )
    mail = failure_mail(
        story(drop(), failure=failure), project="churn", training_due=True, held_lock=True
    )
    assert mail.event == "failures"
    assert mail.subject == "[churn/prod] FAILED at Train: AlgorithmError: , exit code: 137"
    assert (
        "Not changed:\n  - the files in the drop bucket\n  - the model in production" in mail.body
    )
    assert "20201001.csv joined the history" in mail.body
    assert "dropforge train churn" in mail.body
    assert "| trial 3 of 10" in mail.body


def test_intake_says_what_to_do() -> None:
    record = DropRecord(
        id="0" * 32,
        project="nobody",
        bucket="drop",
        key="nobody/20201001.csv",
        version="v1",
        state="quarantined",
        reasons=[Reason(code="unknown_project", message="no project named nobody was pushed")],
        created_at=NOW,
        updated_at=NOW,
    )
    mail = intake_mail(record, "prod", "s3://lake/quarantine/reasons.json")
    assert "QUARANTINED 20201001.csv: no project named nobody" in mail.subject
    assert "s3://drop/nobody/20201001.csv (version v1)" in mail.body


@given(st.text(), st.text())
def test_any_cause_gives_a_subject_that_sns_accepts(error: str, cause: str) -> None:
    failure = Failure(step="Prepare", error=error, cause=cause)
    mail = failure_mail(
        story(failure=failure), project="churn", training_due=False, held_lock=False
    )
    assert len(mail.subject) < 100
    assert mail.subject.isascii() and "\n" not in mail.subject


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ('{"errorType": "LockHeld", "errorMessage": "held by  another"}', "held by another"),
        ('{"FailureReason": "CapacityError: none", "ExitMessage": ""}', "CapacityError: none"),
        ('{"Cause": "{\\"ExitMessage\\": \\"no id column\\"}"}', "no id column"),
        ("plain\ntext", "plain text"),
        ("", "States.Timeout"),
        ("{}", "States.Timeout"),
    ],
)
def test_the_cause_is_taken_out_of_its_json(cause: str, expected: str) -> None:
    assert plain_cause(Failure(step="s", error="States.Timeout", cause=cause)) == expected
