"""The server: the same scores as the batch, in every type; refusals that say why; a clean end."""

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.python import FeaturesFailed
from sagemaker_jobs.learning.dataset import read_table
from sagemaker_jobs.serving.app import Application, Model
from sagemaker_jobs.serving.limits import MAX_BODY_BYTES
from sagemaker_jobs.serving.model import ServedModel
from sagemaker_jobs.serving.reading import Question
from tests.unit.jobs.conftest import Made
from tests.unit.serving.calling import ROW, call

Answer = tuple[int, str, bytes]


class Client:
    """Calls the ASGI application without a socket."""

    def __init__(self, model: Model) -> None:
        self._application = Application(model)

    @classmethod
    def of(cls, artifact: Path) -> "Client":
        return cls(ServedModel.load(artifact, "7"))

    def call(
        self, method: str, path: str, body: bytes = b"", kind: str = "", accept: str = ""
    ) -> Answer:
        return self._call(method, path, body, kind, accept)

    def post(self, kind: str, body: bytes | str, accept: str = "") -> Answer:
        return self.call(
            "POST", "/invocations", body.encode() if isinstance(body, str) else body, kind, accept
        )

    def chunks(self, kind: str, parts: list[bytes]) -> Answer:
        return self._call("POST", "/invocations", parts, kind, "")

    def ask(self, kind: str, body: bytes | str) -> list[dict[str, Any]]:
        status, _, answer = self.post(kind, body)
        assert status == 200, answer
        return json.loads(answer)["predictions"]

    def refusal(self, kind: str, body: bytes | str) -> tuple[int, str]:
        status, _, answer = self.post(kind, body)
        return status, json.loads(answer)["message"]

    def _call(
        self, method: str, path: str, body: bytes | list[bytes], kind: str, accept: str
    ) -> Answer:
        asked = call(self._application, path, body, method=method, content_type=kind, accept=accept)
        found = asyncio.run(asked)
        return found.status, found.headers[b"content-type"].decode(), found.body


@pytest.fixture(scope="module")
def client(made: Made) -> Client:
    return Client.of(made.artifact)


def test_served_scores_are_the_batch_scores_bit_by_bit(made: Made, client: Client) -> None:
    table = read_table(made.snapshot / "holdout.parquet").slice(0, 200)
    scorer = Scorer.load(made.artifact)
    offline = scorer.scores(frame_from_arrow(table, scorer.features)).tolist()
    rows = table.select(list(ROW)).to_pylist()
    at_once = client.ask("application/json", json.dumps(rows))
    assert [item["score"] for item in at_once] == offline
    for row, score in zip(rows[:50], offline[:50], strict=True):
        fields = ["" if row[name] is None else str(row[name]) for name in ROW]
        assert client.ask("text/csv", ",".join(fields))[0]["score"] == score
        assert client.ask("application/json", json.dumps(row))[0]["score"] == score


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", "20000.5,30000,41,clerk"),
        ("text/csv; charset=utf-8", "20000.5,30000,41,clerk\r\n"),
        ("text/csv", "loan_id,20000.5,30000,41,clerk".replace("loan_id", "0007")),
        ("text/csv", '"20000.5","30000","41","clerk"\n'),
        ("text/csv", "age, income ,amount,job\n41,20000.5,30000,clerk\n"),
        ("text/csv", "\ufeffage,income,amount,job,sex,default\n41,20000.5,30000,clerk,f,\n"),
        ("application/json", json.dumps(ROW)),
        ("application/json", json.dumps([ROW])),
        ("application/json", json.dumps({"instances": [ROW]})),
        ("application/json", json.dumps({"instances": ROW})),
        ("application/json", json.dumps({**ROW, "income": "20000.5", "sex": "f"})),
        ("application/jsonlines", json.dumps(ROW) + "\n\n"),
        ("application/x-ndjson", json.dumps(ROW)),
    ],
)
def test_every_way_to_ask_has_the_same_answer(client: Client, kind: str, body: str) -> None:
    (found,) = client.ask(kind, body)
    (expected,) = client.ask("application/json", json.dumps(ROW))
    assert found["score"] == expected["score"]
    assert found["decision"] in (0, 1)
    assert found["model_version"] == "7"


