"""Register: one package a run, whatever happens in between."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge import layout
from dropforge.aws import clients
from dropforge.aws.documents import read_document
from dropforge.errors import ArtifactBroken
from dropforge.runs import Registration
from lambdas.register.handler import handler
from lambdas.register.manifest import Manifest
from lambdas.register.package import METADATA_LIMIT, VALUE_LIMIT
from tests.unit.lambdas.conftest import IMAGE, LAKE, Account
from tests.unit.lambdas.documents import (
    ARTIFACT,
    RUN,
    make_champion,
    make_evaluation,
    make_model,
    make_outcome,
    make_snapshot,
    make_verdict,
    write_artifact,
    write_judged,
    write_prepared,
)

# botocore's pattern of CustomerMetadataValue, in Python's classes
METADATA = re.compile(r"[\w .:/=+\-@]{1,256}")


def event(
    account: Account, verdict: str = "PROMOTE", champion: str | None = None, **changes: Any
) -> dict[str, Any]:
    """A run that was judged; answers the state machine's request."""
    spec = account.push(**changes)
    write_prepared([make_outcome()], snapshot=make_snapshot(4))
    account.ledger.make_training_due("credit", 4, RUN)
    write_artifact()
    uris = write_judged(make_evaluation(champion=champion), make_verdict(verdict))
    return uris | {
        "project": "credit",
        "project_version": spec.version,
        "run": RUN,
        "artifact_uri": ARTIFACT,
        "training_job": f"{RUN}-train-0-0",
        "round": 1,
    }


def packages(account: Account) -> list[dict[str, Any]]:
    sagemaker = account.client("sagemaker")
    listed = sagemaker.list_model_packages(ModelPackageGroupName="credit-dev")
    return [
        sagemaker.describe_model_package(ModelPackageName=found["ModelPackageArn"])
        for found in listed["ModelPackageSummaryList"]
    ]


