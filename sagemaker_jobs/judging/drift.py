"""Drift: how far a column's distribution is from the champion's frozen baseline.

PSI = sum over bins of (p - q) ln(p / q), bins by the baseline's quantiles, missing a bin of its
own, rare categories merged, a pseudo-count in each bin. Under no drift PSI is about
(1/n + 1/m) chi-squared with bins - 1 degrees of freedom (Yurdakul 2018): an alarm needs PSI over
the limit and over that law's quantile, corrected for the number of columns.
"""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.drops import ColumnDrift
from sagemaker_jobs.features.arrow import number_column

Floats = NDArray[np.float64]

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
    counts = {v["values"]: v["counts"] for v in pc.value_counts(column.drop_null()).to_pylist()}
    common = sorted(v for v, n in counts.items() if n >= RARE_SHARE * len(column))
    profile: dict[str, Any] = {"kind": "category", "levels": common}
    return profile | _counted_levels(profile, counts, column.null_count)


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
        counts = {v["values"]: v["counts"] for v in pc.value_counts(column.drop_null()).to_pylist()}
        now = _counted_levels(profile, counts, column.null_count)
    before = _bins(profile)
    after = _bins(now)
    if min(before.sum(), after.sum()) < MIN_ROWS:
        return ColumnDrift(column=name, psi=None, note=f"not assessed: fewer than {MIN_ROWS} rows")
    value = psi(before, after)
    null = null_quantile(before, after, FALSE_ALARMS / max(columns, 1))
    return ColumnDrift(column=name, psi=round(value, 6), alarm=value > max(limit, null))


def psi(before: Floats, after: Floats) -> float:
    """The population stability index of two counts over the same bins."""
    p = (before + PSEUDO_COUNT) / (before + PSEUDO_COUNT).sum()
    q = (after + PSEUDO_COUNT) / (after + PSEUDO_COUNT).sum()
    return float(np.sum((q - p) * np.log(q / p)))


def null_quantile(before: Floats, after: Floats, alpha: float) -> float:
    """What PSI exceeds with probability `alpha` without drift (Wilson-Hilferty's chi-squared)."""
    freedom = max(int(((before + after) > 0).sum()) - 1, 1)
    z = NormalDist().inv_cdf(1 - alpha)
    chi = freedom * (1 - 2 / (9 * freedom) + z * (2 / (9 * freedom)) ** 0.5) ** 3
    return float(chi * (1 / before.sum() + 1 / after.sum()))


def _counted(profile: Mapping[str, Any], values: Floats) -> dict[str, Any]:
    missing = np.isnan(values)
    places = np.searchsorted(profile["edges"], values[~missing], side="right")
    counts = np.bincount(places, minlength=len(profile["edges"]) + 1)
    return {"counts": counts.tolist(), "missing": int(missing.sum())}


def _counted_levels(
    profile: Mapping[str, Any], counts: Mapping[str, int], missing: int
) -> dict[str, Any]:
    known = [counts.get(level, 0) for level in profile["levels"]]
    return {"counts": [*known, sum(counts.values()) - sum(known)], "missing": missing}


def _bins(counted: Mapping[str, Any]) -> Floats:
    return np.array([*counted["counts"], counted["missing"]], dtype=np.float64)
