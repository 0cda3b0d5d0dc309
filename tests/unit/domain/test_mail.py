import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.drops import (
    ColumnDrift,
    DropOutcome,
    DropRecord,
    PrepareResult,
    Reason,
    ScoredDrop,
    ScoreResult,
)
from dropforge.evaluation import (
    Evaluation,
    GroupFigures,
    Holdout,
    Interval,
    ModelFigures,
    SwapSet,
)
from dropforge.ledger import RegisteredModel
from dropforge.mail import (
    Mail,
    deployed_mail,
    failure_mail,
    intake_mail,
    late_approval_mail,
    plain_cause,
    result_mail,
    shadow_mail,
    unfit_approval_mail,
)
from dropforge.project import ProjectSpec
from dropforge.runs import Deployment, Failure, Registration, RunStory, ShadowChange
from dropforge.tracking import TrackingOutcome
from dropforge.verdict import decide
from tests.unit.domain.figures import (
    around,
    compared,
    comparison,
    evaluation,
    fairness,
    leak,
    model,
    part,
    project,
)

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
    assert "Rules: 4 of 4 passed" in mail.body
    assert "20201001.csv: accepted, 600 rows, 0 rejected" in mail.body
    assert "Took 6 min 12 s." in mail.body
    assert mail.body.rstrip().endswith("Undo: dropforge rollback --stage prod churn --to 6")


def test_a_change_that_rounds_to_nothing_has_no_sign() -> None:
    unmoved = around(-0.0004, 0.004)
    mail = told(compared(-0.002, comparison=comparison(-0.002, differences={"auc": unmoved})))
    assert mail.subject == "[churn/prod] HELD 202010: AUC 0.800 (same)"
    assert "-0.0004 (-0.0044..+0.0036)" in mail.body


def test_rules_are_told_in_the_words_of_the_table() -> None:
    body = told(compared(lower=-0.002)).body
    assert "  passed        AUC: 0.8000; required: at least 0.7\n" in body
    assert "champion: AUC -0.0020 (one-sided 90% bound); required: difference above 0\n" in body


def test_drift_lists_what_moved_and_no_zeros() -> None:
    def line(**psi: float) -> str:
        drift = [ColumnDrift(column=c, against="champion", psi=p) for c, p in psi.items()]
        body = told(compared(0.002, drift=drift)).body
        (found,) = [line for line in body.splitlines() if line.startswith("Drift")]
        return found.removeprefix("Drift against the current model's baseline (PSI): ")

    assert line(age=0.001, job=0.3) == "job 0.30, no other column reaches 0.02"
    assert line(age=0.001, job=0.0) == "no column reaches 0.02"
    assert line(age=0.02, job=0.3) == "job 0.30, age 0.02"
    many = {f"c{number}": 0.5 - number / 10 for number in range(5)} | {"c5": 0.05, "c6": 0.0}
    assert line(**many).endswith("c4 0.10, 1 more from 0.02 on")


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
    assert "This is normal: the current model is kept." in mail.body
    assert "FAILED        champion" in mail.body


def told(figures: Evaluation, spec: ProjectSpec | None = None, **changes: Any) -> Mail:
    """The mail of a run that judged these figures."""
    verdict = decide(spec or project(), figures)
    made = registration() if verdict.verdict == "PROMOTE" else registration(status="Rejected")
    return result_mail(
        story(
            drop(), **{"evaluation": figures, "verdict": verdict, "registration": made, **changes}
        )
    )


PENDING = registration(
    status="PendingManualApproval",
    deploy=False,
    expected_champion="6",
    approvers=["risk@bank.example", "head@bank.example"],
)


def test_an_approval_says_who_decides_how_and_what_then() -> None:
    mail = told(compared(lower=0.002), registration=PENDING)
    assert mail.event == "approvals"
    assert mail.subject == "[churn/prod] APPROVAL NEEDED 202010: AUC 0.800 (+0.006)"
    assert "Who decides: risk@bank.example, head@bank.example" in mail.body
    assert "\n  dropforge approve churn 7 --stage prod\n" in mail.body
    assert "\n  dropforge reject churn 7 --stage prod\n" in mail.body
    assert f"--region eu-west-1 --model-package-arn {PACKAGE}" in mail.body
    assert "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#" in mail.body
    assert "Registered models, churn-prod, version 7" in mail.body
    assert "there is no deadline" in mail.body
    assert "if v6, which it was compared with, is still in production" in mail.body
    assert "is now" not in mail.body


