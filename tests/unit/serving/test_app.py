"""The application: every way to ask and to be answered, and what is refused instead of queued."""

import asyncio
import json
import math
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.rows import RowReader
from sagemaker_jobs.serving.access_log import AccessLog
from sagemaker_jobs.serving.app import SMALL_ROWS, Application
from sagemaker_jobs.serving.body import MAX_HELD_BYTES
from sagemaker_jobs.serving.limits import Limits
from sagemaker_jobs.serving.metrics import Counts
from sagemaker_jobs.serving.model import ServedModel
from sagemaker_jobs.serving.pages import pages_of
from sagemaker_jobs.serving.reading import Question
from tests.unit.jobs.conftest import Made
from tests.unit.serving.calling import ROW, ask, call


@pytest.fixture(scope="module")
def application(made: Made) -> Application:
    return serve(made.artifact)


def serve(artifact: Path, **more: Any) -> Application:
    model = ServedModel.load(artifact, "7")
    pages = pages_of(model.contract, model.version, Limits(), 2)
    return Application(model, pages=pages, **more)


# Asking and answering ---------------------------------------------------------------------------


def test_columns_with_data_are_answered_as_records(application: Application) -> None:
    body = {"columns": list(ROW), "data": [list(ROW.values())] * 2}
    scores = [row["score"] for row in ask(application, body).document["predictions"]]
    (expected,) = ask(application, ROW).document["predictions"]
    assert scores == [expected["score"]] * 2


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"columns": ["age"], "data": [[1, 2]]}, "Row 1 is not a list of 1 values"),
        ({"columns": ["age", "age"], "data": [[1, 2]]}, "names a column twice"),
        ({"columns": "age", "data": [[1]]}, "must be a list of column names"),
        ({"columns": ["age"], "data": {}}, "must be a list of rows"),
        ({"columns": ["age"], "data": []}, "no rows"),
    ],
)
def test_columns_that_do_not_fit_their_data(
    application: Application, body: object, says: str
) -> None:
    answer = ask(application, body)
    assert answer.status == 400
    assert says in answer.document["message"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/csv"),
        ("image/png, text/csv", "text/csv"),
        ("text/csv;q=0.1, application/jsonlines;q=0.5", "application/jsonlines"),
        ("application/x-ndjson", "application/jsonlines"),
        ("text/csv;q=0, */*;q=0.1", "application/json"),
    ],
)
def test_the_type_that_is_accepted_most(application: Application, accept: str, kind: str) -> None:
    answer = ask(application, accept=accept)
    assert (answer.status, answer.headers[b"content-type"].decode()) == (200, kind)


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "text/csv;q=x"])
def test_what_cannot_be_given_is_406(application: Application, accept: str) -> None:
    answer = ask(application, accept=accept)
    assert (answer.status, answer.document["error"]) == (406, "NotAcceptable")


