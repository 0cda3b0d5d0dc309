"""Calls the ASGI application without a socket."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from sagemaker_jobs.serving.app import Application

ROW = {"income": 20000.5, "amount": 30000, "age": 41, "job": "clerk"}


@dataclass
class Answer:
    """A status, headers, and the body."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


async def call(
    application: Application,
    path: str = "/invocations",
    body: bytes | list[bytes] = b"",
    *,
    method: str = "POST",
    query: bytes = b"",
    **headers: str,
) -> Answer:
    """One request; the keywords are its headers, with `_` for `-`."""
    parts = [body] if isinstance(body, bytes) else body
    messages = [
        {"type": "http.request", "body": part, "more_body": index < len(parts) - 1}
        for index, part in enumerate(parts)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": named,
        "query_string": query,
    }
    await application(scope, receive, send)
    start, end = sent
    found = dict(start["headers"])
    assert int(found[b"content-length"]) == len(end["body"])
    return Answer(start["status"], found, end["body"])


def ask(application: Application, body: object = None, **more: Any) -> Answer:
    """POST a JSON body."""
    text = json.dumps(ROW if body is None else body).encode()
    more = {"content_type": "application/json"} | more
    return asyncio.run(call(application, body=text, **more))