def test_ids_come_back(client: Client) -> None:
    rows = [{**ROW, "loan_id": "007"}, {**ROW, "loan_id": 8}]
    assert [item["id"] for item in client.ask("application/json", json.dumps(rows))] == ["007", 8]
    text = "loan_id,income,amount,age,job\n007,1,2,3,x\n"
    assert client.ask("text/csv", text)[0]["id"] == "007"
    assert "id" not in client.ask("application/json", json.dumps(ROW))[0]


def test_answers_in_csv_and_json_lines(client: Client) -> None:
    (expected,) = client.ask("application/json", json.dumps(ROW))
    body = json.dumps([{**ROW, "loan_id": "0,7"}] * 2)
    status, kind, answer = client.post("application/json", body, "text/csv;q=0.9")
    assert (status, kind) == (200, "text/csv")
    first = answer.decode().splitlines()[0]
    assert first == f'"0,7",{expected["score"]!r},{expected["decision"]},7'
    _, kind, answer = client.post("application/json", body, "application/jsonlines")
    assert kind == "application/jsonlines"
    assert [json.loads(line)["id"] for line in answer.splitlines()] == ["0,7"] * 2
    assert client.post("application/json", body, "*/*")[1] == "application/json"


@pytest.mark.parametrize(
    ("kind", "body", "status", "says"),
    [
        ("image/png", "x", 415, "Content type image/png is not supported"),
        ("", "x", 415, "absent"),
        ("text/csv", "", 400, "no rows"),
        ("text/csv", "income,amount,age,job\n", 400, "a header and no rows"),
        ("text/csv", "1,2", 400, "Row 1 has 2 fields"),
        ("text/csv", "1,2,3,x\n1,2,3", 400, "Row 2 has 3 fields, expected 4"),
        ("text/csv", "1,2,secret,x", 400, "Row 1, column age: must be a whole number"),
        ("text/csv", "income,amount,age,zip\n1,2,3,4", 400, "unknown column zip"),
        ("text/csv", "income,amount,age\n1,2,3", 400, "lacks the column job"),
        ("text/csv", b"\xff,1,1,1", 400, "not UTF-8"),
        ("text/csv", '1,2,3,"x', 400, "quote"),
        ("application/json", "{", 400, "not JSON"),
        ("application/json", "3", 400, "must be a record"),
        ("application/json", "[]", 400, "no rows"),
        ("application/json", "[1]", 400, "Row 1 is not a JSON object"),
        ("application/json", json.dumps({**ROW, "zip": 1}), 400, "Row 1, column zip: is unknown"),
        ("application/json", json.dumps({"income": 1}), 400, "Row 1, column amount: is missing"),
        ("application/json", json.dumps([ROW, {**ROW, "age": "secret"}]), 400, "Row 2, column age"),
        ("application/json", json.dumps({**ROW, "job": ["x"]}), 400, "column job: must be a text"),
        ("application/json", '{"income": 1e999}', 400, ""),
        ("application/jsonlines", json.dumps(ROW) + "\n{", 400, "not JSON"),
    ],
)
def test_bad_input_is_refused_with_row_column_and_rule(
    client: Client, kind: str, body: bytes | str, status: int, says: str
) -> None:
    found, message = client.refusal(kind, body)
    assert found == status
    assert says in message
    assert "secret" not in message