def test_every_answer_has_an_inference_id(application: Application) -> None:
    given = {"x_amzn_sagemaker_inference_id": "order-17"}
    assert ask(application, **given).document["inference_id"] == "order-17"
    lines = ask(application, [ROW, ROW], accept="application/jsonlines", **given).body.splitlines()
    assert [json.loads(line)["inference_id"] for line in lines] == ["order-17"] * 2
    assert ask(application, {"nothing": 1}, **given).document["inference_id"] == "order-17"
    made = {ask(application).document["inference_id"] for _ in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize("kind", ["application/json", "application/jsonlines", "text/csv"])
@pytest.mark.parametrize("more", [{}, {"loan_id": "0,7"}, {"loan_id": 8}])
def test_one_row_is_worded_as_many_are(
    application: Application, kind: str, more: dict[str, Any]
) -> None:
    row = ROW | more
    named = {"accept": kind, "x_amzn_sagemaker_inference_id": "a"}
    one, two = (ask(application, [row] * count, **named).body for count in (1, 2))
    if kind == "application/json":
        first, second = json.loads(two)["predictions"]
        assert first == second
        assert json.loads(one) == {"predictions": [first], "inference_id": "a"}
    else:
        assert one * 2 == two


# Explanations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {"query": b"explain=true"},
        {"query": b"a=b&explain=1"},
        {"x_amzn_sagemaker_custom_attributes": "trace=7;explain=true"},
    ],
)
def test_an_explanation_adds_up_to_the_score(
    application: Application, made: Made, asked: dict[str, Any]
) -> None:
    answer = ask(application, [ROW, ROW | {"age": 20}], **asked)
    assert answer.status == 200
    alone = ask(application, ROW, **asked).document["predictions"][0]
    assert alone == answer.document["predictions"][0]
    for row in answer.document["predictions"]:
        explanation = row["explanation"]
        shown = [item["log_odds"] for item in explanation["contributions"]]
        # The model has five features, and so many are shown.
        total = explanation["base"] + sum(shown)
        assert 1 / (1 + math.exp(-total)) == pytest.approx(row["score"], abs=1e-9)
        assert shown == sorted(shown, key=abs, reverse=True)
        for item in explanation["contributions"]:
            without = 1 / (1 + math.exp(-(total - item["log_odds"])))
            assert item["probability_change"] == pytest.approx(row["score"] - without, abs=1e-9)
        assert {item["feature"] for item in explanation["contributions"]} <= {*ROW, "burden"}


@pytest.mark.parametrize("query", [b"", b"explain=false", b"unexplain=true"])
def test_without_being_asked_nothing_is_explained(application: Application, query: bytes) -> None:
    assert "explanation" not in ask(application, query=query).document["predictions"][0]


def test_explanations_are_not_for_csv_nor_for_thousands(application: Application) -> None:
    assert ask(application, accept="text/csv", query=b"explain=true").status == 406
    assert ask(application, [ROW] * 1001, query=b"explain=true").status == 413


# What the server says of itself -----------------------------------------------------------------


def get(application: Application, path: str) -> Any:
    answer = asyncio.run(call(application, path, method="GET"))
    assert answer.status == 200
    return answer.document


def test_the_batch_transforms_parameters(application: Application) -> None:
    assert get(application, "/execution-parameters") == {
        "MaxConcurrentTransforms": 2,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }


def test_the_openapi_document_is_the_contract(made: Made) -> None:
    model = ServedModel.load(made.artifact, "7")
    columns = [dict(column) for column in model.contract["columns"]]
    columns[0] |= {"min": 0, "max": 9, "nullable": False, "on_break": "reject_row"}
    columns[3] |= {"allowed": ["clerk"], "on_break": "warn"}
    pages = pages_of(model.contract | {"columns": columns}, "7", Limits(), 1)
    document = json.loads(pages["/openapi.json"])
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == ["income", "amount", "age", "job"]
    assert row["properties"]["income"] == {"type": "number", "minimum": 0, "maximum": 9}
    assert row["properties"]["age"] == {"type": ["integer", "null"]}
    assert "enum" not in row["properties"]["job"]  # it only warns
    assert {"loan_id", "sex", "default"} <= set(row["properties"])
    assert document["components"]["schemas"]["Prediction"]["properties"]["decision"] == {
        "enum": [0, 1]
    }
    assert document["info"]["version"] == "7"


def test_other_methods_are_told_which_is_answered(application: Application) -> None:
    for path, allowed in (("/ping", b"GET"), ("/openapi.json", b"GET"), ("/invocations", b"POST")):
        method = "GET" if allowed == b"POST" else "POST"
        answer = asyncio.run(call(application, path, method=method))
        assert (answer.status, answer.headers[b"allow"]) == (405, allowed)
    assert asyncio.run(call(application, "/", method="GET")).status == 404


# Limits -----------------------------------------------------------------------------------------


