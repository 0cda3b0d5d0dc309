"""`predict`: rows to the endpoint in parts, answers as CSV or JSON, refusals in plain words."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge.cli import endpoint as module
from dropforge.cli.endpoint import csv_requests
from dropforge.cli.session import Session

from .conftest import Dropforge


class FakeRuntime:
    """Scores a row by its column x, or refuses as SageMaker does."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refusal: dict[str, Any] | None = None
        self.answer: Callable[[float], dict[str, Any]] = flagged

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.refusal is not None:
            raise ClientError(self.refusal, "InvokeEndpoint")
        body = request["Body"].decode()
        if request["ContentType"] == "text/csv":
            values = [float(line.split(",")[1]) for line in body.splitlines()[1:]]
        else:
            values = [json.loads(line)["x"] for line in body.splitlines()]
        answers = [self.answer(x) for x in values]
        return {"Body": io.BytesIO("\n".join(map(json.dumps, answers)).encode())}


def flagged(x: float) -> dict[str, Any]:
    return {"score": x / 10, "decision": int(x > 5), "model_version": "1"}


@pytest.fixture
def runtime(session: Session, dropforge: Dropforge, monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    dropforge("push", "churn")
    fake = FakeRuntime()
    monkeypatch.setattr(module, "client", lambda service: fake)
    return fake


def test_a_csv_file_goes_in_parts_each_with_its_header(
    runtime: FakeRuntime, dropforge: Dropforge, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    rows = "".join(f"C{n},{n % 10}\n" for n in range(1100))
    file.write_text("\ufeffcustomer_id,x\n" + rows, encoding="utf-8")
    result = dropforge("predict", "churn", str(file))
    assert result.exit_code == 0, result.stderr
    assert [r["EndpointName"] for r in runtime.requests] == ["churn-dev"] * 3
    assert all(r["Body"].startswith(b"customer_id,x\n") for r in runtime.requests)
    lines = result.stdout.splitlines()
    assert lines[0] == "score,decision,model_version"
    assert len(lines) == 1101
    assert lines[8] == "0.7,1,1"


def test_rows_as_json(runtime: FakeRuntime, dropforge: Dropforge, tmp_path: Path) -> None:
    one = dropforge("predict", "churn", "--row", '{"x": 7}', "--json")
    assert json.loads(one.stdout) == [{"score": 0.7, "decision": 1, "model_version": "1"}]
    file = tmp_path / "rows.jsonl"
    file.write_text('{"x": 1}\n\n{"x": 9}\n', encoding="utf-8")
    out = tmp_path / "scores.csv"
    assert dropforge("predict", "churn", str(file), "--out", str(out)).exit_code == 0
    assert out.read_text() == "score,decision,model_version\n0.1,0,1\n0.9,1,1\n"


def test_probabilities_are_columns_in_csv_and_objects_in_json(
    runtime: FakeRuntime, dropforge: Dropforge
) -> None:
    answer = {"score": 0.7, "decision": "a", "probabilities": {"a": 0.7, "b": 0.3}}
    runtime.answer = lambda x: answer
    table = dropforge("predict", "churn", "--row", '{"x": 7}').stdout
    assert table == "score,decision,probability_a,probability_b\n0.7,a,0.7,0.3\n"
    assert json.loads(dropforge("predict", "churn", "--row", '{"x": 7}', "--json").stdout) == [
        answer
    ]


def test_a_value_has_no_decision(runtime: FakeRuntime, dropforge: Dropforge) -> None:
    runtime.answer = lambda x: {"score": 12.5 * x, "decision": None, "model_version": "1"}
    table = dropforge("predict", "churn", "--row", '{"x": 2}').stdout
    assert table == "score,decision,model_version\n25.0,,1\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either a file or --row"),
        (("--row", "{x: 1}"), "--row is not JSON"),
        (("--row", "[1]"), "A row maps columns to values"),
        (("none.csv",), "There is no file none.csv"),
    ],
)
def test_wrong_input_is_told_before_anything_is_sent(
    runtime: FakeRuntime, dropforge: Dropforge, arguments: tuple[str, ...], said: str
) -> None:
    result = dropforge("predict", "churn", *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert runtime.requests == []


def test_another_kind_of_file_is_for_the_batch(
    runtime: FakeRuntime, dropforge: Dropforge, tmp_path: Path
) -> None:
    file = tmp_path / "rows.parquet"
    file.touch()
    assert "scored in batch" in dropforge("predict", "churn", str(file)).stderr


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            {
                "Error": {"Code": "ModelError", "Message": "Received client error (400)"},
                "OriginalStatusCode": 400,
                "OriginalMessage": '{"error":"InvalidRequest","message":"Row 1: no tenure."}',
            },
            "The model of churn-dev refused the rows: Row 1: no tenure.",
        ),
        (
            {
                "Error": {"Code": "ModelError", "Message": "Received server error (500)"},
                "OriginalStatusCode": 500,
                "OriginalMessage": "worker died",
            },
            "The server of churn-dev broke down: worker died",
        ),
        (
            {"Error": {"Code": "ValidationError", "Message": "Endpoint churn-dev not found."}},
            "endpoint: realtime",
        ),
    ],
)
def test_refusals_in_plain_words(
    runtime: FakeRuntime, dropforge: Dropforge, refusal: dict[str, Any], said: str
) -> None:
    runtime.refusal = refusal
    result = dropforge("predict", "churn", "--row", '{"x": 1}')
    assert result.exit_code == 1
    assert said in result.stderr


def test_quoted_newlines_stay_in_their_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('a,b\n"x\ny",1\nz,2\n', encoding="utf-8")
    assert list(csv_requests(file, rows=1)) == [b'a,b\n"x\ny",1\n', b"a,b\nz,2\n"]
