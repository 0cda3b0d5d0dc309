"""Register: one package a run, whatever happens in between."""

import hashlib
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge import layout
from dropforge.aws import clients
from dropforge.aws.documents import read_document, write_bytes
from dropforge.drops import PrepareResult
from dropforge.errors import ArtifactBroken
from dropforge.evaluation import Interval
from dropforge.metrics import METRIC_NAMES
from dropforge.runs import Registration
from lambdas.register.handler import handler
from lambdas.register.lineage import snapshot_hash
from lambdas.register.manifest import Manifest
from lambdas.register.package import (
    METADATA_LIMIT,
    VALUE_LIMIT,
    PackageFacts,
    metadata,
    package_request,
)
from tests.infra.requests import problems
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

BASELINE = f"{ARTIFACT}baseline.json"

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
        "shadow": False,
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
    baseline = {"Statistics": {"ContentType": "application/json", "S3Uri": BASELINE}}
    assert package["ModelMetrics"]["ModelDataQuality"] == baseline
    assert package["DriftCheckBaselines"] == {"ModelDataQuality": baseline}
    assert package["ModelPackageDescription"].startswith("PROMOTE: the first model")
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
    assert about["model_sha256"] == hashlib.sha256(b"content of model.txt").hexdigest()
    assert re.fullmatch("[0-9a-f]{64}", about["snapshot_sha256"])
    assert about["artifact"] == ARTIFACT and about["project_version"]
    assert "alias" not in about  # the ledger decides who is the champion


def test_the_snapshot_is_named_by_what_is_in_it(account: Account) -> None:
    handler(event(account), account.context)
    before = snapshot_hash(ARTIFACT)
    same = b'{"snapshot": {"holdout.parquet": "1b", "train.parquet": "0a"}}'
    write_bytes(f"{ARTIFACT}lineage.json", same, "application/json")
    assert snapshot_hash(ARTIFACT) == before
    write_bytes(f"{ARTIFACT}lineage.json", same.replace(b"1b", b"2c"), "application/json")
    assert snapshot_hash(ARTIFACT) != before
    write_bytes(f"{ARTIFACT}lineage.json", b"{}", "application/json")
    assert snapshot_hash(ARTIFACT) is None


def test_an_artifact_without_a_baseline_names_none(account: Account) -> None:
    request = event(account)
    account.client("s3").delete_object(Bucket=LAKE, Key=BASELINE.removeprefix(f"s3://{LAKE}/"))
    handler(request, account.context)
    (package,) = packages(account)
    assert "ModelDataQuality" not in package["ModelMetrics"]
    assert not package.get("DriftCheckBaselines")


def test_every_request_is_one_that_sagemaker_takes(account: Account) -> None:
    handler(event(account, champion="5"), account.context)
    facts = PackageFacts(
        project="credit",
        project_version="0123456789abcdef",
        run=RUN,
        stage="dev",
        training_job="t" * 63,
        artifact_uri=ARTIFACT,
        evaluation_uri=f"s3://{LAKE}/e.json",
        manifest_uri=f"s3://{LAKE}/m.json",
        baseline_uri=BASELINE,
        model_sha256="0" * 64,
        snapshot_sha256="1" * 64,
        image_uri=IMAGE,
        status="Rejected",
        expected_champion="5",
    )
    verdict = make_verdict("HOLD").model_copy(update={"headline": "a\nline " * 400})
    figures = {name: Interval(value=1.0, low=0.0, high=2.0) for name in METRIC_NAMES}
    evaluation = make_evaluation(champion="5")
    whole = evaluation.model_copy(
        update={"challenger": evaluation.challenger.model_copy(update={"metrics": figures})}
    )
    prepared = PrepareResult(
        project="credit",
        project_version="v",
        run=RUN,
        round=1,
        drops=[],
        snapshot=make_snapshot(4),
    )
    about = metadata(facts, whole, verdict, prepared)
    assert len(about) <= METADATA_LIMIT and f"metric.{list(METRIC_NAMES)[-1]}" in about
    request = package_request("credit-dev", facts, about)
    description = request.pop("ModelPackageDescription")
    assert description.startswith("HOLD: a line a line") and "\n" not in description
    assert len(description) <= 1024
    said = request.pop("CustomerMetadataProperties").values()  # its pattern is not Python's
    assert [value for value in said if not METADATA.fullmatch(value)] == []
    assert problems("sagemaker", "CreateModelPackage", request) == []


@pytest.mark.parametrize(
    ("verdict", "approval", "status", "deploy", "awaiting", "registered_as"),
    [
        ("PROMOTE", "auto", "Approved", True, False, "deployed by the run"),
        ("PROMOTE", "manual", "PendingManualApproval", False, True, "awaits approval"),
        ("HOLD", "auto", "Rejected", False, False, "held - the champion was kept"),
        ("REJECT", "manual", "Rejected", False, False, "rejected by a rule"),
    ],
)
def test_the_status_follows_the_verdict(
    account: Account,
    verdict: str,
    approval: str,
    status: str,
    deploy: bool,
    awaiting: bool,
    registered_as: str,
) -> None:
    answer = handler(event(account, verdict, approval=approval), account.context)
    assert (answer["status"], answer["deploy"]) == (status, deploy)
    model = account.ledger.model("credit", "1")
    assert model is not None and model.awaiting is awaiting
    about = packages(account)[0]["CustomerMetadataProperties"]
    assert (about["verdict"], about["registered_as"]) == (verdict, registered_as)


def test_the_registration_names_who_decides(account: Account) -> None:
    request = event(account, approval="manual", notify={"approvals": ["risk@bank.example"]})
    handler(request, account.context)
    made = read_document(layout.registration(LAKE, "credit", RUN), Registration)
    assert made.approvers == ["risk@bank.example"]


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


@pytest.mark.parametrize(
    ("verdict", "champion", "changes", "shadows"),
    [
        ("PROMOTE", "6", {"approval": "manual", "shadow": {}}, True),
        ("PROMOTE", None, {"approval": "manual", "shadow": {}}, False),
        ("HOLD", "6", {"approval": "manual", "shadow": {}}, False),
        ("PROMOTE", "6", {"approval": "manual"}, False),
    ],
    ids=["awaited", "nobody in production", "held", "not asked for"],
)
def test_a_model_that_awaits_approval_shadows_where_the_project_says_so(
    account: Account,
    verdict: str,
    champion: str | None,
    changes: dict[str, Any],
    shadows: bool,
) -> None:
    if champion is not None:
        account.ledger.move_champion("credit", make_champion(champion), None)
    answer = handler(event(account, verdict, champion, **changes), account.context)
    assert (answer["shadow"], answer["deploy"]) == (shadows, False)
