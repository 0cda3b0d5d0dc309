"""Train, validation, holdout: which rows teach, which choose, which judge."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropforge.period import Period

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Disjoint masks over the labelled rows; together they are all of them."""

    train: Mask
    validation: Mask
    holdout: Mask
    holdout_period: str


def choose_holdout(periods: Collection[str], used: Collection[str]) -> str | None:
    """The newest labelled period that the champion was not made from.

    None if the history alone is there, or every period was used: then a share of the rows judges.
    """
    dated = [Period.from_canonical(p) for p in periods]
    free = [p for p in dated if not p.is_history and p.canonical not in used]
    return max(free).canonical if free and len(dated) > 1 else None


def split_rows(
    *,
    periods: Sequence[str] | NDArray[np.str_],
    strata: NDArray[np.int16],
    draw: NDArray[np.float64],
    holdout_draw: NDArray[np.float64],
    grouped: bool,
    holdout_period: str | None,
    holdout_share: float,
    validation_share: float,
) -> Split:
    """Split the rows.

    `draw` and `holdout_draw` are hashes in [0, 1) of each row's group, or of its key; equal groups
    have equal draws, so that a group never lies on both sides. Without groups both splits take
    their share of each stratum: rows of equal `strata`.
    """
    every = np.ones(len(strata), dtype=bool)
    if holdout_period is None:
        holdout = _take(holdout_draw, strata, every, holdout_share, grouped)
        named = max(Period.from_canonical(str(p)) for p in np.unique(periods)).canonical
    else:
        holdout = np.asarray(periods) == holdout_period
        named = holdout_period
    validation = _take(draw, strata, ~holdout, validation_share, grouped)
    return Split(~holdout & ~validation, validation, holdout, named)


def _take(
    draw: NDArray[np.float64], strata: NDArray[np.int16], among: Mask, share: float, grouped: bool
) -> Mask:
    if grouped:
        return among & (draw < share)
    taken = np.zeros(len(draw), dtype=bool)
    for stratum in np.unique(strata[among]):
        rows = np.flatnonzero(among & (strata == stratum))
        count = round(share * len(rows))
        # Ties would be equal hashes of different rows; stable order keeps them reproducible.
        taken[rows[np.argsort(draw[rows], kind="stable")[:count]]] = True
    return taken
