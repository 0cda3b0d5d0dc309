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
    """One row's answer; `score` is a list, one a class, of a multiclass model."""

    score: float | list[float]
    decision: int | str | None
    model_version: str


def read(content_type: str, body: bytes, like: Scored) -> list[Scored]:
    """The answer's rows. CSV has no types: its fields are read as those of `like` are.

    Raises:
        UnreadableAnswer: not of that content type, or fields are missing.
    """
    try:
        if content_type == CSV:
            rows = csv.reader(io.StringIO(body.decode("utf-8")))
            return [_from_fields(row, like) for row in rows if row]
        if content_type == JSON:
            return [_from_object(item) for item in json.loads(body)["predictions"]]
        return [_from_object(json.loads(line)) for line in body.splitlines() if line]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnreadableAnswer(f"{type(error).__name__}: {error}") from error


def _from_fields(row: list[str], like: Scored) -> Scored:
    """Score, decision, the classes' probabilities if there are any, model version."""
    classes = len(like.score) if isinstance(like.score, list) else 0
    score, decision, *probabilities, version = row[-3 - classes :]
    if len(probabilities) != classes:
        raise ValueError(f"{len(row)} fields")
    return Scored(
        [float(value) for value in probabilities] if classes else float(score),
        _decision(decision, like),
        version,
    )


def _decision(text: str, like: Scored) -> int | str | None:
    if isinstance(like.decision, int):
        return int(text)
    return text if like.decision is not None or text else None


def _from_object(item: dict[str, Any]) -> Scored:
    probabilities = item.get("probabilities")
    return Scored(
        float(item["score"])
        if probabilities is None
        else [float(value) for value in probabilities.values()],
        item["decision"],
        str(item["model_version"]),
    )
