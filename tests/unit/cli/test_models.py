"""`train` and `rollback`: what they start, and what they refuse."""

import datetime as dt

import pytest

from dropforge import layout
from dropforge.aws.documents import write_document
from dropforge.cli.session import Session
from dropforge.ledger import Champion, RegisteredModel
from dropforge.runs import Deployment

from .conftest import Dropforge
from .test_drops import executions

NOW = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)


def register(session: Session, version: str, status: str) -> RegisteredModel:
    model = RegisteredModel(
        version=version,
        model_package_arn=f"arn:package/{version}",
        artifact_uri=f"s3://lake/models/churn/r{version}/",
        run=f"r{version}",
        project_version="0123456789abcdef",
        verdict="PROMOTE" if status == "Approved" else "REJECT",
        status=status,
        registered_at=NOW,
    )
    session.ledger.put_model("churn", model)
    return model


@pytest.fixture
def champion(session: Session, dropforge: Dropforge) -> Champion:
    """Version 3 in production, promoted over 1; 2 was rejected, 4 approved and never deployed."""
    dropforge("push", "churn")
    models = [register(session, v, s) for v, s in zip("1234", STATUS, strict=True)]
    champion = Champion(
        version="3",
        model_package_arn=models[2].model_package_arn,
        artifact_uri=models[2].artifact_uri,
        run="r3",
        previous="1",
        promoted_at=NOW,
    )
    session.ledger.move_champion("churn", champion, None)
    return champion


STATUS = ("Approved", "Rejected", "Approved", "Approved")


def test_train_starts_a_run_without_a_drop(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    result = dropforge("train", "churn")
    assert result.exit_code == 0, result.stderr
    started = executions(session.stack.pipeline_arn)
    assert list(started.values()) == [
        {
            "project": "churn",
            "project_version": session.pushed("churn").version,
            "trigger": "train",
            "drop": None,
        }
    ]
    name = next(iter(started))
    assert name.startswith("churn-train-") and len(name) <= 44
    assert f"dropforge run show {name} --follow" in result.stdout


def test_training_twice_makes_two_runs(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    dropforge("train", "churn")
    dropforge("train", "churn")
    assert len(executions(session.stack.pipeline_arn)) == 2


@pytest.mark.parametrize("arguments", [(), ("--to", "1"), ("--to", "v1")])
def test_rollback_deploys_the_earlier_model(
    session: Session, dropforge: Dropforge, champion: Champion, arguments: tuple[str, ...]
) -> None:
    result = dropforge("rollback", "churn", "--no-wait", *arguments)
    assert result.exit_code == 0, result.stderr
    ((name, document),) = executions(session.stack.deployment_arn).items()
    assert document == {
        "project": "churn",
        "project_version": "0123456789abcdef",
        "run": name,
        "model_package_arn": "arn:package/1",
        "version": "1",
        "artifact_uri": "s3://lake/models/churn/r1/",
        "expected_champion": "3",
        "reason": "rollback",
    }


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("2", "was judged REJECT and is Rejected (fit for production: v1, v3, v4)"),
        ("4", "v4 of churn was approved, but never in production"),
        ("3", "v3 is in production already"),
        ("9", "no model v9"),
    ],
)
def test_rollback_refuses(
    session: Session, dropforge: Dropforge, champion: Champion, to: str, said: str
) -> None:
    result = dropforge("rollback", "churn", "--to", to)
    assert result.exit_code == 1
    assert said in result.stderr
    assert executions(session.stack.deployment_arn) == {}


@pytest.mark.parametrize("to", ["2", "4"])
def test_rollback_deploys_what_a_person_wants_anyway(
    session: Session, dropforge: Dropforge, champion: Champion, to: str
) -> None:
    refused = dropforge("rollback", "churn", "--to", to)
    assert f"dropforge rollback churn --to {to} --anyway" in refused.stderr
    result = dropforge("rollback", "churn", "--to", to, "--anyway", "--no-wait")
    assert result.exit_code == 0, result.stderr
    (document,) = executions(session.stack.deployment_arn).values()
    assert (document["version"], document["reason"]) == (to, "rollback")


def test_rollback_takes_an_older_champion(
    session: Session, dropforge: Dropforge, champion: Champion
) -> None:
    """Older than the previous one: its run says that it was deployed."""
    done = Deployment(
        project="churn",
        run="r4",
        version="4",
        previous=None,
        endpoint=None,
        config_name=None,
        action="none",
        smoke_checks=0,
    )
    place = layout.deployment(session.stack.lake_bucket, "churn", "r4")
    write_document(place, done)
    assert dropforge("rollback", "churn", "--to", "4", "--no-wait").exit_code == 0
    write_document(place, done.model_copy(update={"version": "5"}))
    assert dropforge("rollback", "churn", "--to", "4", "--no-wait").exit_code == 1


def test_anyway_names_no_model_by_itself(
    session: Session, dropforge: Dropforge, champion: Champion
) -> None:
    register(session, "1", "Rejected")
    result = dropforge("rollback", "churn", "--anyway")
    assert result.exit_code == 1
    assert "v1 of churn was judged REJECT" in result.stderr


def test_rollback_needs_a_champion(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    result = dropforge("rollback", "churn")
    assert result.exit_code == 1
    assert "has no model in production" in result.stderr