def shadowed(**changes: Any) -> ShadowChange:
    values: dict[str, Any] = {
        "project": "churn",
        "run": "churn-202010-01234567-1",
        "champion": "6",
        "version": "7",
        "percent": 10,
        "endpoint": "churn-prod",
        "action": "updated",
    }
    return ShadowChange.model_validate({**values, **changes})


def test_an_approval_says_that_the_model_shadows_and_where_to_look() -> None:
    mail = told(compared(lower=0.002), registration=PENDING, shadow=shadowed())
    assert "It is shadowed: 10 % of the live requests are copied to it." in mail.body
    assert "\n  dropforge endpoint shadow churn --stage prod\n" in mail.body
    assert "shadowed" not in told(compared(lower=0.002), registration=PENDING).body


def test_an_approval_says_why_the_model_does_not_shadow() -> None:
    problem = "the shadow variant did not pass the ping health check"
    failed = shadowed(version=None, percent=None, problem=problem)
    mail = told(compared(lower=0.002), registration=PENDING, shadow=failed)
    assert mail.subject.startswith("[churn/prod] APPROVAL NEEDED")
    assert f"It is not shadowed: {problem}" in mail.body
    assert "The model in production answers as before." in mail.body
    assert "dropforge endpoint shadow churn --version 7 --stage prod" in mail.body


@pytest.mark.parametrize(
    ("change", "subject", "said"),
    [
        ({}, "SHADOWED v7", "v7 gets a copy of 10 % of the live requests at churn-prod"),
        ({"version": None, "percent": None}, "SHADOW OFF", "v6 has no shadow, and answers as"),
        ({"action": "unchanged"}, "NOTHING TO DO, SHADOWED v7", "v7 gets a copy of 10 %"),
        ({"version": None, "action": "none"}, "NOTHING TO DO, no shadow", "v6 has no shadow"),
    ],
)
def test_a_change_of_the_shadow_on_its_own(change: dict[str, Any], subject: str, said: str) -> None:
    mail = shadow_mail(story(shadow=shadowed(**change)))
    assert (mail.event, mail.subject) == ("results", f"[churn/prod] {subject}")
    assert mail.body.startswith(f"{subject}: ") and said in mail.body


def test_a_shadow_that_failed_on_its_own_names_no_rollback() -> None:
    failure = Failure(step="WaitForEndpoint", error="EndpointRolledBack", cause="no ping")
    mail = failure_mail(
        story(failure=failure),
        project="churn",
        training_due=False,
        held_lock=False,
        version="6",
        repeat="shadow",
    )
    assert "dropforge endpoint shadow --stage prod churn" in mail.body
    assert "rollback" not in mail.body


def test_an_approval_that_nobody_is_named_for_says_so() -> None:
    pending = PENDING.model_copy(update={"approvers": [], "expected_champion": None})
    mail = told(evaluation(), registration=pending)
    assert "project.yml names nobody" in mail.body
    assert "if there is still no model in production" in mail.body


def test_a_hold_is_no_approval() -> None:
    mail = told(compared(lower=-0.002))
    assert mail.event == "results"
    assert "approve" not in mail.body.lower()


def test_a_champion_that_does_not_load_comes_with_the_way_out() -> None:
    mail = told(evaluation(champion_problem="model.txt is missing"))
    assert "HELD: the champion could not be compared: model.txt is missing." in mail.body
    assert "This is not normal" in mail.body
    assert "dropforge rollback --stage prod churn --to V" in mail.body
    assert "mode: advisory" in mail.body


def test_the_swap_set_and_the_reference_are_told() -> None:
    swap = SwapSet(
        newly_flagged=12,
        newly_flagged_positives=7,
        no_longer_flagged=9,
        no_longer_flagged_positives=1,
    )
    figures = compared(
        0.002,
        comparison=comparison(0.002, swap=swap),
        reference=model(0.81, "1"),
        reference_comparison=comparison(-0.008),
    )
    body = told(figures).body
    assert (
        "Newly flagged: 12 (7 of them positive). No longer flagged: 9 (1 of them positive)." in body
    )
    assert "Against the reference model v1: AUC -0.0040 (-0.0080..+0.0000)" in body


