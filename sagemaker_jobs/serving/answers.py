"""Answers in the type that the caller accepts."""

import csv
import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from sagemaker_jobs.boosting.outcome import Outcome
from sagemaker_jobs.serving.refusals import NotAcceptable
from sagemaker_jobs.serving.requests import CONTENT_TYPES, CSV, JSON, JSON_LINES

_ACCEPTED = {
    "*/*": JSON,
    "application/*": JSON,
    "text/*": CSV,
    "application/x-jsonlines": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    **{kind: kind for kind in CONTENT_TYPES},
}


@lru_cache(maxsize=64)
def choose(accept: str) -> str:
    """The answer's content type: what is accepted most (`q`), JSON where nothing is said.

    https://www.rfc-editor.org/rfc/rfc9110#name-accept

    Raises:
        NotAcceptable: none of the three types.
    """
    best, found = 0.0, ""
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if (answered := _ACCEPTED.get(kind)) and (weight := _weight(parameters)) > best:
            best, found = weight, answered
    if found:
        return found
    if not accept.strip():
        return JSON
    raise NotAcceptable(f"Answers are {', '.join(CONTENT_TYPES)}, not {accept[:100]}.")


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def render(
    kind: str,
    outcome: Outcome,
    version: str,
    ids: Sequence[Any] | None,
    *,
    inference_id: str | None = None,
    warnings: int = 0,
    explanations: Sequence[Mapping[str, Any]] | None = None,
) -> bytes:
    """Score, decision and model version a row, with the row's id where it was given.

    JSON is {"predictions": [...], "inference_id": ...}, and "warnings", how many values break rules
    that only warn, if any do; JSON lines the same objects one a line, each with the inference id;
    CSV has no header: id (if given), score, decision, model version. A multiclass row also has its
    `probabilities`, {class: probability}; in CSV they stand behind the decision, in the order of
    the classes. A regression decides nothing: null, or an empty field. Explanations, a row's each,
    are of the JSON types alone.
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
    if explanations is not None:
        for row, explanation in zip(rows, explanations, strict=True):
            row["explanation"] = explanation
    about: dict[str, Any] = {} if inference_id is None else {"inference_id": inference_id}
    if kind == JSON_LINES:
        return b"\n".join(orjson.dumps(row | about) for row in rows) + b"\n"
    if warnings:
        about["warnings"] = warnings
    return orjson.dumps({"predictions": rows, **about})


def _csv(outcome: Outcome, version: str, ids: Sequence[Any] | None) -> bytes:
    scores, decided = outcome.scores.tolist(), outcome.decided
    if ids is None and outcome.probabilities is None:
        end = _csv_end(version)
        texts = ["" if item is None else item for item in decided]
        return "".join([f"{s!r},{d}{end}" for s, d in zip(scores, texts, strict=True)]).encode()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    probabilities = None if outcome.probabilities is None else outcome.probabilities.tolist()
    for index, score in enumerate(scores):
        row = [repr(score), decided[index]]
        if probabilities is not None:
            row += map(repr, probabilities[index])
        row.append(version)
        writer.writerow(row if ids is None else [ids[index], *row])
    return out.getvalue().encode()


class OneAnswer:
    """What `render` gives for a single row of a model without classes, with less ado."""

    def __init__(self, version: str) -> None:
        self._version, self._csv_end = version, _csv_end(version)

    def render(
        self,
        kind: str,
        score: float,
        decision: int | None,
        ids: Sequence[Any] | None,
        inference_id: str | None,
        warnings: int,
    ) -> bytes:
        """The answer's body."""
        if kind == CSV:
            decided = "" if decision is None else decision
            before = "" if ids is None else _csv_field(ids[0])
            return f"{before}{score!r},{decided}{self._csv_end}".encode()
        row: dict[str, Any] = {
            "score": score,
            "decision": decision,
            "model_version": self._version,
        }
        if ids is not None:
            row["id"] = ids[0]
        if kind == JSON:
            document: dict[str, Any] = {"predictions": [row]}
            if inference_id is not None:
                document["inference_id"] = inference_id
            if warnings:
                document["warnings"] = warnings
            return orjson.dumps(document)
        if inference_id is not None:
            row["inference_id"] = inference_id
        return orjson.dumps(row) + b"\n"


def _csv_end(version: str) -> str:
    """What stands behind a decision, in every line."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(["", version])
    return out.getvalue()


def _csv_field(value: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([value, ""])
    return out.getvalue()
