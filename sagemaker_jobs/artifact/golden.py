"""Golden rows: synthetic questions with the answers that every loader of the model must give.

Evaluate makes the questions (`synthetic.py`); the server answers them before it opens its port.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from dropforge.errors import ArtifactBroken
from dropforge.names import GOLDEN
from sagemaker_jobs.boosting.outcome import Decision, Outcome

FILE = "golden.jsonl"
Answer: TypeAlias = tuple[float | list[float], Decision]
"""A score (of a multiclass model one a class), and what is decided by it."""


@dataclass(frozen=True)
class Golden:
    """A question and its answer."""

    inference_id: str
    input: dict[str, Any]
    score: float | list[float]
    decision: Decision


def golden_rows(rows: Sequence[Mapping[str, Any]], outcome: Outcome) -> list[Golden]:
    """The questions with a model's answers."""
    scores = outcome.scores if outcome.probabilities is None else outcome.probabilities
    return [
        Golden(f"{GOLDEN}{number}", dict(row), score, decision)
        for number, (row, score, decision) in enumerate(
            zip(rows, scores.tolist(), outcome.decided, strict=True), start=1
        )
    ]


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


def check_golden(rows: Sequence[Golden], answers: Sequence[Answer]) -> None:
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
                f"loaded model answers {score!r} (decision {decision})."
            )
