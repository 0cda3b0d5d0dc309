"""Answers in the type that the caller accepts."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson

from sagemaker_jobs.boosting.outcome import Outcome
from sagemaker_jobs.serving.requests import CSV, JSON, JSON_LINES


def choose(accept: str) -> str:
    """The answer's content type: JSON unless CSV or JSON lines are asked for."""
    for part in accept.lower().split(","):
        kind = part.partition(";")[0].strip()
        if kind in (CSV, JSON, JSON_LINES):
            return kind
    return JSON


def render(kind: str, outcome: Outcome, version: str, ids: Sequence[Any] | None) -> bytes:
    """Score, decision and model version a row, with the row's id where it was given.

    JSON is {"predictions": [...]}; JSON lines the same objects one a line; CSV has no header:
    id (if given), score, decision, model version. A multiclass row also has its `probabilities`,
    {class: probability}; in CSV they stand behind the decision, in the order of the classes. A
    regression decides nothing: null, or an empty field.
    """
    if kind == CSV:
        return _csv(outcome, version, ids)
    rows: list[dict[str, Any]] = [
        {"score": score, "decision": decision, "model_version": version}
        for score, decision in zip(outcome.scores.tolist(), outcome.decided, strict=True)
    ]
    if outcome.probabilities is not None:
        for row, probabilities in zip(rows, outcome.probabilities.tolist(), strict=True):
            row["probabilities"] = dict(zip(outcome.classes, probabilities, strict=True))
    if ids is not None:
        for row, identity in zip(rows, ids, strict=True):
            row["id"] = identity
    if kind == JSON_LINES:
        return b"\n".join(orjson.dumps(row) for row in rows) + b"\n"
    return orjson.dumps({"predictions": rows})


def _csv(outcome: Outcome, version: str, ids: Sequence[Any] | None) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    probabilities = None if outcome.probabilities is None else outcome.probabilities.tolist()
    decided = outcome.decided
    for index, score in enumerate(outcome.scores.tolist()):
        row = [repr(score), decided[index]]
        if probabilities is not None:
            row += map(repr, probabilities[index])
        row.append(version)
        writer.writerow(row if ids is None else [ids[index], *row])
    return out.getvalue().encode()
