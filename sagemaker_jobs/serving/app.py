"""The ASGI application: /ping, /invocations, and what SageMaker and people ask besides.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, Protocol

import orjson

from dropforge.errors import DropforgeError
from sagemaker_jobs.serving.access_log import AccessLog
from sagemaker_jobs.serving.answers import choose
from sagemaker_jobs.serving.asking import Asked
from sagemaker_jobs.serving.beside import Beside
from sagemaker_jobs.serving.body import Bodies, Disconnected, Receive
from sagemaker_jobs.serving.limits import Limits
from sagemaker_jobs.serving.metrics import Counts
from sagemaker_jobs.serving.reading import Question
from sagemaker_jobs.serving.refusals import Overloaded, document_of, status_of
from sagemaker_jobs.serving.requests import JSON
from sagemaker_jobs.serving.responses import RETRY, Answer, Send, respond

Scope = dict[str, Any]

SMALL_BYTES, SMALL_ROWS = 64 * 1024, 128
"""Bodies up to so many bytes are read, and so many rows scored, at once: a millisecond or two. The
rest is done in a thread, beside which small requests and /ping are answered."""

_CROWDED = "Too many requests wait already: send it again in a second."


class Model(Protocol):
    """What answers."""

    version: str
    contract: dict[str, Any]

    def read(self, content_type: str, body: bytes) -> Question:
        """A body's rows."""

    def reply(
        self, question: Question, kind: str, inference_id: str | None, *, explain: bool = False
    ) -> bytes:
        """The answer's body."""


class Application:
    """One model behind its paths. It has answered its golden rows before this is made.

    `waiting` says how many requests the server has begun and not answered; by default those that
    this application counts.
    """

    def __init__(
        self,
        model: Model,
        limits: Limits | None = None,
        counts: Counts | None = None,
        log: AccessLog | None = None,
        pages: dict[str, bytes] | None = None,
    ) -> None:
        self._model = model
        self._limits = limits or Limits()
        self.counts = counts or Counts()
        self.log = log or AccessLog(lambda lines: None, model.version)
        self.waiting: Callable[[], int] = lambda: self.counts.in_flight
        self.each_second: Callable[[], None] = lambda: None
        self.bodies = Bodies(self._limits)
        self._pages = {"/ping": b"{}"} | (pages or {})
        self._shown = frozenset(
            column["name"]
            for column in model.contract.get("columns", ())
            if column.get("personal") is False
        )
        self._beside, self._burst = Beside(self._limits), 0
        self._made, self._prefix = 0, os.urandom(6).hex()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"only http is served, not {scope['type']}")
        path, method = scope["path"], scope["method"]
        if path == "/invocations" and method == "POST":
            await self._invoke(scope, receive, send)
        elif path in self._pages and method == "GET":
            await respond(send, 200, b"application/json", self._pages[path])
        elif path == "/invocations" or path in self._pages:
            allowed = b"POST" if path == "/invocations" else b"GET"
            document = _error("MethodNotAllowed", f"{method[:20]} is not answered at {path}.")
            await respond(send, 405, b"application/json", document, [(b"allow", allowed)])
        else:
            paths = ", ".join(["/invocations", *self._pages])
            await respond(send, 404, b"application/json", _error("NotFound", f"There are {paths}."))

    async def _invoke(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        self.counts.begin()
        status, rows, warnings = 500, 0, 0
        asked = Asked(dict(scope["headers"]), scope.get("query_string"))
        inference_id = asked.inference_id or self._new_id()
        try:
            try:
                if self.waiting() > self._limits.pending:
                    raise Overloaded(_CROWDED)
                kind = choose(asked.accept)
                body = await self.bodies.read(receive, asked.length)
                question = await self._read(asked.content_type, body)
                answer = await self._reply(question, kind, inference_id, asked.explain)
            except DropforgeError as error:
                refusal = self._refusal(error, inference_id)
                status = refusal.status
                await respond(send, *refusal)
            except Disconnected:
                status = 408
            else:
                status, rows, warnings = 200, question.rows, question.warnings
                await respond(send, 200, kind.encode(), answer)
        finally:
            seconds = time.perf_counter() - started
            self.counts.end(status, rows, seconds, warnings)
            self.log.record("/invocations", status, rows, seconds, inference_id)

    def at_once(self, asked: Asked, body: bytes, callers: int) -> Answer | None:
        """The answer to a POST to /invocations that is there as a whole, without a task of its own.

        None for one that is not small, which is then to be served as any is. `callers` is how many
        connections are open: so many requests the loop can find at one time.
        """
        if asked.explain or len(body) > SMALL_BYTES:
            return None
        started = time.perf_counter()
        inference_id = asked.inference_id or self._new_id()
        rows = warnings = 0
        try:
            if callers > self._limits.pending:
                self._count_burst()
            kind = choose(asked.accept)
            question = self._model.read(asked.content_type, body)
            if question.rows > SMALL_ROWS:
                return None
            reply = self._model.reply(question, kind, inference_id)
            answer = Answer(200, kind.encode(), reply)
            rows, warnings = question.rows, question.warnings
        except DropforgeError as error:
            answer = self._refusal(error, inference_id)
        seconds = time.perf_counter() - started
        self.counts.record(answer.status, rows, seconds, warnings)
        self.log.record("/invocations", answer.status, rows, seconds, inference_id)
        return answer

    def _count_burst(self) -> None:
        """Requests that the loop found at one time wait for each other, too."""
        if not self._burst:
            asyncio.get_running_loop().call_soon(self._end_burst)
        self._burst += 1
        if self._burst > self._limits.pending:
            raise Overloaded(_CROWDED)

    def _end_burst(self) -> None:
        self._burst = 0

    async def _read(self, content_type: str, body: bytes) -> Question:
        if len(body) <= SMALL_BYTES:
            return self._model.read(content_type, body)
        return await self._beside.do(lambda: self._model.read(content_type, body))

    async def _reply(self, question: Question, kind: str, identity: str, explain: bool) -> bytes:
        rows = question.rows
        # A single row is never scored in the thread: its way through LightGBM is not for two.
        if rows == 1 or (rows <= SMALL_ROWS and not explain):
            return self._model.reply(question, kind, identity, explain=explain)
        return await self._beside.do(
            lambda: self._model.reply(question, kind, identity, explain=explain)
        )

    def _refusal(self, error: DropforgeError, inference_id: str) -> Answer:
        status = status_of(error)
        document = document_of(error, self._shown) | {"inference_id": inference_id}
        body = orjson.dumps(document, default=str)
        return Answer(status, JSON.encode(), body, RETRY if status == 503 else ())

    def _new_id(self) -> str:
        self._made += 1
        return f"{self._prefix}-{self._made:x}"


def _error(error: str, message: str) -> bytes:
    return orjson.dumps({"error": error, "message": message})
