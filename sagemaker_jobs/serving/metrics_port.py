"""GET on a port of the machine itself: the metrics, for a scraper beside the server."""

import contextlib
from collections.abc import Callable

from sagemaker_jobs.serving.listening import listen_on

REQUEST_SECONDS = 1.0
"""How long a caller of this port may keep the supervisor waiting."""

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n"
)


class MetricsPort:
    """Answers whatever is asked with the metrics, one caller at a time."""

    def __init__(self, port: int, text: Callable[[], bytes]) -> None:
        (self.listener,) = listen_on("127.0.0.1", port, 1)
        self.listener.listen(8)
        self.listener.setblocking(False)
        self._text = text

    def answer(self) -> None:
        """Answer the next caller. One that went away, or says nothing, is let go."""
        with contextlib.suppress(OSError):
            caller, _ = self.listener.accept()
            with caller:
                caller.settimeout(REQUEST_SECONDS)
                caller.recv(4096)
                body = self._text()
                caller.sendall(_HEAD % len(body) + body)
