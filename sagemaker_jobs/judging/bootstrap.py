"""Bootstrap intervals, and the paired difference of two models on the same rows.

Rows are drawn with replacement, whole groups where the project has a `group`; both models are
re-scored on the same draw, so what rows have in common cancels out. Percentile intervals.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dropforge.evaluation import Interval
from dropforge.metrics import HIGHER_IS_BETTER, Metric
from sagemaker_jobs.judging.metrics import METRICS, prepared

Floats = NDArray[np.float64]

MAX_RESAMPLES, MIN_RESAMPLES = 2000, 500
CELLS = 40_000_000
"""Rows x resamples: a large holdout needs fewer resamples, its intervals are narrow."""

BLOCK_CELLS = 4_000_000
"""Weights held at once: 32 MB of doubles."""


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

    def weights(self) -> Iterator[Floats]:
        """Blocks of resamples x rows: how often each row was drawn."""
        generator = np.random.default_rng(self.seed)
        units = self.rows if self.groups is None else int(self.groups.max()) + 1
        size = max(1, BLOCK_CELLS // max(self.rows, 1))
        for start in range(0, self.resamples, size):
            count = min(size, self.resamples - start)
            drawn = generator.integers(0, units, size=(count, units))
            drawn += np.arange(count)[:, None] * units
            block = np.bincount(drawn.ravel(), minlength=count * units).reshape(count, units)
            weights = block.astype(np.float64)
            yield weights if self.groups is None else weights[:, self.groups]


@dataclass(frozen=True)
class Figures:
    """Per metric the value on the rows, and its value on every resample."""

    values: dict[Metric, float]
    resampled: dict[Metric, Floats]

    def interval(self, name: Metric, confidence: float) -> Interval:
        """The value with its two-sided percentile interval."""
        return _interval(self.values[name], self.resampled[name], confidence)


def resample(models: Sequence[Floats], labels: Floats, resampler: Resampler) -> list[Figures]:
    """Every metric of every model (scores per row), all on the same draws."""
    functions = [prepared(scores, labels) for scores in models]
    blocks = [[function(weights) for function in functions] for weights in resampler.weights()]
    whole = np.ones((1, len(labels)))
    return [
        Figures(
            {name: float(value[0]) for name, value in function(whole).items()},
            {name: np.concatenate([block[model][name] for block in blocks]) for name in METRICS},
        )
        for model, function in enumerate(functions)
    ]


def differences(
    challenger: Figures, champion: Figures, confidence: float
) -> dict[Metric, Interval]:
    """Challenger minus champion, raw, with two-sided intervals."""
    return {
        name: _interval(
            challenger.values[name] - champion.values[name],
            challenger.resampled[name] - champion.resampled[name],
            confidence,
        )
        for name in METRICS
    }


def lower_bound(challenger: Figures, champion: Figures, name: Metric, confidence: float) -> float:
    """The one-sided lower bound of the difference, its sign turned so that positive is better."""
    sign = 1.0 if HIGHER_IS_BETTER[name] else -1.0
    difference = sign * (challenger.resampled[name] - champion.resampled[name])
    return float(np.nanquantile(difference, 1.0 - confidence))


def _interval(value: float, resampled: Floats, confidence: float) -> Interval:
    # A draw without one of the outcomes has no AUC; it is left out.
    tail = (1.0 - confidence) / 2.0
    low, high = np.nanquantile(resampled, [tail, 1.0 - tail])
    return Interval(value=value, low=float(low), high=float(high))