class Slow:
    """A model whose batches wait for `go`."""

    version = "7"
    contract: dict[str, Any] = {}

    def __init__(self, model: ServedModel) -> None:
        self._model, self.go, self.threads = model, threading.Event(), set[str]()

    def read(self, content_type: str, body: bytes) -> Question:
        return self._model.read(content_type, body)

    def reply(
        self, question: Question, kind: str, inference_id: str | None, *, explain: bool = False
    ) -> bytes:
        if question.rows > 1:
            self.threads.add(threading.current_thread().name)
            assert self.go.wait(30)
        return self._model.reply(question, kind, inference_id, explain=explain)


@pytest.fixture
def slow(made: Made) -> Slow:
    return Slow(ServedModel.load(made.artifact, "7"))


BATCH = json.dumps([ROW] * (SMALL_ROWS + 1)).encode()
SINGLE = json.dumps(ROW).encode()
KIND: dict[str, Any] = {"content_type": "application/json"}


def test_small_requests_are_answered_beside_a_batch(slow: Slow) -> None:
    async def scenario() -> None:
        application = Application(slow)
        batch = asyncio.ensure_future(call(application, body=BATCH, **KIND))
        await asyncio.sleep(0.05)
        assert (await call(application, body=SINGLE, **KIND)).status == 200
        assert (await call(application, "/ping", method="GET")).status == 200
        assert not batch.done()
        slow.go.set()
        answer = await batch
        assert (answer.status, len(answer.document["predictions"])) == (200, SMALL_ROWS + 1)

    asyncio.run(scenario())
    assert threading.main_thread().name not in slow.threads


