"""Kept connections to one server process, none of them old enough to be stale."""

import http.client
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

# Servers close connections that idle for seconds (uvicorn: five). One that is reused at that very
# moment fails a request that the model never saw, so older ones are not reused.
_FRESH_SECONDS = 1.0


class NoAnswer(Exception):
    """The server could not be reached, or closed the connection instead of answering."""


class TimedOut(Exception):
    """The server was silent for as long as it may be."""


@dataclass(frozen=True)
class Answer:
    """What the container answered."""

    status: int
    headers: Message | Mapping[str, str]
    body: bytes


class Connections:
    """The connections to a port of this machine; any number of threads may use them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []

    def request(
        self,
        method: str,
        path: str,
        seconds: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. Raises NoAnswer, or TimedOut after so many seconds of silence."""
        connection = self._fresh() or http.client.HTTPConnection("127.0.0.1", self._port)
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except TimeoutError as error:
            connection.close()
            raise TimedOut(str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NoAnswer(str(error)) from error
        if response.will_close:
            connection.close()
        else:
            self._keep(connection)
        return answer

    def close(self) -> None:
        """Closes the connections that idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._idle.append((time.monotonic(), connection))

    def _fresh(self) -> http.client.HTTPConnection | None:
        """The connection used last, if that was just now; the others are older still."""
        with self._lock:
            if self._idle and time.monotonic() - self._idle[-1][0] < _FRESH_SECONDS:
                return self._idle.pop()[1]
        self.close()
        return None
