"""Drift: how far a column's distribution is from the champion's frozen baseline.

PSI = sum over bins of (p - q) ln(p / q), bins by the baseline's quantiles, missing a bin of its
own, rare categories merged, a pseudo-count in each bin. Under no drift PSI is about
(1/n + 1/m) chi-squared with bins - 1 degrees of freedom (Yurdakul 2018): an alarm needs PSI over
the limit and over that law's quantile, corrected for the number of columns. The Jensen-Shannon
distance of the same bins (Endres and Schindelin 2003), from 0 to 1, stands beside it.

Rows are compared as a table, or as a profile of them. A profile counts text exactly; the rows
between two edges come from its sketch: exact up to 400 rows, else off by less than 0.86 % of them
with 99 % confidence. Measured over ten even bins, that moves a PSI of 0.001 by less than 0.001 and
one of 0.2 by less than 0.01.
"""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.drops import ColumnDrift
from sagemaker_jobs.features.arrow import number_column
from sagemaker_jobs.profile.columns import ColumnProfile
from sagemaker_jobs.profile.numbers import NumberProfile
from sagemaker_jobs.profile.profile import Profile
from sagemaker_jobs.profile.texts import TextProfile

Floats = NDArray[np.float64]
Against = Literal["champion", "previous"]

LIMIT = 0.2
MIN_ROWS = 500
PSEUDO_COUNT = 0.5
FALSE_ALARMS = 0.01
BINS = 10
RARE_SHARE = 0.01


def number_profile(values: Floats) -> dict[str, Any]:
    """A numeric column's quantile edges, and how many rows fall between them."""
    present = values[~np.isnan(values)]
    profile: dict[str, Any] = {"kind": "number", "edges": []}
    if len(present):
        edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]))
        profile["edges"] = edges.tolist()
        profile |= {"low": float(present.min()), "high": float(present.max())}
    return profile | _counted(profile, values)


def category_profile(column: pa.ChunkedArray) -> dict[str, Any]:
    """A text column's categories of 1 % or more, the rest merged."""
    return _levelled(_level_counts(column), len(column), column.null_count)


def drift(
    table: pa.Table, baseline: Mapping[str, Any] | None, *, limit: float = LIMIT
) -> list[ColumnDrift]:
    """Every baseline column's PSI in `table`, the largest first. Advisory: it refuses nothing."""
    columns = (baseline or {}).get("columns", {})
    found = [
        column_drift(name, profile, table.column(name), len(columns), limit)
        for name, profile in columns.items()
        if name in table.schema.names
    ]
    return sorted(found, key=lambda item: -(item.psi or 0.0))


def column_drift(
    name: str, profile: Mapping[str, Any], column: pa.ChunkedArray, columns: int, limit: float
) -> ColumnDrift:
    """One column's PSI, not assessed below 500 rows on either side."""
    if profile["kind"] == "number":
        now = _counted(profile, number_column(column, name))
    else:
        now = _counted_levels(profile, _level_counts(column), column.null_count)
    return _compared(name, profile, now, columns, limit, "champion")


def profile_drift(
    profile: Profile, baseline: Mapping[str, Any] | None, *, limit: float = LIMIT
) -> list[ColumnDrift]:
    """Every baseline column's PSI in the rows of `profile`, the largest first. Advisory."""
    columns = (baseline or {}).get("columns", {})
    return _drift(profile, columns, limit, "champion")


def period_drift(profile: Profile, previous: Profile, *, limit: float = LIMIT) -> list[ColumnDrift]:
    """Every column's PSI against another period's rows, over that period's own quantiles.

    Dates are left out: they move with the period.
    """
    frozen = {}
    for name, column in previous.columns.items():
        if isinstance(column, NumberProfile) and column.kind != "date" and column.present:
            frozen[name] = _sketched(_sketch_edges(column), column)
        elif isinstance(column, TextProfile) and column.levels is not None:
            frozen[name] = _levelled(column.levels, column.count, column.missing)
    return _drift(profile, frozen, limit, "previous")


def _drift(
    profile: Profile, frozen: Mapping[str, Mapping[str, Any]], limit: float, against: Against
) -> list[ColumnDrift]:
    found = []
    for name, before in frozen.items():
        column = profile.columns.get(name)
        if column is None or not column.count:
            continue
        now = _recounted(before, column)
        if isinstance(now, str):
            found.append(ColumnDrift(column=name, psi=None, against=against, note=now))
        else:
            found.append(_compared(name, before, now, len(frozen), limit, against))
    return sorted(found, key=lambda item: -(item.psi or 0.0))


