"""The main job, in the order it happens: history, a month, a month to be scored, the endpoint."""

import csv
import io
import json
from typing import Any

import pytest

from dropforge.drops import DropRecord
from tests.flow.account import Account, wait_for
from tests.flow.conftest import Push
from tests.flow.customers import customers

TO_SCORE = customers(200, seed=4, labelled=False)


@pytest.fixture(scope="module")
def first(account: Account, push: Push) -> DropRecord:
    push("main", endpoint="realtime")
    return account.drop_and_wait("main/initial.csv", customers(1500, seed=1))


@pytest.fixture(scope="module")
def month(account: Account, first: DropRecord) -> DropRecord:
    return account.drop_and_wait("main/20201001.csv", customers(500, seed=2))


@pytest.fixture(scope="module")
def scored(account: Account, month: DropRecord) -> DropRecord:
    return account.drop_and_wait("main/20210101.csv", TO_SCORE)


def test_the_first_model_is_promoted_by_the_absolute_rules_alone(
    account: Account, first: DropRecord
) -> None:
    assert (first.state, first.kind, first.rows) == ("accepted", "labelled", 1500)
    assert account.ended(first.execution or "")["status"] == "SUCCEEDED"
    run = first.settled_by or ""
    verdict = account.run_document("main", run, "verdict.json")
    assert verdict["verdict"] == "PROMOTE"
    assert [rule["name"] for rule in verdict["rules"]] == ["auc", "leakage"]
    champion = account.ledger.champion("main")
    assert champion is not None and (champion.version, champion.run) == ("1", run)
    endpoint = account.client("sagemaker").describe_endpoint(EndpointName="main-dev")
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == champion.config_name
    mail = account.mail("[main/dev] PROMOTED initial")
    assert "is now live" in mail.body
    assert mail.recipient == "results@dropforge.example"


def test_the_artifact_is_whole_and_holds_no_pickle(account: Account, first: DropRecord) -> None:
    names = {key.rsplit("/", 1)[-1] for key in account.keys(f"models/main/{first.settled_by}/")}
    assert {
        "model.txt",
        "features.json",
        "contract.json",
        "baseline.json",
        "golden.jsonl",
        "lineage.json",
        "card.md",
    } <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_a_month_is_judged_against_the_champion_on_the_same_new_holdout(
    account: Account, month: DropRecord
) -> None:
    run = month.settled_by or ""
    evaluation = account.run_document("main", run, "evaluation.json")
    assert evaluation["holdout"]["period"] == "202010"
    assert evaluation["holdout"]["rows"] == evaluation["comparison"]["rows"] == 500
    assert evaluation["champion"]["version"] == "1"
    verdict = account.run_document("main", run, "verdict.json")
    bound = evaluation["comparison"]["lower"]
    assert verdict["verdict"] == ("PROMOTE" if bound > 0 else "HOLD")
    champion = account.ledger.champion("main")
    assert champion is not None
    assert champion.version == ("2" if verdict["verdict"] == "PROMOTE" else "1")
    endpoint = account.client("sagemaker").describe_endpoint(EndpointName="main-dev")
    assert endpoint["EndpointConfigName"] == champion.config_name


def test_no_training_is_due_after_a_verdict(account: Account, month: DropRecord) -> None:
    assert account.ledger.training_due("main") is None
    assert account.ledger.lock("main", "pipeline") is None


def test_every_model_is_in_the_registry(account: Account, month: DropRecord) -> None:
    packages = account.client("sagemaker").list_model_packages(ModelPackageGroupName="main-dev")
    versions = [p["ModelPackageVersion"] for p in packages["ModelPackageSummaryList"]]
    assert sorted(versions) == [1, 2]


