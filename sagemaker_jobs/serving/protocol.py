"""uvicorn's HTTP protocol, with a way around it for requests that are answered at once.

A small request mostly arrives in one read, and its answer waits for nothing. Then it needs no
parser's callbacks, no task, no event and no messages, which cost more than the score. Everything
else (parts of a body, a large one, pipelined requests, `Expect`, a connection's end) goes uvicorn's
own way. The names of uvicorn's that are used here are held by tests/unit/serving.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sagemaker_jobs.serving.app import Application
from sagemaker_jobs.serving.asking import PlainHeads
from sagemaker_jobs.serving.responses import Answer

HEADS = PlainHeads()


class ServingProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._application: Application = self.config.app  # type: ignore[assignment]
        self._within, self._answered = False, 0.0

    def data_received(self, data: bytes) -> None:
        """Answer a plain request, or have it parsed."""
        if not self._answer(data):
            super().data_received(data)

    def on_message_begin(self) -> None:
        """The parser has a message's first bytes: until its last, everything is the parser's."""
        self._within = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """The parser has a whole message."""
        self._within = False
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, unless it was used meanwhile: a timer a request costs too much."""
        left = self._answered + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._close_after(left)
        else:
            super().timeout_keep_alive_handler()

    def _answer(self, data: bytes) -> bool:
        """Whether the data was a plain request, which is answered then."""
        cycle = self.cycle
        if self._within or self.flow.write_paused or not (cycle is None or cycle.response_complete):
            return False
        end = data.find(b"\r\n\r\n")
        asked = HEADS.read(data[:end]) if end > 0 else None
        if asked is None or int(asked.length) != len(data) - end - 4:
            return False
        try:
            body, callers = data[end + 4 :], len(self.connections)
            answer = self._application.at_once(asked, body, callers)
        except Exception:
            # An error of ours. The same happens again on the way that logs it and answers 500.
            return False
        if answer is None:
            return False
        self.transport.write(_written(answer))
        self._answered = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_after(self.timeout_keep_alive)
        return True

    def _close_after(self, seconds: float) -> None:
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, handler)


def _written(answer: Answer) -> bytes:
    more = b"".join([b"%s: %s\r\n" % header for header in answer.more]) if answer.more else b""
    status, kind, body = STATUS_LINE[answer.status], answer.kind, answer.body
    return b"%bcontent-type: %b\r\ncontent-length: %d\r\n%b\r\n%b" % (
        status, kind, len(body), more, body,
    )  # fmt: skip