def _recounted(before: Mapping[str, Any], column: ColumnProfile) -> dict[str, Any] | str:
    """A column's counts in the bins of `before`, or why there are none."""
    if isinstance(column, NumberProfile) and before["kind"] == "number":
        return _sketched(before, column)
    if isinstance(column, TextProfile) and before["kind"] == "category":
        if column.levels is None:
            return "not assessed: its values are not kept, there are too many or long ones"
        return _counted_levels(before, column.levels, column.missing)
    if isinstance(column, NumberProfile | TextProfile):
        return "not assessed: its type changed"
    return "not assessed: its values are personal"


def _compared(
    name: str,
    frozen: Mapping[str, Any],
    now: Mapping[str, Any],
    columns: int,
    limit: float,
    against: Against,
) -> ColumnDrift:
    before, after = _bins(frozen), _bins(now)
    if min(before.sum(), after.sum()) < MIN_ROWS:
        note = f"not assessed: fewer than {MIN_ROWS} rows"
        return ColumnDrift(column=name, psi=None, against=against, note=note)
    value = psi(before, after)
    null = null_quantile(before, after, FALSE_ALARMS / max(columns, 1))
    return ColumnDrift(
        column=name,
        psi=round(value, 6),
        js=round(js_distance(before, after), 6),
        against=against,
        alarm=value > max(limit, null),
    )


def psi(before: Floats, after: Floats) -> float:
    """The population stability index of two counts over the same bins."""
    p, q = _shares(before), _shares(after)
    return float(np.sum((q - p) * np.log(q / p)))


def js_distance(before: Floats, after: Floats) -> float:
    """The Jensen-Shannon distance (base 2) of two counts over the same bins."""
    p, q = _shares(before), _shares(after)
    middle = (p + q) / 2
    divergence = np.sum(p * np.log2(p / middle) + q * np.log2(q / middle)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def null_quantile(before: Floats, after: Floats, alpha: float) -> float:
    """What PSI exceeds with probability `alpha` without drift (Wilson-Hilferty's chi-squared)."""
    freedom = max(int(((before + after) > 0).sum()) - 1, 1)
    z = NormalDist().inv_cdf(1 - alpha)
    chi = freedom * (1 - 2 / (9 * freedom) + z * (2 / (9 * freedom)) ** 0.5) ** 3
    return float(chi * (1 / before.sum() + 1 / after.sum()))


def _shares(counts: Floats) -> Floats:
    return (counts + PSEUDO_COUNT) / (counts + PSEUDO_COUNT).sum()


def _counted(profile: Mapping[str, Any], values: Floats) -> dict[str, Any]:
    missing = np.isnan(values)
    places = np.searchsorted(profile["edges"], values[~missing], side="right")
    counts = np.bincount(places, minlength=len(profile["edges"]) + 1)
    return {"counts": counts.tolist(), "missing": int(missing.sum())}


def _sketched(profile: Mapping[str, Any], column: NumberProfile) -> dict[str, Any]:
    """The same from a sketch's ranks: the weight below each edge."""
    edges = list(profile["edges"])
    if not column.present:
        counts = np.zeros(len(edges) + 1)
    else:
        ranks = column.sketch.get_cdf(edges) if edges else [1.0]
        counts = np.diff(ranks, prepend=0.0) * column.present
    return {**profile, "counts": counts.tolist(), "missing": column.missing}


def _sketch_edges(column: NumberProfile) -> dict[str, Any]:
    ranks = np.linspace(0, 1, BINS + 1)[1:-1].tolist()
    return {"kind": "number", "edges": sorted(set(column.sketch.get_quantiles(ranks)))}


def _level_counts(column: pa.ChunkedArray) -> dict[str, int]:
    return {v["values"]: v["counts"] for v in pc.value_counts(column.drop_null()).to_pylist()}


def _levelled(counts: Mapping[str, int], rows: int, missing: int) -> dict[str, Any]:
    common = sorted(v for v, n in counts.items() if n >= RARE_SHARE * rows)
    profile: dict[str, Any] = {"kind": "category", "levels": common}
    return profile | _counted_levels(profile, counts, missing)


def _counted_levels(
    profile: Mapping[str, Any], counts: Mapping[str, int], missing: int
) -> dict[str, Any]:
    known = [counts.get(level, 0) for level in profile["levels"]]
    return {"counts": [*known, sum(counts.values()) - sum(known)], "missing": missing}


def _bins(counted: Mapping[str, Any]) -> Floats:
    return np.array([*counted["counts"], counted["missing"]], dtype=np.float64)
