"""Whole answers, on their way out."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

RETRY = ((b"retry-after", b"1"),)
"""When to ask again, in seconds."""


class Answer(NamedTuple):
    """A status, the content type, the body, and headers besides those two."""

    status: int
    kind: bytes
    body: bytes
    more: Headers = ()


async def respond(send: Send, status: int, kind: bytes, body: bytes, more: Headers = ()) -> None:
    """Send a whole answer."""
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