def test_bodies_over_the_limit_are_refused(client: Client) -> None:
    assert client.post("text/csv", b"1" * (MAX_BODY_BYTES + 1))[0] == 413
    assert client.chunks("text/csv", [b"1" * (MAX_BODY_BYTES // 2)] * 3)[0] == 413


def test_a_body_in_parts_is_put_together(client: Client) -> None:
    text = json.dumps(ROW).encode()
    assert client.chunks("application/json", [text[:9], text[9:20], text[20:]])[0] == 200


def test_other_paths_and_methods(client: Client) -> None:
    assert client.call("GET", "/ping")[0] == 200
    assert client.call("GET", "/invocations")[0] == 405
    assert client.call("POST", "/ping")[0] == 405
    assert client.call("GET", "/")[0] == 404


class Broken:
    """A model whose features.py raises."""

    version = "7"
    contract: dict[str, Any] = {}

    def read(self, content_type: str, body: bytes) -> Question:
        raise FeaturesFailed("features.py, line 3: KeyError at `frame['x']`.")

    def reply(
        self, question: Question, kind: str, inference_id: str | None, *, explain: bool = False
    ) -> bytes:
        raise NotImplementedError


def test_a_model_that_cannot_answer_says_why() -> None:
    broken = Client(Broken())
    status, _, answer = broken.post("application/json", "[]")
    assert status == 500
    assert json.loads(answer)["error"] == "FeaturesFailed"
    assert "features.py, line 3" in json.loads(answer)["message"]


def test_golden_rows_are_asked_at_boot(made: Made) -> None:
    model = ServedModel.load(made.artifact, "7")
    assert model.check_golden(made.artifact) == 32


# A real process ---------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(folder: Path, artifact: Path, port: int) -> "subprocess.Popen[bytes]":
    shutil.copytree(artifact, folder / "model")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        "DROPFORGE_ML_ROOT": str(folder),
        "DROPFORGE_PORT": str(port),
        "DROPFORGE_HOST": "127.0.0.1",
        "DROPFORGE_MODEL_VERSION": "7",
    }
    command = [sys.executable, "-m", "sagemaker_jobs", "serve"]
    log = (folder / "log").open("wb")
    with log:
        return subprocess.Popen(command, env=environment, cwd=folder, stderr=log)


@pytest.fixture
def server(made: Made, tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    port = free_port()
    process = start(tmp_path, made.artifact, port)
    try:
        wait_for(port, process)
        yield process, port
    finally:
        process.kill()
        process.wait()


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ping")
            assert connection.getresponse().status == 200
            connection.close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise AssertionError("the server did not come up")


def test_the_process_answers_and_ends_cleanly(
    server: tuple["subprocess.Popen[bytes]", int], made: Made
) -> None:
    process, port = server
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        "POST", "/invocations", json.dumps(ROW), {"Content-Type": "application/json"}
    )
    answer = json.loads(connection.getresponse().read())["predictions"][0]
    assert (
        answer["score"]
        == Client.of(made.artifact).ask("application/json", json.dumps(ROW))[0]["score"]
    )
    connection.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def test_a_request_in_flight_is_finished_before_the_end(
    server: tuple["subprocess.Popen[bytes]", int],
) -> None:
    process, port = server
    body = json.dumps(ROW).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = (
            "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:10])
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert process.poll() is None
        connection.sendall(body[10:])
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"predictions"' in answer
    assert process.wait(timeout=20) == 0


def test_a_model_that_fails_its_golden_rows_never_opens_the_port(
    made: Made, tmp_path: Path
) -> None:
    artifact = Path(shutil.copytree(made.artifact, tmp_path / "artifact"))
    golden = (artifact / "golden.jsonl").read_text().replace('"decision": 0', '"decision": 1')
    (artifact / "golden.jsonl").write_text(golden)
    (tmp_path / "root").mkdir()
    process = start(tmp_path / "root", artifact, free_port())
    assert process.wait(timeout=60) == 1
    assert "must score" in (tmp_path / "root" / "log").read_text()


def test_the_server_imports_no_training_library(made: Made) -> None:
    code = (
        "import sys, pathlib; import sagemaker_jobs.serve; "
        "from sagemaker_jobs.serving.model import ServedModel; "
        "f = pathlib.Path(sys.argv[1]); ServedModel.load(f, '1').check_golden(f); "
        "heavy = ('lightgbm', 'scipy', 'pyarrow', 'pandas', 'pydantic', 'boto3', 'optuna', 'yaml', "
        "'llvmlite', 'http.server'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(made.artifact)],
        cwd=Path(__file__).resolve().parents[3], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
