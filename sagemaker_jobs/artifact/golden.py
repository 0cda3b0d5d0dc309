"""Golden rows: synthetic questions with the answers that every loader of the model must give.

Columns are drawn independently from the baseline's quantiles and common categories, with missing,
unseen and extreme values among them: no person's row travels in an artifact.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.features.frame import Input

FILE = "golden.jsonl"
ROWS = 32
UNSEEN = "a value that training has not seen"
EXTREME = 1e6
PREFIX = "golden-"
"""Inference ids that begin so are left out of monitoring."""


@dataclass(frozen=True)
class Golden:
    """A question and its answer."""

    inference_id: str
    input: dict[str, Any]
    score: float
    decision: int


def make_rows(
    inputs: Sequence[Input], baseline: Mapping[str, Any], seed: int, rows: int = ROWS
) -> list[dict[str, Any]]:
    """Synthetic rows: one all missing, one all unseen, one each extreme way, the rest ordinary."""
    generator = np.random.default_rng(seed)
    profiles = baseline["columns"]
    made: list[dict[str, Any]] = [
        {column.name: None for column in inputs},
        {
            c.name: UNSEEN if c.is_category else _ordinary(c, profiles[c.name], generator)
            for c in inputs
        },
        {c.name: _extreme(c, profiles[c.name], 1.0) for c in inputs},
        {c.name: _extreme(c, profiles[c.name], -1.0) for c in inputs},
    ]
    while len(made) < rows:
        row = {c.name: _ordinary(c, profiles[c.name], generator) for c in inputs}
        for column in inputs:
            if generator.uniform() < 0.1:
                row[column.name] = None
        made.append(row)
    return made[:rows]


def write_golden(artifact: Path, rows: Sequence[Golden]) -> None:
    """Write golden.jsonl, one question and answer a line."""
    lines = [json.dumps(vars(row), ensure_ascii=False) for row in rows]
    (artifact / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_golden(artifact: Path) -> list[Golden]:
    """Read golden.jsonl.

    Raises:
        ArtifactBroken: no such file, or a line that is no golden row.
    """
    try:
        text = (artifact / FILE).read_text(encoding="utf-8")
        return [Golden(**json.loads(line)) for line in text.splitlines()]
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactBroken(f"The artifact has no readable {FILE}: {error}.") from error


def check_golden(rows: Sequence[Golden], answers: Sequence[tuple[float, int]]) -> None:
    """Compare a loader's answers with the offline ones, bit for bit.

    Raises:
        ArtifactBroken: an answer differs; says which row and both scores.
    """
    if len(rows) != len(answers):
        raise ArtifactBroken(f"{len(rows)} golden rows were asked, {len(answers)} were answered.")
    for row, (score, decision) in zip(rows, answers, strict=True):
        if score != row.score or decision != row.decision:
            raise ArtifactBroken(
                f"{row.inference_id} must score {row.score!r} (decision {row.decision}), but the "
                "loaded "
                f"model answers {score!r} (decision {decision})."
            )


def _ordinary(column: Input, profile: Mapping[str, Any], generator: np.random.Generator) -> Any:
    if column.is_category:
        return str(generator.choice(profile["levels"])) if profile["levels"] else None
    if "low" not in profile:
        return None
    edges = [profile["low"], *profile["edges"], profile["high"]]
    place = int(generator.integers(0, len(edges) - 1))
    return _of_kind(column, generator.uniform(edges[place], edges[place + 1]))


def _extreme(column: Input, profile: Mapping[str, Any], direction: float) -> Any:
    if column.is_category:
        return column.levels[0 if direction < 0 else -1] if column.levels else None
    reach = max(abs(profile.get("low", 0.0)), abs(profile.get("high", 0.0)), 1.0)
    return _of_kind(column, direction * reach * EXTREME)


def _of_kind(column: Input, value: float) -> Any:
    """The value as a request would carry it."""
    if column.kind == "boolean":
        return bool(value > 0.5)
    if column.kind == "integer":
        return round(value)
    if column.kind == "date":
        day = np.datetime64("1970-01-01") + np.timedelta64(
            int(np.clip(value, -25_000, 60_000)), "D"
        )
        return str(day)
    return float(value)
