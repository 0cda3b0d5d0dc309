"""Captured answers, and how those of two variants to the same requests compare.

A capture file has a line a request: what was sent, what was answered, and under which ids
(https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html). Nothing
of a request is kept here but a hash.
"""

import base64
import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dropforge.names import GOLDEN

UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, OverflowError, csv.Error)
"""What a line raises that is not a capture of our server's answers."""


@dataclass(frozen=True)
class Scored:
    """One row's answer."""

    score: float
    decision: str | None
    version: str


@dataclass(frozen=True)
class Captured:
    """One request: what tells it from others, and its rows' answers in their order."""

    key: str
    rows: tuple[Scored, ...]


@dataclass(frozen=True)
class Compared:
    """How a shadow answers what production answered.

    `pairs` are requests that both answered, `rows` theirs. `decided` of them have a decision,
    `differing` of those another one. `score_difference` is the mean absolute one.
    """

    pairs: int = 0
    rows: int = 0
    decided: int = 0
    differing: int = 0
    score_difference: float | None = None


def read_captured(lines: Iterable[bytes | str], version: str) -> list[Captured]:
    """The requests that a model of this version answered, without the deployment's own test.

    A line that holds no answer of our server is left out: not every capture has answers.
    """
    found = []
    for line in lines:
        try:
            document = json.loads(line)
            captured = _read(document["captureData"], document["eventMetadata"])
        except UNREADABLE:
            continue
        if captured is not None and {row.version for row in captured.rows} == {version}:
            found.append(captured)
    return found


def compare(production: Iterable[Captured], shadow: Iterable[Captured]) -> Compared:
    """The shadow's answers beside production's to the same requests.

    The same request sent twice was answered twice by both: such answers are taken in turn.
    """
    waiting = defaultdict(list)
    for captured in production:
        waiting[captured.key].append(captured.rows)
    pairs: list[tuple[Scored, Scored]] = []
    requests = 0
    for captured in shadow:
        theirs = waiting[captured.key].pop() if waiting.get(captured.key) else ()
        if len(theirs) == len(captured.rows):
            requests += 1
            pairs += zip(theirs, captured.rows, strict=True)
    if not pairs:
        return Compared()
    decided = [(a.decision, b.decision) for a, b in pairs if a.decision is not None]
    return Compared(
        pairs=requests,
        rows=len(pairs),
        decided=len(decided),
        differing=sum(a != b for a, b in decided),
        score_difference=sum(abs(a.score - b.score) for a, b in pairs) / len(pairs),
    )


def _read(data: Mapping[str, Any], about: Mapping[str, Any]) -> Captured | None:
    inference_id = str(about.get("inferenceId") or "")
    if inference_id.startswith(GOLDEN):
        return None
    rows = tuple(_rows(data["endpointOutput"]))
    if not rows:
        return None
    sent = data.get("endpointInput", {}).get("data")
    # An event's own id is not said to be the same for both variants; what was sent is.
    if not inference_id and sent is None:
        return None
    return Captured(hashlib.sha256(f"{inference_id}|{sent}".encode()).hexdigest(), rows)


def _rows(output: Mapping[str, Any]) -> list[Scored]:
    text = output["data"]
    if output["encoding"] == "BASE64":
        text = base64.b64decode(text).decode()
    kind = output["observedContentType"].partition(";")[0]
    if kind == "text/csv":
        return [_from_fields(row) for row in csv.reader(io.StringIO(text, newline="")) if row]
    if kind == "application/jsonlines":
        return [_from_object(json.loads(line)) for line in text.splitlines() if line]
    return [_from_object(item) for item in json.loads(text)["predictions"]]


def _from_object(item: Mapping[str, Any]) -> Scored:
    decision = item["decision"]
    version = str(item["model_version"])
    return Scored(float(item["score"]), None if decision is None else str(decision), version)


def _from_fields(row: list[str]) -> Scored:
    """Id (if given), score, decision, model version. Probabilities between them cannot be told from
    an id without knowing the classes: such rows are not compared.
    """
    if len(row) > 4:
        raise ValueError("classes")
    score, decision, version = row[-3:]
    return Scored(float(score), decision or None, version)
