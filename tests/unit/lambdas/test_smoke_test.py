"""SmokeTest against the server's own reading and writing of bodies."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from dropforge.aws import clients
from dropforge.aws.documents import write_bytes
from dropforge.errors import ArtifactBroken, InvalidRequest, SmokeTestFailed
from lambdas.smoke_test import checking
from lambdas.smoke_test.checking import BODIES
from lambdas.smoke_test.handler import handler
from lambdas.smoke_test.latency import Latency
from sagemaker_jobs.artifact.golden import golden_rows
from sagemaker_jobs.boosting.outcome import Outcome
from sagemaker_jobs.features.frame import Frame, Input
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.serving.answers import choose, render
from sagemaker_jobs.serving.requests import RequestReader
from tests.unit.lambdas.conftest import Account
from tests.unit.lambdas.documents import ARTIFACT

INPUTS = [
    Input("age", "number"),
    Input("term", "integer"),
    Input("owner", "boolean"),
    Input("purpose", "string", ("car, used", 'the "house"', "審査")),
]
FEATURES = FittedFeatures(tuple(INPUTS), {}, (), tuple(column.name for column in INPUTS))
CLASSES = ("a", "b, quoted", "c")
ROWS: list[dict[str, Any]] = [
    {"age": None, "term": None, "owner": None, "purpose": None},
    {"age": 0.1 + 0.2, "term": 12, "owner": True, "purpose": "car, used"},
    {"age": -1.5e17, "term": -3, "owner": False, "purpose": 'the "house"'},
    {"age": 41.000000000000001, "term": 36, "owner": True, "purpose": "unseen"},
    {"age": 7.25, "term": 24, "owner": False, "purpose": "審査"},
]


def score(frame: Frame) -> list[float]:
    """A score that changes with the smallest change of any value."""
    numbers, codes = frame.numbers, frame.codes
    found = []
    for row in range(frame.rows):
        values = [*numbers[row], *codes[row]]
        found.append(sum((i + 1) * (0.013 if v != v else float(v)) for i, v in enumerate(values)))
    return [1.0 / (1.0 + abs(value)) for value in found]


def binary(scores: list[float]) -> Outcome:
    """The scores, decided."""
    return Outcome(np.array(scores), [int(score > 0.5) for score in scores])


def multiclass(scores: list[float]) -> Outcome:
    """The scores as those of the first of three classes."""
    rest = 1.0 - np.array(scores)
    table = np.column_stack([scores, rest / 3, rest * 2 / 3])
    names = [CLASSES[place] for place in table.argmax(axis=1)]
    return Outcome(table.max(axis=1), names, CLASSES, table)


def regression(scores: list[float]) -> Outcome:
    """The scores as values."""
    return Outcome(1e6 * np.array(scores), None)


class Server:
    """An endpoint that reads and writes bodies as the image does."""

    def __init__(self, version: str = "7") -> None:
        self.version = version
        self.calls: list[dict[str, Any]] = []
        self.score: Callable[[Frame], list[float]] = score
        self.outcome: Callable[[list[float]], Outcome] = binary
        self.refuses = True
        contract = {"id": "loan", "ignored": ["default"]}
        self._reader = RequestReader(contract, FEATURES)

    def invoke_endpoint(self, **call: Any) -> dict[str, Any]:
        """The runtime's InvokeEndpoint."""
        self.calls.append(call)
        try:
            question = self._reader.read(call["ContentType"], call["Body"])
        except InvalidRequest as error:
            if not self.refuses:
                return {"Body": io.BytesIO(b'{"predictions": []}')}
            raise model_error(400, error.message) from error
        outcome = self.outcome(self.score(question.frame))
        body = render(choose(call["Accept"]), outcome, self.version, None)
        return {"Body": io.BytesIO(body)}


def model_error(status: int, message: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": "ModelError", "Message": "Received client error"},
            "OriginalStatusCode": status,
            "OriginalMessage": message,
        },
        "InvokeEndpoint",
    )


