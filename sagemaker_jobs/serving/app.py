"""The ASGI application: GET /ping and POST /invocations, nothing between them and the model.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson

from dropforge.errors import DropforgeError, InvalidRequest
from sagemaker_jobs.serving.requests import UnsupportedContentType

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 6 * 1024 * 1024
"""SageMaker's own limit for real-time invocations.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""


class Model(Protocol):
    """What answers bodies."""

    def answer(self, content_type: str, accept: str, body: bytes) -> tuple[str, bytes]:
        """Content type and body of the answer."""


class BodyTooLarge(InvalidRequest):
    """A body over the limit."""


class Application:
    """One model behind two paths. The model has answered its golden rows before this is made."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection's scope."""
        if scope["type"] != "http":
            raise RuntimeError(f"only http is served, not {scope['type']}")
        path, method = scope["path"], scope["method"]
        if path == "/invocations" and method == "POST":
            await self._invoke(scope, receive, send)
        elif path == "/ping" and method == "GET":
            await _respond(send, 200, b"application/json", b"{}")
        elif path in ("/invocations", "/ping"):
            await _refuse(send, 405, "MethodNotAllowed", f"{method} is not answered at {path}.")
        else:
            await _refuse(send, 404, "NotFound", "There are /ping and /invocations.")

    async def _invoke(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        content_type, accept = "", ""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value.decode("latin-1")
            elif name == b"accept":
                accept = value.decode("latin-1")
        try:
            kind, body = self._model.answer(content_type, accept, await _body(receive))
        except UnsupportedContentType as error:
            await _refuse(send, 415, "UnsupportedContentType", error.message)
        except BodyTooLarge as error:
            await _refuse(send, 413, "BodyTooLarge", error.message)
        except InvalidRequest as error:
            await _refuse(send, 400, "InvalidRequest", error.message)
        except DropforgeError as error:
            # The model cannot answer: its features.py raised, its aggregates are unreadable.
            await _refuse(send, 500, type(error).__name__, error.message)
        else:
            await _respond(send, 200, kind.encode(), body)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        _check_size(len(body))
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        _check_size(size)
    return b"".join(parts)


def _check_size(size: int) -> None:
    if size > MAX_BODY_BYTES:
        raise BodyTooLarge(
            f"The body exceeds {MAX_BODY_BYTES // 1024**2} MB: send fewer rows at a time."
        )


async def _refuse(send: Send, status: int, error: str, message: str) -> None:
    logger.info("%d %s", status, error)
    body = orjson.dumps({"error": error, "message": message})
    await _respond(send, status, b"application/json", body)


async def _respond(send: Send, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
