"""A request's body, within bytes and seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sagemaker_jobs.serving.limits import Limits
from sagemaker_jobs.serving.refusals import BodyLate, BodyTooLarge, Overloaded

Receive = Callable[[], Awaitable[dict[str, Any]]]

MAX_HELD_BYTES = 64 * 1024 * 1024
"""Bodies that arrive in parts are kept until they are whole: so much of them in a worker."""


class Disconnected(Exception):
    """The caller went away before the body was whole."""


class Bodies:
    """The bodies that are on their way to one worker."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = 0
        self._since: dict[asyncio.Task[Any] | None, float] = {}
        self._late: set[asyncio.Task[Any] | None] = set()

    async def read(self, receive: Receive, length: bytes) -> bytes:
        """The whole body; `length` is the header's, if there is one.

        Raises:
            BodyTooLarge, BodyLate, Overloaded, Disconnected: see there.
        """
        if len(length) > 6 and length.isdigit():
            self._check_size(int(length))
        task = asyncio.current_task()
        self._since[task] = time.monotonic()
        try:
            message = await receive()
            if message.get("more_body"):
                return await self._in_parts(message, receive)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            self._late.discard(task)
            if task is not None:
                task.uncancel()
            raise BodyLate(
                f"The body took longer than {self._limits.seconds:.0f} s to arrive."
            ) from None
        finally:
            del self._since[task]
        if message["type"] == "http.disconnect":
            raise Disconnected
        body: bytes = message.get("body", b"")
        self._check_size(len(body))
        return body

    async def _in_parts(self, message: dict[str, Any], receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                if message["type"] == "http.disconnect":
                    raise Disconnected
                part: bytes = message.get("body", b"")
                parts.append(part)
                size += len(part)
                self._held += len(part)
                self._check_size(size)
                if self._held > MAX_HELD_BYTES:
                    raise Overloaded("Too many large bodies are on their way: send it again.")
                if not message.get("more_body"):
                    return b"".join(parts)
                message = await receive()
        finally:
            self._held -= size

    def stop_late(self) -> None:
        """Give up on bodies that are not whole after the limit; asked once a second."""
        since = time.monotonic() - self._limits.seconds
        for task, started in [*self._since.items()]:
            if started < since and task is not None:
                self._late.add(task)
                task.cancel()

    def _check_size(self, size: int) -> None:
        limit = self._limits.body_bytes
        if size > limit:
            raise BodyTooLarge(
                f"The body exceeds {limit / 1024**2:.0f} MB: send fewer rows at a time."
            )
