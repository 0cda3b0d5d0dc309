"""One column's distribution, by its kind."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sagemaker_jobs.report.document import Column, ColumnKind, doubles
from sagemaker_jobs.report.privacy import MIN_ROWS
from sagemaker_jobs.report.relation import Codes, Floats, Relation, Target, relate

BINS, DECILES = 24, 10
FEW = 12
"""A number with at most so many values is shown value by value."""

LEVELS = 8
MONTHS = 48
"""Dates over more months than this are counted by year."""

QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
ENDS = (0.005, 0.995)


def number_column(name: str, kind: ColumnKind, values: Floats, target: Target | None) -> Column:
    """Numbers: value by value if they are few, else a histogram between the outer quantiles."""
    absent = np.isnan(values)
    present = np.sort(values[~absent])
    if not len(present):
        return Column(name, kind, len(values), len(values), distinct=0)
    distinct = int((np.diff(present) > 0).sum()) + 1
    facts: dict[str, Any] = {
        "distinct": distinct,
        "mean": float(present.mean()),
        "quantiles": tuple(np.quantile(present, QUANTILES).tolist()),
    }
    missing = int(absent.sum())
    if distinct <= FEW:
        known = np.unique(present)
        codes = np.where(absent, distinct, np.searchsorted(known, values))
        texts = [_value_text(kind, value) for value in known.tolist()]
        order = np.arange(distinct)
        shown = _levels(name, kind, len(values), missing, texts, codes, order, target)
        return replace(shown, **facts)
    low, high = np.quantile(present, ENDS).tolist()
    if low == high:
        low, high = float(present[0]), float(present[-1])
    edges = _edges(present, low, high)
    counts, _ = np.histogram(np.clip(present, edges[0], edges[-1]), bins=edges)
    at, relation = _by_deciles(values, present, absent, target)
    shown = Column(
        name,
        kind,
        len(values),
        missing,
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        at=at,
        relation=relation,
    )
    return replace(shown, **facts)


def _edges(present: Floats, low: float, high: float) -> Floats:
    """Equally wide bins; of whole numbers each bin holds as many values as the next."""
    if high - low < 2**31 and bool((present == np.floor(present)).all()):
        low, high = math.floor(low), math.ceil(high)
        width = max(math.ceil((high - low + 1) / BINS), 1)
        return np.arange(low - 0.5, high + width + 0.5, width)
    return np.linspace(low, high, BINS + 1)


def _by_deciles(
    values: Floats, present: Floats, absent: NDArray[np.bool_], target: Target | None
) -> tuple[tuple[float, ...], Relation | None]:
    """Bins of about equal numbers of rows: their median values, and the target in them."""
    if target is None:
        return (), None
    ranks = np.linspace(0, 1, DECILES + 1)[1:-1]
    edges = np.unique(np.quantile(present, ranks))
    codes = np.searchsorted(edges, values, side="right")
    codes[absent] = len(edges) + 1
    starts = np.searchsorted(present, edges, side="left")
    parts = [part for part in np.split(present, starts)]
    at = tuple(float(np.median(part)) if len(part) else float("nan") for part in parts)
    return at, relate(codes.astype(np.int64), len(edges) + 1, target)


def text_column(name: str, column: pa.ChunkedArray, target: Target | None) -> Column:
    """Texts: the commonest levels."""
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    encoded = pc.dictionary_encode(column).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.string())
    texts = encoded.dictionary.to_pylist() if len(column) else []
    codes = np.asarray(
        pc.fill_null(encoded.indices, len(texts)).to_numpy(zero_copy_only=False), dtype=np.int64
    )
    counts = np.bincount(codes, minlength=len(texts) + 1)[: len(texts)]
    order = np.argsort(-counts, kind="stable")
    return _levels(name, "text", len(column), column.null_count, texts, codes, order, target)


def date_column(name: str, column: pa.ChunkedArray, target: Target | None) -> Column:
    """Dates: rows by month, or by year over a long time."""
    days = pc.cast(column, pa.date32(), safe=False)
    months = pc.add(pc.multiply(pc.year(days), 12), pc.subtract(pc.month(days), 1))
    values = doubles(months)
    present = values[~np.isnan(values)]
    if not len(present):
        return Column(name, "date", len(column), len(column), distinct=0)
    by_year = present.max() - present.min() >= MONTHS
    if by_year:
        values = np.floor(values / 12)
    known = np.unique(values[~np.isnan(values)])
    codes = np.where(np.isnan(values), len(known), np.searchsorted(known, values))
    texts = [f"{v:.0f}" if by_year else f"{v // 12:.0f}-{v % 12 + 1:02.0f}" for v in known]
    order = np.arange(len(known))
    return _levels(
        name, "date", len(column), column.null_count, texts, codes, order, target, most=len(known)
    )


def _levels(
    name: str,
    kind: ColumnKind,
    rows: int,
    missing: int,
    texts: list[str],
    codes: Codes,
    order: NDArray[np.int64],
    target: Target | None,
    most: int | None = None,
) -> Column:
    """Values one by one in `order`; those of fewer than five rows, and beyond `most`, merged."""
    counts = np.bincount(codes.astype(np.int64), minlength=len(texts) + 1)[: len(texts)]
    limit = most or (FEW if kind != "text" else LEVELS)
    kept = [place for place in order.tolist() if counts[place] >= MIN_ROWS][:limit]
    rest = len(texts) - len(kept)
    group = np.full(len(texts) + 1, len(kept), dtype=np.int64)
    group[kept] = np.arange(len(kept))
    group[len(texts)] = len(kept) + 1
    merged_rows = int(counts.sum() - counts[kept].sum()) if len(kept) else int(counts.sum())
    relation = None
    if target is not None:
        relation = relate(group[codes.astype(np.int64)], len(kept) + 1, target)
    return Column(
        name,
        kind,
        rows,
        missing,
        distinct=len(texts),
        labels=tuple(texts[place] for place in kept),
        counts=tuple(int(counts[place]) for place in kept),
        merged=rest,
        merged_rows=merged_rows,
        relation=relation,
    )


def _value_text(kind: ColumnKind, value: float) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
