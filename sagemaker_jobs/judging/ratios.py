"""The least group's rate over the greatest's, from counts of rows."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dropforge.evaluation import FairnessMetric

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MIN_OUTCOMES = 30
"""Rates among fewer rows of an outcome are not assessed."""


@dataclass(frozen=True)
class Ratio:
    """A ratio on the rows as they are, and on every resample."""

    value: float
    resampled: Floats


def ratios(
    whole: Floats, resampled: Floats, model: Literal["challenger", "champion"]
) -> dict[FairnessMetric, Ratio]:
    """Every ratio that two groups or more have; undefined ones left out.

    `whole` is groups x outcome x challenger's decision x champion's decision, `resampled` the same
    of every resample; on the last three axes 1 is the favourable one.
    """
    other = -1 if model == "challenger" else -2
    # Groups x outcome x decision.
    counts, drawn = whole.sum(axis=other), resampled.sum(axis=other)
    enough = counts.sum(axis=2) >= MIN_OUTCOMES
    found: dict[FairnessMetric, Ratio] = {}
    kinds: dict[FairnessMetric, tuple[int, ...]] = {
        "demographic_parity": (),
        "equal_opportunity": (1,),
        "equalised_odds": (1, 0),
    }
    for metric, outcomes in kinds.items():
        value, values = (
            _least_over_most(table, outcomes, enough) for table in (counts[None], drawn)
        )
        if np.isfinite(value[0]):
            found[metric] = Ratio(float(value[0]), values)
    return found


def _least_over_most(tables: Floats, outcomes: tuple[int, ...], enough: Flags) -> Floats:
    """The ratio of each table (groups x outcome x decision): the least one of several outcomes.

    Without outcomes it is of all rows. `enough` (groups x outcome) says which groups take part.
    """
    if not outcomes:
        return _ratio(tables.sum(axis=2))
    ratios = [
        _ratio(tables[:, enough[:, outcome], outcome], nobody=np.nan if outcome else 1.0)
        for outcome in outcomes
    ]
    least: Floats = np.minimum.reduce(ratios)
    return least


def _ratio(counts: Floats, nobody: float = np.nan) -> Floats:
    """The least group's rate over the greatest; `nobody` where every rate is 0.

    `counts` are tables x groups x decision.
    """
    if counts.shape[1] < 2:
        return np.full(len(counts), np.nan)
    rows = counts.sum(axis=2)
    # A group that was not drawn has no rate: the ratio is of the others.
    rates = np.divide(counts[..., 1], rows, out=np.full_like(rows, np.nan), where=rows > 0)
    least, most = np.fmin.reduce(rates, axis=1), np.fmax.reduce(rates, axis=1)
    none = np.where(np.isnan(most), np.nan, nobody)
    ratio: Floats = np.divide(least, most, out=none, where=most > 0)
    return ratio
