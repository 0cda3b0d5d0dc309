"""What each server is asked, in its own form, and the scores that it must answer."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from benchmarks.measure import BenchmarkFailed
from benchmarks.serving_load import Request

Format = Literal["csv", "json"]
TYPES: dict[Format, str] = {"csv": "text/csv", "json": "application/json"}
TOLERANCE = 1e-9
MAX_BODIES = 64
"""Different bodies that are sent in turns."""


@dataclass(frozen=True)
class Questions:
    """Rows as callers send them, and as the features that the trees read (None: missing)."""

    trees: int
    csv: list[str]
    json: list[dict[str, Any]]
    features: list[str]
    matrix: list[list[float | None]]
    scores: list[float]
    uncalibrated: list[float]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what benchmarks.ours.artifact has written."""
        return cls(**json.loads((folder / "questions.json").read_text(encoding="utf-8")))

    def starts(self, rows: int) -> list[int]:
        """Where bodies of so many rows begin."""
        return list(range(0, len(self.csv) - rows + 1, rows))[:MAX_BODIES]


Ask = Callable[[Questions, Format, int], Request]
Read = Callable[[bytes], list[float]]


def ask_ours(questions: Questions, kind: Format, rows: int) -> Request:
    """Raw rows: CSV without a header, or JSON records."""
    return _request(
        kind,
        [
            "\n".join(questions.csv[start : start + rows]) + "\n"
            if kind == "csv"
            else json.dumps(questions.json[start : start + rows])
            for start in questions.starts(rows)
        ],
    )


def ask_fastapi(questions: Questions, kind: Format, rows: int) -> Request:
    """Features: CSV at a path of its own, or {"rows": [[...]]}."""
    if kind == "csv":
        return _request(kind, _feature_csv(questions, rows, "nan"), "/csv")
    return _request(kind, [json.dumps({"rows": part}) for part in _parts(questions, rows)])


def ask_sagemaker(questions: Questions, kind: Format, rows: int) -> Request:
    """Features: CSV without a header, or a list of lists."""
    if kind == "csv":
        return _request(kind, _feature_csv(questions, rows, "nan"))
    return _request(kind, [json.dumps(part) for part in _parts(questions, rows)])


def ask_mlflow(questions: Questions, kind: Format, rows: int) -> Request:
    """Features: CSV with a header, or a data frame, split; NaN, for a column of nulls is no number.

    https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
    """
    names = questions.features
    if kind == "csv":
        header = ",".join(names) + "\n"
        return _request(kind, [header + text for text in _feature_csv(questions, rows, "")])
    frames = [
        {"columns": names, "data": [[math.nan if v is None else v for v in row] for row in part]}
        for part in _parts(questions, rows)
    ]
    return _request(kind, [json.dumps({"dataframe_split": frame}) for frame in frames])


def read_ours(body: bytes) -> list[float]:
    """The scores of our answer."""
    return [row["score"] for row in json.loads(body)["predictions"]]


def read_named(name: str) -> Read:
    """Reads the list of scores under a name."""
    return lambda body: list(json.loads(body)[name])


def read_list(body: bytes) -> list[float]:
    """A bare list."""
    scores: list[float] = json.loads(body)
    return scores


def check(name: str, found: Sequence[float], expected: Sequence[float]) -> None:
    """A server that answers wrongly is no measurement.

    Raises:
        BenchmarkFailed: other scores, or another number of them.
    """
    if len(found) != len(expected):
        raise BenchmarkFailed(f"{name} answered {len(found)} scores to {len(expected)} rows")
    off = max(abs(one - other) for one, other in zip(found, expected, strict=True))
    if not off <= TOLERANCE:
        raise BenchmarkFailed(f"{name} answers scores that are {off:.2g} off")


def _parts(questions: Questions, rows: int) -> list[list[list[float | None]]]:
    return [questions.matrix[start : start + rows] for start in questions.starts(rows)]


def _feature_csv(questions: Questions, rows: int, missing: str) -> list[str]:
    texts = []
    for part in _parts(questions, rows):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([[missing if v is None else v for v in row] for row in part])
        texts.append(out.getvalue())
    return texts


def _request(kind: Format, bodies: Sequence[str], path: str = "/invocations") -> Request:
    headers = {
        "Content-Type": TYPES[kind],
        "X-Amzn-SageMaker-Inference-Id": "bench-4f1b8c52",  # what capture joins outcomes by
    }
    return Request(path, headers, bodies)
