"""The access log: JSON lines without values, written once a second and not by the request."""

import time
from collections.abc import Callable
from typing import Any

import orjson

LINES_A_SECOND = 20
"""Answers that a worker logs in a second: CloudWatch bills by the byte, metrics count them all."""

REFUSALS_A_SECOND = 100


class AccessLog:
    """Keeps lines until `flush`. Between two of those, refusals have room of their own."""

    def __init__(
        self,
        write: Callable[[bytes], Any],
        version: str,
        answers: int = LINES_A_SECOND,
        refusals: int = REFUSALS_A_SECOND,
    ) -> None:
        self._write, self._version = write, version
        self._answers, self._refusals = answers, refusals
        self._left = [answers, refusals]
        self._skipped = 0
        self._lines: list[tuple[float, str, int, int, float, str]] = []

    def record(self, path: str, status: int, rows: int, seconds: float, inference_id: str) -> None:
        """Keep a line, or count it if there were enough."""
        kind = status >= 400
        if self._left[kind] <= 0:
            self._skipped += 1
            return
        self._left[kind] -= 1
        self._lines.append((time.time(), path, status, rows, seconds, inference_id))

    def flush(self) -> None:
        """Write what was kept, and how many lines were not."""
        lines, self._lines = self._lines, []
        skipped, self._skipped = self._skipped, 0
        self._left = [self._answers, self._refusals]
        texts = [
            {
                "time": round(at, 3),
                "path": path,
                "status": status,
                "rows": rows,
                "ms": round(seconds * 1000, 3),
                "inference_id": inference_id,
                "model_version": self._version,
            }
            for at, path, status, rows, seconds, inference_id in lines
        ]
        if skipped:
            texts.append({"time": round(time.time(), 3), "requests_not_logged": skipped})
        if texts:
            self._write(b"".join(orjson.dumps(text) + b"\n" for text in texts))
