"""uvicorn's HTTP protocol, with a way around ASGI for requests that are answered at once.

A small request mostly arrives in one read, and its answer waits for nothing. Then it needs no task,
no event and no messages, which cost more than the score. Everything else (parts of a body, a large
one, pipelined requests, `Expect`) takes uvicorn's own way, and so does every question of a
connection's life. The names of uvicorn's that are used here are held by tests/unit/serving.
"""

from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from sagemaker_jobs.serving.app import Application
from sagemaker_jobs.serving.responses import Answer


class ServingProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._application: Application = self.config.app  # type: ignore[assignment]
        self._begun: RequestResponseCycle | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.more_body and self._begun is None and not cycle.waiting_for_100_continue:
            self._begun = cycle  # until all of this read is parsed
        else:
            super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and answer what can be answered."""
        super().data_received(data)
        cycle, self._begun = self._begun, None
        if cycle is None or cycle.disconnected:
            return
        answer: Answer | None = None
        if not cycle.more_body and not self.flow.write_paused:
            try:
                scope = cast(dict[str, Any], cycle.scope)
                answer = self._application.at_once(scope, bytes(cycle.body))
            except Exception:
                # An error of ours. The same happens again on the way that logs it and answers 500.
                answer = None
        if answer is None:
            super()._start_asgi_task(cycle, self.app)
        else:
            self._write(cycle, answer)

    def _write(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        lines = [STATUS_LINE[answer.status], b"content-type: ", answer.kind]
        lines.append(b"\r\ncontent-length: %d\r\n" % len(answer.body))
        lines += [b"%s: %s\r\n" % header for header in answer.more]
        lines.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        lines.append(answer.body)
        self.transport.write(b"".join(lines))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
