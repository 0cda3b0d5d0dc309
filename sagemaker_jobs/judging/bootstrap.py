"""Bootstrap intervals, and the paired difference of two models on the same rows.

Rows are drawn with replacement, whole groups where the project has a `group`; both models are
re-scored on the same draw, so what rows have in common cancels out. Percentile intervals (Efron and
Tibshirani 1993, An Introduction to the Bootstrap, chapter 13; groups as clusters: Davison and
Hinkley 1997, section 3.8).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dropforge.evaluation import Interval
from dropforge.metrics import HIGHER_IS_BETTER, Metric, Task
from sagemaker_jobs.judging.metrics import prepared

Floats = NDArray[np.float64]

MAX_RESAMPLES, MIN_RESAMPLES = 2000, 500
CELLS = 40_000_000
"""Rows x resamples: a large holdout needs fewer resamples, its intervals are narrow."""

BLOCK_CELLS = 1_000_000
"""Weights held at once: 8 MB of doubles, or one resample of more rows."""


@dataclass(frozen=True)
class Resampler:
    """Draws of `rows` rows. `groups` is a code per row; rows of a group are drawn together."""

    rows: int
    seed: int
    groups: NDArray[np.int64] | None = None
    resamples: int = MAX_RESAMPLES

    @classmethod
    def of(cls, rows: int, seed: int, groups: NDArray[np.int64] | None = None) -> Self:
        """As many resamples as the rows afford: 2,000 up to 20,000 rows, never under 500."""
        return cls(
            rows, seed, groups, min(MAX_RESAMPLES, max(MIN_RESAMPLES, CELLS // max(rows, 1)))
        )

    def fewer(self, resamples: int) -> Self:
        """The same draws, at most so many of them."""
        return replace(self, resamples=min(self.resamples, resamples))

    def among(self, rows: NDArray[np.int64]) -> Self:
        """Draws of some of the rows only, still whole groups of them."""
        groups = None
        if self.groups is not None:
            groups = np.unique(self.groups[rows], return_inverse=True)[1].astype(np.int64)
        return replace(self, rows=len(rows), groups=groups)

    def weights(self) -> Iterator[Floats]:
        """Blocks of resamples x rows: how often each row was drawn."""
        generator = np.random.default_rng(self.seed)
        units = self.rows if self.groups is None else int(self.groups.max()) + 1
        size = max(1, BLOCK_CELLS // max(self.rows, 1))
        for start in range(0, self.resamples, size):
            block = np.empty((min(size, self.resamples - start), units))
            for row in block:
                row[:] = np.bincount(generator.integers(0, units, size=units), minlength=units)
            yield block if self.groups is None else block[:, self.groups]

    def counts(self, cells: NDArray[np.int64], length: int) -> NDArray[np.float64]:
        """Resamples x cells: how many of the drawn rows are in each cell; `cells` is one a row.

        Rows drawn one by one fall into cells as a multinomial says, which needs no rows.
        """
        if self.groups is None:
            shares = np.bincount(cells, minlength=length) / self.rows
            generator = np.random.default_rng(self.seed)
            drawn = generator.multinomial(self.rows, shares, size=self.resamples)
            return drawn.astype(np.float64)
        rows = (row for block in self.weights() for row in block)
        return np.array([np.bincount(cells, weights=row, minlength=length) for row in rows])


@dataclass(frozen=True)
class Predictions:
    """One model's scores, as `metrics.metric` takes them; the threshold of a binary model."""

    scores: Floats
    threshold: float | None = None


@dataclass(frozen=True)
class Figures:
    """Per metric the value on the rows, and its value on every resample.

    Metrics that the rows leave undefined (MAPE where every target is 0) are not among them.
    """

    values: dict[Metric, float]
    resampled: dict[Metric, Floats]

    def interval(self, name: Metric, confidence: float) -> Interval:
        """The value with its two-sided percentile interval."""
        return percentile_interval(self.values[name], self.resampled[name], confidence)

    def intervals(self, confidence: float) -> dict[Metric, Interval]:
        """Every metric with its interval."""
        return {name: self.interval(name, confidence) for name in self.values}


def resample(
    task: Task, models: Sequence[Predictions], labels: Floats, resampler: Resampler
) -> list[Figures]:
    """Every metric of every model, all on the same draws."""
    functions = [prepared(task, model.scores, labels, model.threshold) for model in models]
    blocks = [[function(weights) for function in functions] for weights in resampler.weights()]
    whole = np.ones((1, len(labels)))
    found = []
    for model, function in enumerate(functions):
        values = {name: float(value[0]) for name, value in function(whole).items()}
        values = {name: value for name, value in values.items() if np.isfinite(value)}
        drawn = {name: np.concatenate([block[model][name] for block in blocks]) for name in values}
        found.append(Figures(values, drawn))
    return found


def differences(
    challenger: Figures, champion: Figures, confidence: float
) -> dict[Metric, Interval]:
    """Challenger minus champion, raw, with two-sided intervals."""
    return {
        name: percentile_interval(
            value - champion.values[name],
            challenger.resampled[name] - champion.resampled[name],
            confidence,
        )
        for name, value in challenger.values.items()
        if name in champion.values
    }


def lower_bound(challenger: Figures, champion: Figures, name: Metric, confidence: float) -> float:
    """The one-sided lower bound of the difference, its sign turned so that positive is better."""
    sign = 1.0 if HIGHER_IS_BETTER[name] else -1.0
    difference = sign * (challenger.resampled[name] - champion.resampled[name])
    return float(np.nanquantile(difference, 1.0 - confidence))


def percentile_interval(value: float, resampled: Floats, confidence: float) -> Interval:
    """The two-sided interval between two quantiles of the resamples.

    A draw without one of the outcomes has no AUC; it is left out. Without any draw the interval is
    the value alone.
    """
    drawn = resampled[np.isfinite(resampled)]
    if not len(drawn):
        return Interval(value=value, low=value, high=value)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    return Interval(value=value, low=float(low), high=float(high))
