"""Scores as they leave: to the endpoint's callers, into prediction files, as golden answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sagemaker_jobs.boosting.native import Floats

Decision: TypeAlias = int | str | None
"""0 or 1, a class's name, or nothing where a value is predicted."""


@dataclass(frozen=True)
class Outcome:
    """A row each: the score (rows,) and what is decided by it.

    Of a multiclass model the score is the decided class's probability, and `probabilities` are of
    all `classes`: (rows, classes).
    """

    scores: Floats
    decisions: Sequence[int] | Sequence[str] | None
    classes: tuple[str, ...] = ()
    probabilities: Floats | None = None

    @property
    def decided(self) -> Sequence[Decision]:
        """The decisions, None for every row where there are none."""
        return [None] * len(self.scores) if self.decisions is None else self.decisions