def test_an_unlabelled_month_is_scored_row_by_row(account: Account, scored: DropRecord) -> None:
    assert (scored.state, scored.kind, scored.rows) == ("accepted", "unlabelled", 200)
    predictions = _predictions(account, scored)
    assert [row["id"] for row in predictions] == [row["customer_id"] for row in _rows(TO_SCORE)]
    champion = account.ledger.champion("main")
    assert champion is not None
    assert {row["model_version"] for row in predictions} == {champion.version}
    assert account.mail("[main/dev] SCORED 202101: 200 rows")


@pytest.mark.parametrize("content_type", ["text/csv", "application/json", "application/jsonlines"])
def test_the_endpoint_answers_as_the_batch_did(
    account: Account, scored: DropRecord, content_type: str
) -> None:
    rows = _rows(TO_SCORE)
    body = {
        "text/csv": TO_SCORE,
        "application/json": json.dumps({"instances": rows}).encode(),
        "application/jsonlines": "\n".join(map(json.dumps, rows)).encode(),
    }[content_type]
    answer = account.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="main-dev", ContentType=content_type, Accept="application/json", Body=body
    )
    assert answer["ContentType"] == "application/json"
    online = [p["score"] for p in json.loads(answer["Body"].read())["predictions"]]
    assert online == [float(row["score"]) for row in _predictions(account, scored)]


def test_requests_and_answers_are_captured(account: Account, scored: DropRecord) -> None:
    body = json.dumps(_rows(TO_SCORE)[0]).encode()
    account.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="main-dev", ContentType="application/json", Body=body, InferenceId="asked-1"
    )

    def asked() -> list[dict[str, Any]]:
        captured = [
            json.loads(line)
            for key in account.keys("capture/main-dev/main/")
            for line in account.read(f"s3://{account.outputs['LakeBucket']}/{key}").splitlines()
        ]
        return [c for c in captured if c["eventMetadata"].get("inferenceId") == "asked-1"]

    (captured,) = wait_for(asked, 10, "the capture of the request")
    assert captured["captureData"]["endpointInput"]["data"] == body.decode()
    assert captured["captureData"]["endpointInput"]["encoding"] == "JSON"


def test_training_without_a_drop_updates_the_endpoint_on_promotion(
    account: Account, push: Push, scored: DropRecord
) -> None:
    before = account.ledger.champion("main")
    push("main", endpoint="realtime", promotion={"mode": "advisory"})
    account.dropforge("train", "main", "--wait")
    last = account.executions("main")[-1]
    assert (last["status"], json.loads(last["input"])["trigger"]) == ("SUCCEEDED", "train")
    champion = account.ledger.champion("main")
    assert before is not None and champion is not None
    assert champion.previous == before.version
    assert _serving(account) == champion.version


def test_rolling_back_serves_the_model_before(account: Account, scored: DropRecord) -> None:
    champion = account.ledger.champion("main")
    assert champion is not None and champion.previous is not None
    account.dropforge("rollback", "main", "--wait")
    now = account.ledger.champion("main")
    assert now is not None and now.version == champion.previous
    mail = account.mail(f"[main/dev] DEPLOYED v{champion.previous}")
    assert f"Undo: dropforge rollback main --to {champion.version}" in mail.body
    assert _serving(account) == champion.previous


def _serving(account: Account) -> str:
    """The model version that the endpoint answers with."""
    answer = account.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="main-dev", ContentType="text/csv", Accept="application/json", Body=TO_SCORE
    )
    (version,) = {p["model_version"] for p in json.loads(answer["Body"].read())["predictions"]}
    return str(version)


def _rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode())))


def _predictions(account: Account, scored: DropRecord) -> list[dict[str, str]]:
    document = account.run_document("main", scored.settled_by or "", "score.json")
    return _rows(account.read(document["drops"][0]["predictions_uri"]))


def test_every_model_is_made_again_byte_for_byte(account: Account, month: DropRecord) -> None:
    versions = [model.version for model in account.ledger.models("main")]
    assert len(versions) >= 2
    for version in versions:
        said = account.dropforge("reproduce", "main", version).stdout
        assert f"main v{version}: byte for byte the same" in said
        assert "equal    model.txt" in said
