"""Leakage: columns that alone tell the outcome, which in life means that they came after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sagemaker_jobs.features.arrow import number_column
from sagemaker_jobs.reader.conversion import int64_array

Floats = NDArray[np.float64]

LEAK_AUC = 0.995
SAMPLE = 5000
MIN_OUTCOMES = 20
FALSE_ALARMS = 0.001


@dataclass(frozen=True)
class Telling:
    """How a column tells the outcome.

    `separates`: by its values; `one_sided`: they are present with one outcome only. `auc` is of the
    values, or of their presence.
    """

    kind: Literal["separates", "one_sided"]
    auc: float


def leaks(rows: pa.Table, outcomes: NDArray[np.int8], columns: Sequence[str]) -> list[str]:
    """The columns that alone separate the outcomes, in the order given: `tellings`' names."""
    return list(tellings(rows, outcomes, columns))


def tellings(
    rows: pa.Table, outcomes: NDArray[np.int8], columns: Sequence[str]
) -> dict[str, Telling]:
    """How columns alone separate the outcomes: those that do, in the order given.

    `outcomes` are `labels.positives`' (1, 0, -1 missing). A column is named if the AUC of its
    values, or of its values with missing as the lowest or highest one, reaches LEAK_AUC either way
    round; or if its values appear only with one of the outcomes, and chance explains that less than
    once in a thousand times for all columns together. Texts are ordered by their share of
    positives, those in fewer than MIN_OUTCOMES rows as one. At most SAMPLE rows are looked at, as
    many of each outcome as there are up to a half; with fewer than MIN_OUTCOMES of either: none.
    """
    hits, misses = np.flatnonzero(outcomes == 1), np.flatnonzero(outcomes == 0)
    if min(len(hits), len(misses)) < MIN_OUTCOMES:
        return {}
    hits, misses = _evenly(hits), _evenly(misses)
    chosen = np.concatenate([hits, misses])
    chance = FALSE_ALARMS / max(len(columns), 1)
    found = {n: _tells(rows.column(n), n, chosen, len(hits), chance) for n in columns}
    return {name: telling for name, telling in found.items() if telling}


def _evenly(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Up to half a sample of them, over the whole range: files are often sorted."""
    half = SAMPLE // 2
    if len(places) <= half:
        return places
    return places[np.linspace(0, len(places) - 1, half).astype(np.int64)]


def _tells(
    column: pa.ChunkedArray, name: str, chosen: NDArray[np.int64], hits: int, chance: float
) -> Telling | None:
    """`chosen` are the sample's rows, the `hits` positive ones first."""
    kind = column.type
    if column.null_count == len(column):
        return None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        values = _by_outcome(column.take(int64_array(chosen)), hits)
    else:
        values = number_column(column, name)[chosen]
    missing = np.isnan(values)
    ordered = values if not missing.any() else np.where(missing, np.inf, values)
    ones, zeros = np.sort(ordered[:hits]), np.sort(ordered[hits:])
    gone = (int(missing[:hits].sum()), int(missing[hits:].sum()))
    if _one_sided(len(ones), len(zeros), gone, chance):
        # One outcome has no value, the other a share of them: half of the rest is guessed.
        there = max(1 - gone[0] / len(ones), 1 - gone[1] / len(zeros))
        return Telling("one_sided", (1 + there) / 2)
    area = _separation(ones, zeros, gone)
    return Telling("separates", area) if area >= LEAK_AUC else None


def _one_sided(ones: int, zeros: int, gone: tuple[int, int], chance: float) -> bool:
    """Whether values are present with one outcome only, in too many rows for chance."""
    there = (ones - gone[0], zeros - gone[1])
    if sum(there) < MIN_OUTCOMES or all(there):
        return False
    share = (ones if there[0] else zeros) / (ones + zeros)
    return bool(sum(there) * np.log(share) < np.log(chance))


def _separation(ones: Floats, zeros: Floats, gone: tuple[int, int]) -> float:
    """The highest AUC: of the present values, and with the missing above, or below them.

    Both are sorted, their missing ones last, as infinity. 0 if it is not near LEAK_AUC.
    """
    there = ones[: len(ones) - gone[0]], zeros[: len(zeros) - gone[1]]
    pairs = [(ones, zeros)]
    if any(gone):
        pairs.append((np.roll(ones, gone[0]), np.roll(zeros, gone[1])))
        pairs[1][0][: gone[0]] = pairs[1][1][: gone[1]] = -np.inf
        if min(map(len, there)) >= MIN_OUTCOMES:
            pairs.append(there)
    return max((_area(*pair) for pair in pairs if _may_separate(*pair)), default=0.0)


def _may_separate(ones: Floats, zeros: Floats) -> bool:
    """False if a fifth of either lies beyond four fifths of the other, both ways: AUC < 0.96.

    Most columns are settled by this glance.
    """
    low, high = len(ones) // 5, len(zeros) * 4 // 5
    upwards = ones[low] >= zeros[high]
    low, high = len(zeros) // 5, len(ones) * 4 // 5
    return bool(upwards or zeros[low] >= ones[high])


def _area(ones: Floats, zeros: Floats) -> float:
    """The AUC (Mann-Whitney's U over all pairs), whichever way round it is larger."""
    below = np.searchsorted(zeros, ones, side="left").sum()
    won = (below + np.searchsorted(zeros, ones, side="right").sum()) / 2
    area = float(won / (len(ones) * len(zeros)))
    return max(area, 1 - area)


def _by_outcome(column: pa.ChunkedArray, positives: int) -> Floats:
    """Each text as its share of positives, NaN where missing."""
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = pc.dictionary_encode(encoded)
    levels = len(encoded.dictionary)
    codes = pc.fill_null(encoded.indices, levels).to_numpy(zero_copy_only=False)
    rows = np.bincount(codes, minlength=levels + 1)
    # A level of few rows tells nothing about others: an id would separate everything.
    merged = np.where(rows < MIN_OUTCOMES, levels + 1, np.arange(levels + 1))
    merged[levels] = levels
    codes = merged[codes]
    rows = np.bincount(codes, minlength=levels + 2)
    hits = np.bincount(codes[:positives], minlength=levels + 2)
    shares = hits / np.maximum(rows, 1)
    shares[levels] = np.nan
    found: Floats = shares[codes]
    return found
