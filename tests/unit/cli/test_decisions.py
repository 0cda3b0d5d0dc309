"""`model list`, `model show`, `approve`, `reject`: what they tell, change and refuse."""

import datetime as dt
import json
from typing import Any

import boto3
import pytest

from dropforge import layout
from dropforge.aws.documents import write_document
from dropforge.cli import decisions
from dropforge.cli.session import Session
from dropforge.drops import PrepareResult, SnapshotSummary
from dropforge.ledger import Champion, RegisteredModel
from dropforge.verdict import decide
from tests.unit.domain.figures import compared, leak, project

from .conftest import Dropforge
from .test_drops import executions

NOW = dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC)


def package(status: str = "PendingManualApproval") -> str:
    """A model package of churn in the registry; its ARN."""
    sagemaker = boto3.client("sagemaker")
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    if not groups:
        sagemaker.create_model_package_group(ModelPackageGroupName="churn-dev")
    answer = sagemaker.create_model_package(
        ModelPackageGroupName="churn-dev",
        InferenceSpecification={
            "Containers": [{"Image": "image"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelApprovalStatus=status,
    )
    return str(answer["ModelPackageArn"])


def described(model: RegisteredModel) -> dict[str, Any]:
    """What the registry says of a model's package."""
    answer: dict[str, Any] = boto3.client("sagemaker").describe_model_package(
        ModelPackageName=model.model_package_arn
    )
    return answer


def register(session: Session, version: str, **changes: Any) -> RegisteredModel:
    """A registered model; one that awaits approval unless `changes` say otherwise."""
    values: dict[str, Any] = {
        "version": version,
        "model_package_arn": f"arn:package/{version}",
        "artifact_uri": f"s3://lake/models/churn/r{version}/",
        "run": f"r{version}",
        "project_version": "0123456789abcdef",
        "verdict": "PROMOTE",
        "status": "PendingManualApproval",
        "awaiting": changes.get("status") is None,
        "expected_champion": "1",
        "registered_at": NOW,
    }
    model = RegisteredModel.model_validate({**values, **changes})
    session.ledger.put_model("churn", model)
    return model


def crown(session: Session, version: str, expected: str | None = None, **changes: Any) -> None:
    """Put a version into production."""
    champion = Champion(
        version=version,
        model_package_arn=f"arn:package/{version}",
        artifact_uri=f"s3://lake/models/churn/r{version}/",
        run=f"r{version}",
        promoted_at=NOW,
        **changes,
    )
    session.ledger.move_champion("churn", champion, expected)


@pytest.fixture
def awaiting(session: Session, dropforge: Dropforge) -> RegisteredModel:
    """Version 1 in production, 2 held, 3 rejected, 4 awaiting approval."""
    dropforge("push", "churn")
    register(session, "1", status="Approved", expected_champion=None)
    register(session, "2", status="Rejected", verdict="HOLD")
    register(session, "3", status="Rejected", verdict="REJECT")
    crown(session, "1")
    return register(session, "4", model_package_arn=package())


def test_the_list_tells_a_hold_from_a_model_that_awaits_approval(
    dropforge: Dropforge, awaiting: RegisteredModel
) -> None:
    result = dropforge("model", "list", "churn")
    assert result.exit_code == 0, result.stderr
    head, *rows, last = result.stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["v4", "v3", "v2", "v1"]
    for row, standing in zip(
        rows,
        [
            "awaits approval",
            "rejected by a rule",
            "held: the champion of its time was kept",
            "in production",
        ],
        strict=True,
    ):
        assert standing in row
    assert last == "To decide: dropforge approve churn 4, or dropforge reject churn 4"


def test_the_list_knows_every_other_standing(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    for version in ("1", "2", "3"):
        register(session, version, status="Approved")
    register(session, "4", status="Rejected")
    crown(session, "1")
    crown(session, "3", "1", previous="1")
    told = json.loads(dropforge("model", "list", "churn", "--json").stdout)
    assert {model["version"]: model["standing"] for model in told} == {
        "1": "previous champion",
        "2": "approved",
        "3": "in production",
        "4": "refused by a person",
    }


def test_a_project_without_models(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    assert "no registered model yet" in dropforge("model", "list", "churn").stdout
    unknown = dropforge("model", "list", "nobody")
    assert unknown.exit_code == 1 and "no project 'nobody'" in unknown.stderr


@pytest.fixture
def judged(session: Session, awaiting: RegisteredModel) -> RegisteredModel:
    """What the run of version 4 wrote."""
    figures = compared(lower=0.05, leakage=[leak(severe=False)], run="r4")
    write_document(layout.evaluation("lake", "churn", "r4"), figures)
    write_document(layout.verdict("lake", "churn", "r4"), decide(project(), figures))
    snapshot = SnapshotSummary(
        lake_version=12,
        train_rows=800,
        validation_rows=200,
        holdout_rows=600,
        holdout_positives=150,
        train_periods=["initial"],
        holdout_period="202010",
        uri="s3://lake/s",
    )
    prepared = PrepareResult(
        project="churn", project_version="v", run="r4", round=1, drops=[], snapshot=snapshot
    )
    write_document(layout.prepare_result("lake", "churn", "r4", 1), prepared)
    return awaiting


@pytest.mark.parametrize("version", ["4", "v4"])
def test_a_model_is_shown_rule_by_rule(
    dropforge: Dropforge, judged: RegisteredModel, version: str
) -> None:
    result = dropforge("model", "show", "churn", version)
    assert result.exit_code == 0, result.stderr
    for told in (
        "churn v4: awaits approval",
        "PROMOTE: better than the current model",
        "possible leakage",
        "advisory",
        "comparative",
        "AUC",
        "0.7800..0.8200",
        "history version 12",
        "lineage         s3://lake/models/churn/r4/lineage.json",
        "manifest        s3://lake/runs/churn/r4/manifest.json",
        "report          s3://lake/runs/churn/run/report.html",
        judged.model_package_arn,
        "To decide: dropforge approve churn 4",
    ):
        assert told in result.stdout


def test_a_model_is_shown_as_json(dropforge: Dropforge, judged: RegisteredModel) -> None:
    told = json.loads(dropforge("model", "show", "churn", "4", "--json").stdout)
    assert told["standing"] == "awaits approval"
    assert told["verdict_document"]["verdict"] == "PROMOTE"
    assert told["lineage"]["history version"] == "12"


def test_a_model_whose_documents_are_gone_is_still_shown(
    dropforge: Dropforge, awaiting: RegisteredModel
) -> None:
    result = dropforge("model", "show", "churn", "2")
    assert result.exit_code == 0, result.stderr
    assert "HOLD; the verdict of run r2 is not in the lake any more." in result.stdout
    assert "To decide" not in result.stdout


@pytest.mark.parametrize(
    ("command", "status", "arguments", "note"),
    [
        ("approve", "Approved", (), "dropforge approve"),
        ("approve", "Approved", ("--note", "seen by the board"), "seen by the board"),
        ("reject", "Rejected", (), "dropforge reject"),
        ("reject", "Rejected", ("--note", "wrong month"), "wrong month"),
    ],
)
def test_a_decision_is_written_to_the_registry_and_nowhere_else(
    session: Session,
    dropforge: Dropforge,
    awaiting: RegisteredModel,
    command: str,
    status: str,
    arguments: tuple[str, ...],
    note: str,
) -> None:
    result = dropforge(command, "churn", "v4", *arguments)
    assert result.exit_code == 0, result.stderr
    found = described(awaiting)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == (status, note)
    # The event's function does the rest: one way from a decision to a deployment.
    assert executions(session.stack.deployment_arn) == {}
    assert session.ledger.model("churn", "4") == awaiting
    if command == "approve":
        name = awaiting.approval_run("churn")
        assert f"dropforge run show {name} --follow" in result.stdout
    else:
        assert "v1 stays in production" in result.stdout


@pytest.mark.parametrize("command", ["approve", "reject"])
@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1", "it is in production"),
        ("2", "it is held: the champion"),
        ("3", "it is rejected by a rule"),
        ("9", "no model 9 (registered: v1, v2, v3, v4)"),
    ],
)
def test_what_awaits_nobody_is_not_decided(
    dropforge: Dropforge, awaiting: RegisteredModel, command: str, version: str, said: str
) -> None:
    result = dropforge(command, "churn", version)
    assert result.exit_code == 1
    assert said in result.stderr and "Nothing was changed" in result.stderr
    assert described(awaiting)["ModelApprovalStatus"] == "PendingManualApproval"


def test_an_approval_too_late_is_refused_before_it_is_written(
    session: Session, dropforge: Dropforge, awaiting: RegisteredModel
) -> None:
    crown(session, "5", "1", previous="1")
    result = dropforge("approve", "churn", "4")
    assert result.exit_code == 1
    assert "compared with v1, but v5 is in production now" in result.stderr
    assert described(awaiting)["ModelApprovalStatus"] == "PendingManualApproval"
    assert dropforge("reject", "churn", "4").exit_code == 0


def test_a_first_model_is_approved_without_a_champion(
    session: Session, dropforge: Dropforge
) -> None:
    dropforge("push", "churn")
    model = register(session, "1", model_package_arn=package(), expected_champion=None)
    result = dropforge("approve", "churn", "1")
    assert result.exit_code == 0, result.stderr
    assert described(model)["ModelApprovalStatus"] == "Approved"


def test_waiting_follows_the_deployment_that_the_event_starts(
    session: Session,
    dropforge: Dropforge,
    awaiting: RegisteredModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, followed = awaiting.approval_run("churn"), []
    arn = session.stack.deployment_arn

    def event(seconds: float) -> None:
        boto3.client("stepfunctions").start_execution(stateMachineArn=arn, name=name)

    def follow(_: Session, execution: str) -> bool:
        followed.append(execution)
        return True

    monkeypatch.setattr("dropforge.cli.decisions.time.sleep", event)
    monkeypatch.setattr(decisions, "follow", follow)
    result = dropforge("approve", "churn", "4", "--wait")
    assert result.exit_code == 0, result.stderr
    assert [arn.rsplit(":", 1)[1] for arn in followed] == [name]


def test_an_event_that_never_comes_is_told(
    dropforge: Dropforge, awaiting: RegisteredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "EVENT_SECONDS", -1.0)
    result = dropforge("approve", "churn", "4", "--wait")
    assert result.exit_code == 1
    assert "no deployment" in result.stderr and "dropforge doctor" in result.stderr
