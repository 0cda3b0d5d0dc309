"""The way around ASGI: the same answers, on the same terms, as uvicorn's own way gives."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from sagemaker_jobs.serving.app import SMALL_ROWS, Application
from sagemaker_jobs.serving.limits import Limits
from sagemaker_jobs.serving.model import ServedModel
from sagemaker_jobs.serving.protocol import ServingProtocol
from sagemaker_jobs.serving.worker import configure
from tests.unit.jobs.conftest import Made
from tests.unit.serving.calling import ROW


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.closed = b"", False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def talk(
    application: Application, kind: type[HttpToolsProtocol], reads: list[bytes]
) -> tuple[bytes, bool, int]:
    """What a connection answers to these reads, whether it is closed, and the tasks it took."""
    config = configure(application)
    config.load()
    state = ServerState()
    protocol = kind(config=config, server_state=state, app_state={})
    transport = Transport()
    protocol.connection_made(transport)
    tasks = 0
    for data in reads:
        protocol.data_received(data)
        tasks += len(state.tasks)
        for _ in range(1000):
            await asyncio.sleep(0)
            if not state.tasks:
                break
        else:
            await asyncio.sleep(0.2)
    protocol.connection_lost(None)
    return transport.written, transport.closed, tasks


def request(
    body: bytes,
    *headers: str,
    line: str = "POST /invocations HTTP/1.1",
    kind: str = "application/json",
) -> bytes:
    lines = [line, "Host: x", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines.append("X-Amzn-SageMaker-Inference-Id: a")
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


SINGLE = json.dumps(ROW).encode()
MANY = json.dumps([ROW] * (SMALL_ROWS + 1)).encode()

CHUNKED = (
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"X-Amzn-SageMaker-Inference-Id: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(SINGLE), SINGLE)
)

CASES: dict[str, tuple[list[bytes], int]] = {
    "one row": ([request(SINGLE)], 0),
    "csv to csv": ([request(b"1,2,3,x", "Accept: text/csv", kind="text/csv")], 0),
    "a hundred rows": ([request(json.dumps([ROW] * 100).encode())], 0),
    "refused": ([request(b"{")], 0),
    "not acceptable": ([request(SINGLE, "Accept: image/png")], 0),
    "one after the other": ([request(SINGLE), request(b"["), request(SINGLE)], 0),
    "kept alive": ([request(SINGLE, "Connection: keep-alive")], 0),
    "to be closed": ([request(SINGLE, "Connection: close")], 1),
    "old": ([request(SINGLE, line="POST /invocations HTTP/1.0")], 1),
    "in two reads": ([request(SINGLE)[:-5], request(SINGLE)[-5:]], 2),
    "headers first": ([request(SINGLE)[: -len(SINGLE)], SINGLE], 2),
    "headers in two reads": ([request(SINGLE)[:40], request(SINGLE)[40:]], 1),
    "the parser's, then plain": ([request(SINGLE)[:40], request(SINGLE)[40:], request(SINGLE)], 1),
    "plain, then the parser's": ([request(SINGLE), request(SINGLE)[:40], request(SINGLE)[40:]], 1),
    "chunked": ([CHUNKED], 1),
    "many rows": ([request(MANY)], 1),
    "explained": ([request(SINGLE, line="POST /invocations?explain=true HTTP/1.1")], 1),
    "pipelined": ([request(SINGLE) + request(b"{") + request(SINGLE)], 1),
    "expecting": ([request(SINGLE, "Expect: 100-continue")], 1),
    "ping": ([request(b"", line="GET /ping HTTP/1.1")], 1),
    "another path": ([request(b"", line="POST /x HTTP/1.1")], 1),
    "too large": ([request(SINGLE, "Content-Length: 99999999")], 0),
    "not HTTP": ([b"hello\r\n\r\n"], 0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_answers_are_those_of_uvicorns_own_way(made: Made, name: str) -> None:
    reads, tasks = CASES[name]
    answered = []
    for kind in (HttpToolsProtocol, ServingProtocol):
        application = Application(ServedModel.load(made.artifact, "7"))
        written, closed, taken = asyncio.run(talk(application, kind, reads))
        assert application.counts.in_flight == 0
        answered.append((written, closed, application.counts.read()[:10]))
        if kind is ServingProtocol:
            assert taken == tasks
    assert answered[0] == answered[1]
    assert answered[0][0].startswith(b"HTTP/1.1 ")


def failing(scope: object, body: object) -> None:
    raise ZeroDivisionError


def test_an_error_of_ours_is_answered_with_500(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    application = Application(ServedModel.load(made.artifact, "7"))
    monkeypatch.setattr(application._model, "read", failing)
    written, _, tasks = asyncio.run(talk(application, ServingProtocol, [request(SINGLE)]))
    assert (written.split(b"\r\n")[0], tasks) == (b"HTTP/1.1 500 Internal Server Error", 1)
    assert application.counts.read()[8] == 1


def test_a_burst_over_the_limit_is_sent_back(made: Made) -> None:
    application = Application(ServedModel.load(made.artifact, "7"), Limits(pending=2))

    async def burst(then: Callable[[], Any]) -> list[bytes]:
        config = configure(application)
        config.load()
        state = ServerState()
        protocols = [ServingProtocol(config, state, {}) for _ in range(4)]
        transports = [Transport() for _ in protocols]
        for protocol, transport in zip(protocols, transports, strict=True):
            protocol.connection_made(transport)
        for protocol in protocols:
            protocol.data_received(request(SINGLE))
            await then()
        for protocol in protocols:
            protocol.connection_lost(None)
        return [transport.written.split(b"\r\n")[0] for transport in transports]

    async def nothing() -> None:
        pass

    ok, refused = b"HTTP/1.1 200 OK", b"HTTP/1.1 503 Service Unavailable"
    assert asyncio.run(burst(nothing)) == [ok, ok, refused, refused]
    assert asyncio.run(burst(lambda: asyncio.sleep(0))) == [ok] * 4


def test_while_the_caller_does_not_read_answers_wait(made: Made) -> None:
    application = Application(ServedModel.load(made.artifact, "7"))

    async def scenario() -> None:
        config = configure(application)
        config.load()
        protocol = ServingProtocol(config=config, server_state=ServerState(), app_state={})
        transport = Transport()
        protocol.connection_made(transport)
        protocol.pause_writing()
        protocol.data_received(request(SINGLE))
        await asyncio.sleep(0.01)
        assert transport.written == b""
        protocol.resume_writing()
        await asyncio.sleep(0.01)
        assert transport.written.startswith(b"HTTP/1.1 200")
        protocol.connection_lost(None)

    asyncio.run(scenario())


@pytest.mark.parametrize("last", ["plain", "the parser's"])
def test_a_connection_that_is_not_used_is_closed(made: Made, last: str) -> None:
    application = Application(ServedModel.load(made.artifact, "7"))
    parts = {"plain": [request(SINGLE)], "the parser's": [request(SINGLE)[:9], request(SINGLE)[9:]]}

    async def scenario() -> list[float]:
        loop = asyncio.get_running_loop()
        config = configure(application)
        config.load()
        protocol = ServingProtocol(config=config, server_state=ServerState(), app_state={})
        protocol.timeout_keep_alive = 0.2  # type: ignore[assignment]
        transport = Transport()
        protocol.connection_made(transport)
        used = loop.time()
        for reads in (*[[request(SINGLE)]] * 3, parts[last]):
            used = loop.time()
            for data in reads:
                protocol.data_received(data)
            await asyncio.sleep(0.1)
            assert not transport.closed
        while not transport.closed:
            await asyncio.sleep(0.01)
        protocol.connection_lost(None)
        return [used, loop.time()]

    used, closed = asyncio.run(scenario())
    assert closed - used >= 0.2
