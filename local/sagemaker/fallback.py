"""What we do not implement of SageMaker, answered by moto; its state is a journal.

moto keeps its state in memory only. Calls that changed something are written to a JSON-lines file
and made again after a restart (creation times are then those of the restart).
"""

import functools
import json
import threading
from pathlib import Path
from typing import Any

from local.corrections.gateway import Response
from local.home import REGION
from local.sagemaker.errors import Invalid

_READS = ("Describe", "List", "Search", "Get")
_URL = f"http://api.sagemaker.{REGION}.amazonaws.com/"


class Fallback:
    """moto's SageMaker, imported when it is first needed (0.4 s)."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._lock = threading.Lock()

    def call(self, operation: str, headers: dict[str, str], body: bytes) -> Response:
        """Hands the request to moto."""
        with self._lock:
            self._replay()
            answer = _dispatch(headers, body)
            if answer[0] < 400 and not operation.startswith(_READS):
                line = {"target": headers["x-amz-target"], "body": json.loads(body or b"{}")}
                with self._journal.open("a") as file:
                    file.write(json.dumps(line) + "\n")
            return answer

    @functools.cache  # noqa: B019 - one instance a process
    def _replay(self) -> None:
        if not self._journal.exists():
            return
        for line in self._journal.read_text().splitlines():
            entry = json.loads(line)
            _dispatch({"x-amz-target": entry["target"]}, json.dumps(entry["body"]).encode())


def _dispatch(headers: dict[str, str], body: bytes) -> Response:
    from moto.core.request import Request
    from moto.sagemaker.responses import SageMakerResponse

    sent = {
        "Content-Type": "application/x-amz-json-1.1",
        "x-amz-target": headers["x-amz-target"],
        "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/"
        f"{REGION}/sagemaker/aws4_request",
    }
    request: Any = Request.from_primitives("POST", _URL, sent, body)
    try:
        status, answered, text = SageMakerResponse.dispatch(request, _URL, request.headers)
    except NotImplementedError as error:
        raise Invalid(f"The local cloud does not have this operation: {error}") from error
    data = text if isinstance(text, bytes) else str(text).encode()
    return (
        int(status),
        {key: str(value) for key, value in answered.items() if key.lower() != "status"},
        data,
    )
