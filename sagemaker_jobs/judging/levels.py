"""A column's values as groups of rows: by value, or by quartile range."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sagemaker_jobs.features.arrow import number_column
from sagemaker_jobs.reader.conversion import as_text

MISSING = "(missing)"
MAX_INTEGERS = 20
"""Whole numbers of more values than this are grouped by range."""

_EPOCH = np.datetime64("1970-01-01", "D")


@dataclass(frozen=True)
class Levels:
    """`codes` is a row's position in `names`."""

    codes: NDArray[np.int64]
    names: tuple[str, ...]


def by_value(column: pa.ChunkedArray) -> Levels:
    """One level a value, missing values as one of their own; names in alphabetical order."""
    text = pc.fill_null(as_text(column), MISSING).combine_chunks()
    encoded = pc.dictionary_encode(text)
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=lambda code: str(names[code]))
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    codes = place[encoded.indices.to_numpy()] if len(names) else np.empty(0, dtype=np.int64)
    return Levels(codes, tuple(str(names[code]) for code in order))


def grouped(column: pa.ChunkedArray, name: str) -> Levels:
    """Texts, booleans and few whole numbers by value, other numbers and dates by quartile range.

    A range holds its upper end; fewer than four remain where quartiles are equal.
    """
    kind = column.type
    if not (
        pa.types.is_floating(kind)
        or pa.types.is_date(kind)
        or (pa.types.is_integer(kind) and pc.count_distinct(column).as_py() > MAX_INTEGERS)
    ):
        return by_value(column)
    values = number_column(column, name)
    known = values[~np.isnan(values)]
    if not len(known):
        return by_value(column)
    # Quantiles that are values of the column, so that a date's ends are dates.
    edges = np.unique(np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0], method="inverted_cdf"))
    inner = edges[1:-1]
    codes = np.searchsorted(inner, values, side="left").astype(np.int64)
    show = _date if pa.types.is_date(kind) else _number
    ends = [show(edge) for edge in edges]
    names = [f"{low} to {high}" for low, high in zip(ends, ends[1:], strict=False)] or [ends[0]]
    codes = np.where(np.isnan(values), len(names), codes)
    return Levels(codes, (*names, MISSING) if len(known) < len(values) else tuple(names))


def _number(value: float) -> str:
    return f"{value:.4g}"


def _date(value: float) -> str:
    return str(_EPOCH + np.timedelta64(int(value), "D"))
