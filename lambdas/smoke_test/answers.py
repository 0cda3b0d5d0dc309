"""What the server answers, in each of its content types."""

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"


class UnreadableAnswer(ValueError):
    """An answer that is not what the server's contract says."""


@dataclass(frozen=True)
class Scored:
    """One row's answer."""

    score: float
    decision: int
    model_version: str


def read(content_type: str, body: bytes) -> list[Scored]:
    """The answer's rows.

    Raises:
        UnreadableAnswer: not of that content type, or fields are missing.
    """
    try:
        if content_type == CSV:
            rows = csv.reader(io.StringIO(body.decode("utf-8")))
            return [Scored(float(row[-3]), int(row[-2]), row[-1]) for row in rows if row]
        if content_type == JSON:
            return [_scored(item) for item in json.loads(body)["predictions"]]
        return [_scored(json.loads(line)) for line in body.splitlines() if line]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise UnreadableAnswer(f"{type(error).__name__}: {error}") from error


def _scored(item: dict[str, Any]) -> Scored:
    return Scored(float(item["score"]), int(item["decision"]), str(item["model_version"]))