@pytest.fixture
def server(account: Account, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The endpoint, and an artifact whose golden rows it answers."""
    made = Server()
    keep_golden(binary)
    runtime = clients.client("sagemaker-runtime")
    monkeypatch.setattr(runtime, "invoke_endpoint", made.invoke_endpoint)
    return made


def keep_golden(outcome: Callable[[list[float]], Outcome]) -> None:
    """Write golden rows as Evaluate does."""
    reader = RequestReader({"id": "loan", "ignored": []}, FEATURES)
    scores = score(reader.read("application/json", json.dumps(ROWS).encode()).frame)
    lines = [vars(golden) for golden in golden_rows(ROWS, outcome(scores))]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n"
    write_bytes(f"{ARTIFACT}golden.jsonl", text.encode(), "application/jsonlines")


def check(account: Account, **more: Any) -> dict[str, Any]:
    event = {"endpoint": "credit-dev", "artifact_uri": ARTIFACT, "version": "7"}
    return handler(event | more, account.context)


def test_a_sound_endpoint_passes(account: Account, server: Server) -> None:
    answer = check(account)
    assert answer["passed"] is True
    assert answer["checks"] == [
        "5 rows as text/csv",
        "5 rows as application/json",
        "5 rows as application/jsonlines",
        "one row alone",
        "refused an unknown column",
        "refused broken JSON",
        "refused an unknown content type",
    ]


@pytest.mark.parametrize("outcome", [multiclass, regression])
def test_models_of_other_tasks(
    account: Account, server: Server, outcome: Callable[[list[float]], Outcome]
) -> None:
    keep_golden(outcome)
    server.outcome = outcome
    assert len(check(account)["checks"]) == 7
    server.score = lambda frame: [value + 1e-7 for value in score(frame)]
    with pytest.raises(SmokeTestFailed, match="golden-1 scores"):
        check(account)


def test_another_class_fails(account: Account, server: Server) -> None:
    keep_golden(multiclass)

    def renamed(scores: list[float]) -> Outcome:
        outcome = multiclass(scores)
        return Outcome(outcome.scores, ["d"] * len(scores), CLASSES, outcome.probabilities)

    server.outcome = renamed
    with pytest.raises(SmokeTestFailed, match="is decided d, offline"):
        check(account)


@pytest.mark.parametrize(("offline", "served"), [(multiclass, binary), (binary, multiclass),
                                                 (regression, binary), (binary, regression),
                                                 (multiclass, regression)])  # fmt: skip
def test_a_model_of_another_task_fails(
    account: Account,
    server: Server,
    offline: Callable[[list[float]], Outcome],
    served: Callable[[list[float]], Outcome],
) -> None:
    keep_golden(offline)
    server.outcome = served
    with pytest.raises(SmokeTestFailed):
        check(account)


def test_its_calls_are_left_out_of_monitoring(account: Account, server: Server) -> None:
    check(account)
    assert {call["EndpointName"] for call in server.calls} == {"credit-dev"}
    assert all(call["InferenceId"].startswith("golden-") for call in server.calls)
    assert all(len(call["InferenceId"]) <= 64 for call in server.calls)


@pytest.mark.parametrize("by", [1e-8, -1e-8, float("nan")])
def test_a_score_that_differs_fails(account: Account, server: Server, by: float) -> None:
    server.score = lambda frame: [value + by for value in score(frame)]
    with pytest.raises(SmokeTestFailed, match="golden-1 scores"):
        check(account)


def test_a_difference_below_the_tolerance_passes(account: Account, server: Server) -> None:
    server.score = lambda frame: [value + 5e-10 for value in score(frame)]
    assert check(account)["passed"] is True


@pytest.mark.parametrize("content_type", list(BODIES))
def test_one_content_type_alone_can_fail(
    account: Account, server: Server, content_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = server.invoke_endpoint

    def broken(**call: Any) -> dict[str, Any]:
        if call["ContentType"] == content_type:
            return {"Body": io.BytesIO(b"<html>")}
        return answer(**call)

    monkeypatch.setattr(clients.client("sagemaker-runtime"), "invoke_endpoint", broken)
    with pytest.raises(SmokeTestFailed, match=f"as {content_type}: the answer cannot be read"):
        check(account)


def test_the_old_model_behind_the_endpoint_is_noticed(account: Account, server: Server) -> None:
    server.version = "6"
    with pytest.raises(SmokeTestFailed, match="answered by model v6, not v7"):
        check(account)


def test_another_decision_fails(account: Account, server: Server) -> None:
    text = clients.client("s3").get_object(
        Bucket=ARTIFACT.split("/")[2], Key=ARTIFACT.split("/", 3)[3] + "golden.jsonl"
    )
    body = text["Body"].read().replace(b'"decision": 0', b'"decision": 1')
    write_bytes(f"{ARTIFACT}golden.jsonl", body, "application/jsonlines")
    with pytest.raises(SmokeTestFailed, match="is decided"):
        check(account)


def test_missing_answers_fail(account: Account, server: Server) -> None:
    server.score = lambda frame: score(frame)[:-1]
    with pytest.raises(SmokeTestFailed, match="4 answers to 5 rows"):
        check(account)


def test_bad_input_that_is_answered_fails(account: Account, server: Server) -> None:
    server.refuses = False
    with pytest.raises(SmokeTestFailed, match="must refuse an unknown column"):
        check(account)


@pytest.mark.parametrize("status", [500, 503])
def test_bad_input_that_breaks_the_server_fails(
    account: Account, server: Server, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = server.invoke_endpoint

    def break_down(**call: Any) -> dict[str, Any]:
        try:
            return answer(**call)
        except ClientError as error:
            raise model_error(status, "Internal Server Error") from error

    monkeypatch.setattr(clients.client("sagemaker-runtime"), "invoke_endpoint", break_down)
    with pytest.raises(SmokeTestFailed, match=f"answered {status}"):
        check(account)


def test_golden_rows_that_the_server_refuses_fail(
    account: Account, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**call: Any) -> None:
        raise model_error(400, "Row 1: column age is missing.")

    monkeypatch.setattr(clients.client("sagemaker-runtime"), "invoke_endpoint", refuse)
    with pytest.raises(SmokeTestFailed, match="400: Row 1: column age is missing"):
        check(account)


def test_an_endpoint_that_cannot_be_asked_is_another_error(
    account: Account, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**call: Any) -> None:
        raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "InvokeEndpoint")

    monkeypatch.setattr(clients.client("sagemaker-runtime"), "invoke_endpoint", refuse)
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        check(account)


@pytest.mark.parametrize("content", ["", '{"input": {}}\n'])
def test_an_artifact_without_golden_rows_is_broken(
    account: Account, server: Server, content: str
) -> None:
    write_bytes(f"{ARTIFACT}golden.jsonl", content.encode(), "application/jsonlines")
    with pytest.raises(ArtifactBroken, match="golden row"):
        check(account)


def test_one_of_several_variants_is_asked_by_its_name(account: Account, server: Server) -> None:
    check(account, variant="main")
    assert {call["TargetVariant"] for call in server.calls} == {"main"}
    server.calls.clear()
    check(account)
    assert not any("TargetVariant" in call for call in server.calls)


def test_an_endpoint_within_its_budget_passes(account: Account, server: Server) -> None:
    answer = check(account, latency_ms=10_000.0)
    assert re.fullmatch(r"p95 of one row \d+\.\d ms of 10000 ms", answer["checks"][-1])
    assert server.calls[-1]["InferenceId"].startswith("golden-")


def test_a_slow_endpoint_fails_and_says_by_how_much(
    account: Account, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Latency(p95=31.25, slow=3, asked=12, within=False)
    monkeypatch.setattr(checking, "measure", lambda ask, limit: found)
    with pytest.raises(
        SmokeTestFailed,
        match="3 of 12 requests of one row took longer than 20 ms, the p95 is 31.2 ms",
    ):
        check(account, latency_ms=20.0)
