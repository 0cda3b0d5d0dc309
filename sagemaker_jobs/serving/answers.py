"""Answers in the type that the caller accepts."""

import csv
import io
from typing import Any

import orjson

from sagemaker_jobs.serving.requests import CSV, JSON, JSON_LINES


def choose(accept: str) -> str:
    """The answer's content type: JSON unless CSV or JSON lines are asked for."""
    for part in accept.lower().split(","):
        kind = part.partition(";")[0].strip()
        if kind in (CSV, JSON, JSON_LINES):
            return kind
    return JSON


def render(
    kind: str, scores: list[float], decisions: list[int], version: str, ids: list[Any] | None
) -> bytes:
    """Score, decision and model version a row, with the row's id where it was given.

    JSON is {"predictions": [...]}; JSON lines the same objects one a line; CSV has no header:
    id (if given), score, decision, model version.
    """
    if kind == CSV:
        return _csv(scores, decisions, version, ids)
    rows: list[dict[str, Any]] = [
        {"score": score, "decision": decision, "model_version": version}
        for score, decision in zip(scores, decisions, strict=True)
    ]
    if ids is not None:
        for row, identity in zip(rows, ids, strict=True):
            row["id"] = identity
    if kind == JSON_LINES:
        return b"\n".join(orjson.dumps(row) for row in rows) + b"\n"
    return orjson.dumps({"predictions": rows})


def _csv(scores: list[float], decisions: list[int], version: str, ids: list[Any] | None) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for index, (score, decision) in enumerate(zip(scores, decisions, strict=True)):
        row = [repr(score), decision, version]
        writer.writerow(row if ids is None else [ids[index], *row])
    return out.getvalue().encode()