def test_more_batches_than_the_limit_are_sent_back(slow: Slow) -> None:
    async def scenario() -> None:
        application = Application(slow, Limits(batches=2))
        batches = [asyncio.ensure_future(call(application, body=BATCH, **KIND)) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await call(application, body=BATCH, **KIND)
        assert (refused.status, refused.document["error"]) == (503, "Overloaded")
        assert refused.headers[b"retry-after"] == b"1"
        slow.go.set()
        assert [answer.status for answer in await asyncio.gather(*batches)] == [200, 200]
        assert (await call(application, body=BATCH, **KIND)).status == 200

    asyncio.run(scenario())


def test_more_requests_than_the_limit_are_sent_back(slow: Slow) -> None:
    async def scenario() -> None:
        application = Application(slow, Limits(pending=2))
        batches = [asyncio.ensure_future(call(application, body=BATCH, **KIND)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert (await call(application, body=SINGLE, **KIND)).status == 503
        assert (await call(application, "/ping", method="GET")).status == 200
        slow.go.set()
        await asyncio.gather(*batches)
        assert (await call(application, body=SINGLE, **KIND)).status == 200
        assert application.counts.in_flight == 0

    asyncio.run(scenario())


def test_an_answer_that_takes_too_long_is_given_up_and_keeps_its_place(slow: Slow) -> None:
    async def scenario() -> None:
        application = Application(slow, Limits(seconds=0.05, batches=1))
        late = await call(application, body=BATCH, **KIND)
        assert (late.status, late.document["error"]) == (503, "TimeExceeded")
        assert (await call(application, body=BATCH, **KIND)).document["error"] == "Overloaded"
        slow.go.set()
        deadline = time.monotonic() + 20
        while (await call(application, body=BATCH, **KIND)).status != 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    asyncio.run(scenario())


async def receive_never() -> dict[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


async def unfinished(application: Application, messages: list[dict[str, Any]]) -> list[Any]:
    """A request whose body stops after these messages; what is sent to it."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else await receive_never()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": []}
    await application(scope, receive, send)
    return sent


@pytest.mark.parametrize("parts", [[], [b"1,2"]])
def test_a_body_that_does_not_come_is_given_up(made: Made, parts: list[bytes]) -> None:
    async def scenario() -> None:
        application = serve(made.artifact)
        application.bodies._limits = Limits(seconds=0.02)
        messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        request = asyncio.ensure_future(unfinished(application, messages))
        await asyncio.sleep(0)
        application.bodies.stop_late()
        assert not request.done()
        await asyncio.sleep(0.05)
        application.bodies.stop_late()
        start, end = await asyncio.wait_for(request, 10)
        assert (start["status"], json.loads(end["body"])["error"]) == (408, "BodyLate")

    asyncio.run(scenario())


def test_a_caller_who_went_away_is_not_answered(application: Application) -> None:
    gone: list[dict[str, Any]] = [{"type": "http.disconnect"}]
    part = {"type": "http.request", "body": b"1,", "more_body": True}
    assert asyncio.run(unfinished(application, [*gone])) == []
    assert asyncio.run(unfinished(application, [part, *gone])) == []
    assert application.counts.in_flight == 0


def test_a_length_over_the_limit_is_refused_before_the_body_comes(
    application: Application,
) -> None:
    answer = asyncio.run(call(application, body=b"1", content_length=str(7 * 1024**2)))
    assert answer.status == 413


def test_bodies_on_their_way_are_bounded(made: Made) -> None:
    application = serve(made.artifact, limits=Limits(batches=99))
    part = b"x" * (5 * 1024**2)

    async def scenario() -> list[int]:
        async def one(wait: asyncio.Event) -> int:
            messages = [{"type": "http.request", "body": part, "more_body": True}]

            async def receive() -> dict[str, Any]:
                if messages:
                    return messages.pop()
                await wait.wait()
                return {"type": "http.request", "body": b"", "more_body": False}

            sent: list[Any] = []

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)

            scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": []}
            await application(scope, receive, send)
            return int(sent[0]["status"])

        wait = asyncio.Event()
        requests = [asyncio.ensure_future(one(wait)) for _ in range(14)]
        await asyncio.sleep(0.05)
        wait.set()
        return list(await asyncio.gather(*requests))

    statuses = asyncio.run(scenario())
    fitting = MAX_HELD_BYTES // len(part)
    assert statuses.count(503) == 14 - fitting
    assert statuses.count(415) == fitting  # whole, and of no content type


# What is counted and logged ---------------------------------------------------------------------


def test_requests_are_counted_and_logged_without_values(made: Made) -> None:
    written: list[bytes] = []
    counts = Counts()
    application = serve(made.artifact, counts=counts, log=AccessLog(written.append, "7"))
    ask(application, [ROW, ROW], x_amzn_sagemaker_inference_id="a")
    ask(application, ROW | {"job": ["secret"]}, x_amzn_sagemaker_inference_id="b")
    application.log.flush()
    first, second = (json.loads(line) for line in b"".join(written).splitlines())
    assert {**first, "time": 0, "ms": 0} == {
        "time": 0, "path": "/invocations", "status": 200, "rows": 2, "ms": 0,
        "inference_id": "a", "model_version": "7",
    }  # fmt: skip
    assert (second["status"], second["rows"], second["inference_id"]) == (400, 0, "b")
    assert b"secret" not in b"".join(written)
    assert counts.in_flight == 0


def test_a_single_row_through_arithmetic_is_the_batch_scorers_bit_by_bit(made: Made) -> None:
    model = ServedModel.load(made.artifact, "7")
    assert model._single is not None
    scorer = Scorer.load(made.artifact)
    rows: list[dict[str, Any]] = [
        {"income": income, "amount": amount, "age": age, "job": job}
        for income in (None, 0, -0.0, 1e308, 20000.5)
        for amount in (None, 0.0, 1e-308, 30000)
        for age in (None, 18)
        for job in (None, "nurse", "unheard of")
    ]
    expected = scorer.scores(RowReader(scorer.features).from_objects(rows)).tolist()
    for row, score in zip(rows, expected, strict=True):
        question = model.read("application/json", json.dumps(row).encode())
        assert question.values is not None
        assert model._single.score(question.values) == score