def test_a_reference_that_could_not_be_compared_is_told() -> None:
    body = told(compared(0.002, reference_problem="model.txt is missing")).body
    assert "The reference model could not be compared: model.txt is missing" in body


def test_a_holdout_judged_before_and_a_refit_are_told() -> None:
    holdout = Holdout(period="202010", rows=600, positives=150, judged_before=3)
    body = told(compared(0.002, holdout=holdout, refit="all")).body
    assert "This holdout was judged 3 times before" in body
    assert "fitted once more on all rows" in body
    once = Holdout(period="202010", rows=600, positives=150, judged_before=1)
    assert "judged once before" in told(compared(0.002, holdout=once)).body
    plain = told(compared(0.002)).body
    assert "judged" not in plain.replace("Judged on", "") and "refit" not in plain


@pytest.mark.parametrize(
    ("task", "metric", "value", "shown"),
    [
        ("regression", "rmse", 1234.5678, "RMSE 1,234.6 (+0.006)"),
        ("multiclass", "accuracy", 0.81234, "Accuracy 0.812 (+0.006)"),
    ],
)
def test_other_tasks_have_no_positives_and_nothing_flagged(
    task: str, metric: str, value: float, shown: str
) -> None:
    classes = {"classes": ["a", "b", "c"]} if task == "multiclass" else {}
    spec = project(task=task, metric=metric, promotion={}, **classes)
    figures = ModelFigures.model_validate(
        {"version": "challenger", "metrics": {metric: {"value": value, "low": 0, "high": 1}}}
    )
    beside = comparison(
        0.002,
        metric=metric,
        differences={metric: {"value": 0.006, "low": 0.002, "high": 0.01}},
        flagged_difference=None,
        decisions_changed=None,
    )
    judged = evaluation(
        task=task,
        metric=metric,
        holdout=Holdout(period="202010", rows=600),
        challenger=figures,
        champion=figures.model_copy(update={"version": "6"}),
        comparison=beside,
    )
    mail = told(judged, spec)
    assert mail.subject == f"[churn/prod] PROMOTED 202010: {shown}"
    assert "Judged on 600 rows of October 2020 that neither model had seen." in mail.body
    for word in ("Flagged", "positive", "Decisions changed", "None"):
        assert word not in mail.body


def test_what_is_remarkable_is_told_though_no_rule_asks() -> None:
    fell = Interval(value=-0.05, low=-0.08, high=-0.02)
    groups = [
        *fairness(0.9).groups,
        GroupFigures(group="XNA", rows=1, positives=0, favourable_rate=None, assessed=False),
    ]
    protected = fairness(0.9, changes={"demographic_parity": fell}, is_feature=True, groups=groups)
    body = told(compared(0.002, fairness=[protected], slices=[part(fell)])).body
    assert "Worth a look:" in body
    assert "demographic parity by female is lower than the current model's beyond chance" in body
    assert "female is a protected column, and the model reads it as a feature" in body
    assert "fairness by female: group XNA (1 row) is too small to be assessed" in body
    assert "AUC on contract = monthly (220 rows) is worse beyond chance: -0.0500" in body


def test_nothing_remarkable_is_not_told() -> None:
    calm = fairness(0.9, changes={"demographic_parity": around(0.0)})
    body = told(compared(0.002, fairness=[calm], slices=[part(around(0.01)), part(None)])).body
    assert "Worth a look" not in body


def test_of_a_loss_a_slice_that_rises_is_remarkable() -> None:
    rose = Interval(value=0.05, low=0.02, high=0.08)
    figures = compared(0.002, slices=[part(rose)], metric="brier")
    assert "Brier on contract = monthly" in told(figures, project(metric="brier")).body


