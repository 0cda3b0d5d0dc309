"""Columns that drifted, drawn: the shares of the rows in the baseline's bins, then and now."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sagemaker_jobs.report.axis import Axis
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.document import doubles, kind_of
from sagemaker_jobs.report.html import drawing, grid
from sagemaker_jobs.report.numbers import tick
from sagemaker_jobs.report.privacy import Privacy
from sagemaker_jobs.report.svg import Plot

Floats = NDArray[np.float64]

MOST = 6


def pictures(report: Report) -> str:
    """A picture for each of the columns that drifted most; none without the baseline's bins."""
    table, baseline = report.context.holdout, report.context.baseline
    if table is None or baseline is None:
        return ""
    privacy, profiles = Privacy.of(report.spec), baseline.get("columns", {})
    names = [
        item.column
        for item in report.evaluation.drift
        if item.alarm
        and item.column in profiles
        and item.column in table.schema.names
        and not privacy.hides(item.column)
    ]
    drawn = [_picture(name, profiles[name], table.column(name)) for name in names[:MOST]]
    return grid(picture for picture in drawn if picture)


def _picture(name: str, profile: Mapping[str, Any], column: pa.ChunkedArray) -> str:
    found = _bins(profile, column)
    if found is None:
        return ""
    labels, now = found
    before = np.array([*profile["counts"], profile["missing"]], dtype=np.float64)
    then, after = before / max(before.sum(), 1), now / max(now.sum(), 1)
    step = max(1, -(-len(labels) // 8))
    ticks = [(n + 0.5, text) for n, text in enumerate(labels) if n % step == 0]
    plot = Plot(
        f"Shares of the rows in the bins of {name}, in the champion's baseline and in the holdout",
        Axis(0, len(labels), ticks=ticks),
        Axis(0, 1.08 * (float(max(then.max(), after.max())) or 1.0), percent=True, count=3),
        height=170,
    )
    for place in range(len(labels)):
        plot.bars([place + 0.12, place + 0.5], [float(then[place])], "s2 solid")
        plot.bars([place + 0.5, place + 0.88], [float(after[place])], "s1 solid")
    keys = [("champion's training rows", "s2"), ("judged rows", "s1")]
    return drawing(name, plot.render(), keys=keys, css="fill")


def _bins(
    profile: Mapping[str, Any], column: pa.ChunkedArray
) -> tuple[list[str], NDArray[np.float64]] | None:
    """The bins' names, missing the last, and the column's rows in them; None if it is of another
    kind now."""
    kind = kind_of(column.type)
    if profile["kind"] == "number" and kind in ("number", "boolean"):
        return _number_bins(list(profile["edges"]), doubles(column))
    if profile["kind"] != "number" and kind == "text":
        counted = pc.value_counts(column.drop_null()).to_pylist()
        counts = {item["values"]: item["counts"] for item in counted}
        known = [counts.get(level, 0) for level in profile["levels"]]
        others = sum(counts.values()) - sum(known)
        labels = [_short(level) for level in profile["levels"]]
        rows = np.array([*known, others, column.null_count], dtype=np.float64)
        return [*labels, "others", "missing"], rows
    return None


def _number_bins(edges: list[float], values: Floats) -> tuple[list[str], NDArray[np.float64]]:
    absent = np.isnan(values)
    places = np.searchsorted(edges, values[~absent], side="right")
    counts = np.bincount(places, minlength=len(edges) + 1).astype(np.float64)
    first = f"<{tick(edges[0])}" if edges else "any"
    labels = [first, *(f"≥{tick(edge)}" for edge in edges)]
    return [*labels, "missing"], np.append(counts, float(absent.sum()))


def _short(level: str) -> str:
    return level if len(level) <= 9 else f"{level[:8]}…"
