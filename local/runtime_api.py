"""The Lambda Runtime API for one execution environment.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PREFIX = "/2018-06-01/runtime/"


@dataclass(frozen=True)
class InvocationResult:
    """What the function answered, or the error document it ended with."""

    body: Any
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Invocation:
    event: bytes
    request_id: str
    function_arn: str
    timeout: float


class RuntimeApi:
    """A server on a port of its own: hands out invocations, takes in results."""

    def __init__(self) -> None:
        self._invocations: queue.Queue[_Invocation] = queue.Queue()
        self._results: queue.Queue[InvocationResult] = queue.Queue()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.invocations, self._server.results = self._invocations, self._results
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), daemon=True, name="runtime api"
        ).start()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def offer(self, event: bytes, request_id: str, function_arn: str, timeout: float) -> None:
        """Gives the next invocation to whoever asks."""
        self._server.taken_at = None
        self._invocations.put(_Invocation(event, request_id, function_arn, timeout))

    @property
    def taken_at(self) -> float | None:
        """When (time.monotonic) the function took the invocation; None: it still starts up."""
        return self._server.taken_at

    def result(self, seconds: float) -> InvocationResult | None:
        """The result of the invocation, waiting so long for it."""
        try:
            return self._results.get(timeout=seconds) if seconds else self._results.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stops listening."""
        threading.Thread(target=self._close, daemon=True).start()

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    invocations: "queue.Queue[_Invocation]"
    results: "queue.Queue[InvocationResult]"
    taken_at: float | None = None


class _Handler(BaseHTTPRequestHandler):
    # Without these two a warm call costs 44 ms: head and body leave in separate small packets.
    disable_nagle_algorithm = True
    wbufsize = -1
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """.../invocation/next: waits for an invocation."""
        invocation = self.server.invocations.get()
        self.server.taken_at = time.monotonic()
        self._answer(
            200,
            invocation.event,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.timeout) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Content-Type": "application/json",
            },
        )

    def do_POST(self) -> None:
        """.../invocation/<id>/response, .../invocation/<id>/error, .../init/error."""
        body = self._body()
        if self.path.endswith("/response"):
            self.server.results.put(InvocationResult(json.loads(body) if body else None))
        else:
            self.server.results.put(InvocationResult(None, json.loads(body)))
        self._answer(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps requests out of the log."""
