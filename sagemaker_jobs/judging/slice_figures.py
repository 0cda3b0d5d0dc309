"""What is measured of one slice: the rows of one value of a column, or of one quartile range."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dropforge.evaluation import SliceFigures
from dropforge.metrics import HIGHER_IS_BETTER
from dropforge.project import ProjectSpec
from sagemaker_jobs.judging.bootstrap import (
    Figures,
    Predictions,
    Resampler,
    percentile_interval,
    resample,
)
from sagemaker_jobs.judging.levels import grouped
from sagemaker_jobs.judging.metrics import metric

Floats = NDArray[np.float64]
Places = NDArray[np.int32]

MIN_ROWS, MIN_OUTCOMES = 200, 30
MAX_LEVELS = 20
CELLS, MIN_RESAMPLES, MAX_RESAMPLES = 2_000_000, 200, 500
"""Rows x resamples of one slice, and the least and most resamples of it."""


@dataclass(frozen=True)
class Rows:
    """The judged rows: outcomes, and what the models say of them."""

    table: pa.Table
    labels: Floats
    challenger: Predictions
    champion: Predictions | None
    resampler: Resampler


@dataclass(frozen=True)
class Slice:
    """Rows by one column's value: their positions."""

    column: str
    value: str
    member: Places


@dataclass(frozen=True)
class Gap:
    """By how much a slice is worse, in the metric and in standard errors; positive is worse."""

    worse: float
    errors: float

    @classmethod
    def of(cls, worse: float, drawn: Floats) -> "Gap":
        """A gap and its resamples; one that does not vary is never beyond chance."""
        drawn = drawn[np.isfinite(drawn)]
        error = float(drawn.std()) if len(drawn) else 0.0
        return cls(worse, worse / error if error > 0 else 0.0)


NO_GAP = Gap(0.0, 0.0)


@dataclass(frozen=True)
class Measured:
    """A slice's figures, and how much worse it is than all rows and than the champion."""

    figures: SliceFigures
    below_all: Gap = NO_GAP
    below_champion: Gap = NO_GAP


class SliceJudge:
    """Measures slices of the same rows by the project's metric."""

    def __init__(self, spec: ProjectSpec, rows: Rows) -> None:
        self._spec, self._rows, self._metric = spec, rows, spec.metric
        self._confidence = spec.promotion.champion.confidence
        self._sign = 1.0 if HIGHER_IS_BETTER[spec.metric] else -1.0
        self._overall = self._value(rows.challenger, np.arange(len(rows.labels), dtype=np.int32))

    def levels(self, column: str, rows: int) -> Iterator[Slice]:
        """The column's largest slices, of at least so many rows."""
        levels = grouped(self._rows.table.column(column), column)
        counts = np.bincount(levels.codes, minlength=len(levels.names))
        largest = set(np.argsort(-counts, kind="stable")[:MAX_LEVELS].tolist())
        for code, name in enumerate(levels.names):
            if code in largest and counts[code] >= rows:
                yield Slice(column, name, np.flatnonzero(levels.codes == code).astype(np.int32))

    def too_small(self, part: Slice) -> str | None:
        """Why a slice is not assessed."""
        rows = len(part.member)
        if rows < MIN_ROWS:
            return f"fewer than {MIN_ROWS} rows"
        if self._spec.task == "binary":
            positives = int(self._rows.labels[part.member].sum())
            if positives < MIN_OUTCOMES:
                return f"fewer than {MIN_OUTCOMES} positives"
            if rows - positives < MIN_OUTCOMES:
                return f"fewer than {MIN_OUTCOMES} negatives"
        return None

    def glance(self, part: Slice, rows: int) -> tuple[float, float]:
        """How much worse than all rows, and than the champion, by at most so many of the rows.

        NaN where the metric is undefined, or there is no champion.
        """
        some = part.member[:: -(-len(part.member) // rows)]
        new = self._value(self._rows.challenger, some)
        old = self._value(self._rows.champion, some) if self._rows.champion else np.nan
        return self._sign * (self._overall - new), self._sign * (old - new)

    def listed(self, part: Slice, note: str, *, declared: bool = True) -> Measured:
        """A slice that is not assessed, and why."""
        return Measured(self._counted(part, declared).model_copy(
            update={"assessed": False, "note": note}
        ))  # fmt: skip

    def measure(self, part: Slice, *, declared: bool = True) -> Measured:
        """A slice's figures with intervals."""
        rows, member = self._rows, part.member
        labels = rows.labels[member]
        models = [_among(m, member) for m in (rows.challenger, rows.champion) if m is not None]
        count = max(MIN_RESAMPLES, min(MAX_RESAMPLES, CELLS // len(labels)))
        draws = rows.resampler.among(member.astype(np.int64)).fewer(count)
        found = resample(self._spec.task, models, labels, draws)
        if any(self._metric not in figures.values for figures in found):
            return self.listed(part, "the metric is undefined here", declared=declared)
        new = found[0]
        figures = self._counted(part, declared).model_copy(
            update={"challenger": new.interval(self._metric, self._confidence)}
        )
        below_all = self._sign * (self._overall - new.values[self._metric])
        gap = Gap.of(below_all, new.resampled[self._metric])
        if len(found) == 1:
            return Measured(figures, gap)
        return self._beside(figures, gap, new, found[1])

    def _beside(
        self, figures: SliceFigures, below_all: Gap, new: Figures, old: Figures
    ) -> Measured:
        change = new.values[self._metric] - old.values[self._metric]
        drawn = new.resampled[self._metric] - old.resampled[self._metric]
        compared = {
            "champion": old.values[self._metric],
            "difference": percentile_interval(change, drawn, self._confidence),
        }
        below_champion = Gap.of(-self._sign * change, drawn)
        return Measured(figures.model_copy(update=compared), below_all, below_champion)

    def _counted(self, part: Slice, declared: bool) -> SliceFigures:
        binary = self._spec.task == "binary"
        return SliceFigures(
            column=part.column,
            value=part.value,
            rows=len(part.member),
            positives=int(self._rows.labels[part.member].sum()) if binary else None,
            declared=declared,
        )

    def _value(self, model: Predictions, member: Places) -> float:
        labels = self._rows.labels[member]
        return metric(self._metric, model.scores[member], labels, threshold=model.threshold)


def _among(model: Predictions, member: Places) -> Predictions:
    return Predictions(model.scores[member], model.threshold)
