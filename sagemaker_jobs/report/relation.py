"""How a target goes with a column's bins, whatever the column and the task."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.report.privacy import MIN_ROWS

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Target:
    """What columns are related to.

    `values` are rows x parts, NaN where the target is missing: one part of 0 and 1 of a yes-or-no
    target, or of a number; one part a class of several. `is_share` says that means are shares.
    """

    name: str
    values: Floats
    parts: tuple[str, ...]
    is_share: bool = True

    @classmethod
    def of_flags(cls, name: str, positive: str, flags: Floats) -> "Target":
        """A yes-or-no target: 1 where it is the positive outcome."""
        return cls(name, flags.reshape(-1, 1), (f"{name} = {positive}",))

    @classmethod
    def of_numbers(cls, name: str, values: Floats) -> "Target":
        """A target that is a number."""
        return cls(name, values.reshape(-1, 1), (f"mean {name}",), is_share=False)

    @classmethod
    def of_classes(cls, name: str, classes: Sequence[str], places: Floats) -> "Target":
        """A target of several classes, by each row's position in them; NaN where missing."""
        values = (places[:, None] == np.arange(len(classes))).astype(np.float64)
        values[np.isnan(places)] = np.nan
        return cls(name, values, tuple(classes))


@dataclass(frozen=True)
class Relation:
    """The target's mean in each bin, a row a bin and a column a part; NaN of bins under 5 rows.

    `explained` is the correlation ratio (eta squared): the share of the target's variance that lies
    between the bins, over all parts. `missing` is the mean where the column is missing.
    """

    means: Floats
    counts: NDArray[np.int64]
    explained: float
    missing: Floats | None = None


def relate(codes: Codes, bins: int, target: Target) -> Relation:
    """The relation of a column that has `codes` from 0 to bins - 1, and `bins` where missing."""
    known = ~np.isnan(target.values[:, 0])
    places = codes[known]
    counts = np.bincount(places, minlength=bins + 1)
    sums = np.stack(
        [
            np.bincount(places, weights=target.values[known, part], minlength=bins + 1)
            for part in range(target.values.shape[1])
        ],
        axis=1,
    )
    means = np.divide(
        sums, counts[:, None], out=np.full(sums.shape, np.nan), where=counts[:, None] > 0
    )
    explained = _explained(target.values[known], means, counts)
    means[counts < MIN_ROWS] = np.nan
    missing = means[bins] if counts[bins] >= MIN_ROWS else None
    return Relation(means[:bins], counts[:bins], explained, missing)


def _explained(values: Floats, means: Floats, counts: NDArray[np.int64]) -> float:
    if not len(values):
        return 0.0
    middle = values.mean(axis=0)
    whole = float(((values - middle) ** 2).sum())
    filled = counts > 0
    between = float((counts[filled, None] * (means[filled] - middle) ** 2).sum())
    return min(between / whole, 1.0) if whole > 0 else 0.0