def test_values_of_personal_columns_are_never_told() -> None:
    fell = Interval(value=-0.05, low=-0.08, high=-0.02)
    groups = [
        GroupFigures(group="Jane Doe", rows=1, positives=0, favourable_rate=None, assessed=False)
    ]
    spec = project(personal=["contract", "female"], promotion={"max_slice_drop": 0.01})
    figures = compared(
        0.002, fairness=[fairness(0.9, groups=groups)], slices=[part(fell, value="Jane Doe")]
    )
    mail = told(figures, spec)
    assert "contract = one value" in mail.body and "female: 1 group is too small" in mail.body
    assert "Jane" not in mail.body + mail.subject


def test_a_leak_is_named() -> None:
    mail = told(compared(0.05, leakage=[leak()]))
    assert mail.subject == "[churn/prod] REJECTED 202010: leakage; AUC 0.800 (+0.054)"
    assert (
        "REJECTED: leakage: recovered alone predicts the outcome with an AUC of 0.998" in mail.body
    )


def test_advice_is_not_a_failure() -> None:
    body = told(compared(0.05, leakage=[leak(severe=False)])).body
    assert "  advice        possible leakage: recovered" in body
    assert "FAILED" not in body


def test_what_went_wrong_beside_the_run_is_told() -> None:
    deployed = Deployment(
        project="churn",
        run="r",
        version="7",
        previous="6",
        action="none",
        alias_problem="AccessDeniedException",
    )
    tracking = TrackingOutcome(state="failed", server="arn:server", message="No answer.")
    mail = told(compared(0.002), deployment=deployed, tracking=tracking)
    assert "alias was not moved to v7 (AccessDeniedException)" in mail.body
    assert "Not tracked: No answer. Send it later: dropforge mlflow --stage prod chu" in mail.body
    assert "alias was not moved" in deployed_mail(story(deployment=deployed), "approval").body


def test_what_is_odd_about_the_endpoint_is_told() -> None:
    note = "The endpoint churn-dev is still there (InService) and costs money."
    deployed = Deployment(project="churn", run="r", version="7", action="none", notes=[note])
    assert note in told(compared(0.002), deployment=deployed).body
    assert note in deployed_mail(story(deployment=deployed), "approval").body


def test_nothing_to_do_is_said() -> None:
    deployed = Deployment(
        project="churn", run="r", version="7", endpoint="churn-dev", action="unchanged"
    )
    mail = deployed_mail(story(deployment=deployed), "promote")
    assert "UNCHANGED v7: asked for by hand" in mail.subject
    assert "NOTHING TO DO: v7 answered at the endpoint churn-dev already" in mail.body
    assert "DEPLOYED" not in mail.body


@given(st.text(), st.floats(-1e12, 1e12))
def test_any_figure_and_slice_gives_a_mail(value: str, change: float) -> None:
    fell = Interval(value=change, low=change, high=change)
    figures = compared(
        0.002, comparison=comparison(change, differences={"auc": fell}), slices=[part(fell, value)]
    )
    mail = told(figures)
    assert len(mail.subject) < 100 and mail.subject.isascii() and "\n" not in mail.subject


def model_of(**changes: Any) -> RegisteredModel:
    values: dict[str, Any] = {
        "version": "7",
        "model_package_arn": PACKAGE,
        "artifact_uri": "s3://lake/models/churn/r/",
        "run": "r",
        "project_version": "v",
        "verdict": "HOLD",
        "status": "Rejected",
        "registered_at": NOW,
    }
    return RegisteredModel.model_validate({**values, **changes})


def test_approving_what_was_held_is_answered() -> None:
    mail = unfit_approval_mail("churn", "prod", model_of())
    assert mail.subject == "[churn/prod] NOT DEPLOYED: v7 awaits no approval"
    assert "awaits no approval (held: the champion of its time was kept)" in mail.body
    assert "dropforge model show churn 7 --stage prod" in mail.body


def test_an_approval_too_late_names_both_champions() -> None:
    model = model_of(verdict="PROMOTE", expected_champion="5")
    mail = late_approval_mail("churn", "prod", model, "6")
    assert "compared against v5, but v6 is in production now" in mail.body


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
    assert mail.subject == "[churn/prod] SCORED 202101: 600 rows, 120 flagged"
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
    assert "dropforge train --stage prod churn" in mail.body
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