def test_a_promoted_model_is_registered_as_approved(account: Account) -> None:
    answer = handler(event(account), account.context)
    (package,) = packages(account)
    assert answer == {
        "model_package_arn": package["ModelPackageArn"],
        "version": "1",
        "status": "Approved",
        "deploy": True,
        "expected_champion": None,
    }
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["Image"] == IMAGE
    assert container["ModelDataSource"]["S3DataSource"] == {
        "S3Uri": ARTIFACT,
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    quality = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert quality["S3Uri"].endswith(f"{RUN}/evaluation.json")
    model = account.ledger.model("credit", "1")
    assert model is not None and (model.status, model.awaiting) == ("Approved", False)


def test_the_package_says_where_it_comes_from(account: Account) -> None:
    handler(event(account, champion="5"), account.context)
    about = packages(account)[0]["CustomerMetadataProperties"]
    assert about["run"] == RUN and about["project"] == "credit"
    assert about["lake_version"] == "4" and about["verdict"] == "PROMOTE"
    assert about["compared_with"] == "5" and about["metric.auc"] == "0.763000"
    assert len(about) <= METADATA_LIMIT and VALUE_LIMIT == 256
    assert [value for value in about.values() if not METADATA.fullmatch(value)] == []
    manifest = read_document(about["manifest"], Manifest)
    assert {file.name for file in manifest.files} >= {"model.txt", "golden.jsonl"}


@pytest.mark.parametrize(
    ("verdict", "approval", "status", "deploy", "awaiting"),
    [
        ("PROMOTE", "manual", "PendingManualApproval", False, True),
        ("HOLD", "auto", "Rejected", False, False),
        ("REJECT", "manual", "Rejected", False, False),
    ],
)
def test_the_status_follows_the_verdict(
    account: Account, verdict: str, approval: str, status: str, deploy: bool, awaiting: bool
) -> None:
    answer = handler(event(account, verdict, approval=approval), account.context)
    assert (answer["status"], answer["deploy"]) == (status, deploy)
    model = account.ledger.model("credit", "1")
    assert model is not None and model.awaiting is awaiting


def test_a_verdict_settles_the_training(account: Account) -> None:
    handler(event(account, "REJECT"), account.context)
    assert account.ledger.training_due("credit") is None


def test_rows_that_came_after_the_snapshot_stay_due(account: Account) -> None:
    request = event(account)
    account.ledger.make_training_due("credit", 5, "a later run")
    handler(request, account.context)
    due = account.ledger.training_due("credit")
    assert due is not None and due.lake_version == 5


def test_a_repetition_answers_the_same(account: Account) -> None:
    request = event(account)
    first = handler(request, account.context)
    assert handler(request, account.context) == first
    assert len(packages(account)) == 1


@pytest.mark.parametrize("lost", ["registration", "ledger"])
def test_a_crash_after_the_package_was_made_makes_no_second(
    account: Account, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    request = event(account)
    with monkeypatch.context() as crash:
        if lost == "registration":
            crash.setattr("lambdas.register.registering.write_document", _die)
        else:
            crash.setattr(type(account.ledger), "put_model", _die)
        with pytest.raises(ClientError):
            handler(request, account.context)
    assert account.ledger.training_due("credit") is not None
    answer = handler(request, account.context)
    assert answer["version"] == "1" and len(packages(account)) == 1
    place = layout.registration(LAKE, "credit", RUN)
    assert read_document(place, Registration).model_package_arn == answer["model_package_arn"]


def test_a_repetition_does_not_take_back_a_persons_decision(account: Account) -> None:
    request = event(account, approval="manual")
    handler(request, account.context)
    assert account.ledger.take_pending_model("credit", "1") is True
    account.client("s3").delete_object(
        Bucket=LAKE, Key=layout.registration(LAKE, "credit", RUN).key
    )
    handler(request, account.context)
    model = account.ledger.model("credit", "1")
    assert model is not None and model.awaiting is False


def test_runs_get_versions_of_one_group(account: Account) -> None:
    handler(event(account), account.context)
    account.ledger.put_model("credit", make_model("1"))
    request = event(account)
    other = RUN.replace("-1", "-2")
    for document in ("evaluation", "verdict"):
        place = f"runs/credit/{RUN}/{document}.json"
        body = account.client("s3").get_object(Bucket=LAKE, Key=place)["Body"].read()
        account.client("s3").put_object(
            Bucket=LAKE,
            Key=place.replace(RUN, other),
            Body=body.replace(RUN.encode(), other.encode()),
        )
        request[f"{document}_uri"] = request[f"{document}_uri"].replace(RUN, other)
    write_prepared([make_outcome()], snapshot=make_snapshot(4), run=other)
    assert handler(request | {"run": other}, account.context)["version"] == "2"


def test_the_champion_that_was_compared_is_the_one_to_replace(account: Account) -> None:
    account.ledger.move_champion("credit", make_champion("6"), None)
    answer = handler(event(account, champion="5"), account.context)
    assert answer["expected_champion"] == "5"


def test_an_incomplete_artifact_is_not_registered(account: Account) -> None:
    request = event(account)
    account.client("s3").delete_object(Bucket=LAKE, Key=f"{ARTIFACT[len(LAKE) + 6 :]}golden.jsonl")
    with pytest.raises(ArtifactBroken, match=r"lacks golden\.jsonl"):
        handler(request, account.context)
    assert packages(account) == []
    assert account.ledger.training_due("credit") is not None


def test_documents_of_another_run_are_refused(account: Account) -> None:
    with pytest.raises(ArtifactBroken, match="of run"):
        handler(event(account) | {"run": "credit-202011-x-1"}, account.context)


def test_a_refusal_to_look_is_not_taken_for_absence(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = event(account)

    def deny(**arguments: Any) -> None:
        raise ClientError(
            {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "Describe"
        )

    monkeypatch.setattr(clients.client("sagemaker"), "describe_model_package_group", deny)
    with pytest.raises(ClientError, match="AccessDenied"):
        handler(request, account.context)
    groups = account.client("sagemaker").list_model_package_groups()
    assert groups["ModelPackageGroupSummaryList"] == []


def _die(*arguments: Any, **options: Any) -> None:
    raise ClientError({"Error": {"Code": "InternalError", "Message": "lost"}}, "Any")
