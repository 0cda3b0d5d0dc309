"""Text, and what Parquet has typed, to the kinds of the contract. Vectorised; equal to `values`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sagemaker_jobs.values import FROM_TEXT, MISSING_WORDS, Decimal, Kind, point_for_comma

EXACT = 2**53
"""Doubles tell whole numbers apart below this; a column that reaches it is text."""

ARROW: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}
"""How the lake stores each kind."""

_WORDS = pa.array(sorted(MISSING_WORDS))
_NO_FAULTS: NDArray[np.int64] = np.empty(0, dtype=np.int64)


@dataclass
class Typed:
    """Typed columns, and for each column the row indices whose value is not of its kind."""

    table: pa.Table
    faults: dict[str, NDArray[np.int64]] = field(default_factory=dict)


def convert(
    rows: pa.RecordBatch | pa.Table, kinds: Mapping[str, Kind], decimal: Decimal = "."
) -> Typed:
    """Convert the columns that `kinds` names, in its order. Faulty values become null.

    `decimal` is the source's: how its texts write numbers.
    """
    columns, faults = {}, {}
    for name, kind in kinds.items():
        columns[name], wrong = convert_column(rows.column(name), kind, decimal)
        if len(wrong):
            faults[name] = wrong
    return Typed(pa.table(columns), faults)


def convert_column(
    column: pa.Array | pa.ChunkedArray, kind: Kind, decimal: Decimal = "."
) -> tuple[pa.Array, NDArray[np.int64]]:
    """One column of a kind, and the rows that are not."""
    column = plain_array(column)
    if kind == "string":
        return as_text(column), _NO_FAULTS
    stored = column.type
    if kind in ("number", "integer") and _is_numeric(stored):
        return _checked_numbers(column, kind)
    if kind == "date" and pa.types.is_timestamp(stored):
        return pc.cast(column, pa.date32(), safe=False), _NO_FAULTS
    if stored == ARROW[kind]:
        return column, _NO_FAULTS
    text = as_text(column)
    plain = decimal if pa.types.is_string(stored) else "."  # texts made here have points
    values = parse_plain(text, kind, plain)
    return (values, _NO_FAULTS) if values is not None else _parse_distinct(text, kind, plain)


def plain_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array, dictionaries and large or view texts as plain ones."""
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = pc.cast(column, pa.string())
    return column


def as_text(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """A column as a CSV file would hold it: 1.0 is `1`, true is `true`, the empty text is null."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = pc.cast(column, kind.value_type)
        kind = column.type
    if pa.types.is_floating(kind):
        return _floats_as_text(column)
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
    text = column if pa.types.is_string(kind) else pc.cast(column, pa.string())
    empty = pc.equal(text, "")
    if not pc.any(empty, min_count=0).as_py():
        return text
    return pc.if_else(empty, pa.scalar(None, pa.string()), text)


def parse_plain(text: pa.Array, kind: Kind, decimal: Decimal = ".") -> pa.Array | None:
    """Arrow's parser over a column of text, where it means the same and finds nothing wrong."""
    if kind not in ("number", "integer"):
        return None
    if decimal == ",":
        if pc.any(pc.match_substring(text, "."), min_count=0).as_py():
            return None  # thousands: by the slow path
        text = pc.replace_substring(text, ",", ".")
    values = _cast(text)
    if values is None:
        values = _cast(pc.utf8_trim_whitespace(text))
    if values is None or not all_finite(values):
        return None
    return values if kind == "number" else whole_numbers(values)


def all_finite(doubles: pa.Array) -> bool:
    """Whether no value is NaN or infinite; a finite sum proves it in one pass."""
    total = pc.sum(doubles).as_py()
    if total is None or math.isfinite(total):
        return True
    return bool(pc.all(pc.is_finite(doubles), min_count=0).as_py())


def whole_numbers(doubles: pa.Array) -> pa.Array | None:
    """Doubles as integers if they are, exactly."""
    try:
        whole = pc.cast(doubles, pa.int64())
    except pa.ArrowInvalid:
        return None
    return None if beyond_exact(whole) else whole


def beyond_exact(column: pa.Array) -> bool:
    """Whether a value reaches the size at which doubles no longer tell whole numbers apart."""
    bounds = pc.min_max(column).as_py()
    return any(v is not None and abs(v) >= EXACT for v in bounds.values())


def int64_array(values: NDArray[np.int64]) -> pa.Array:
    """Whole numbers as an Arrow array over the same memory.

    `pa.array` of a NumPy array would import numpy.ma first, which costs a job 12 ms.
    """
    buffer = pa.py_buffer(np.ascontiguousarray(values, dtype=np.int64))
    return pa.Array.from_buffers(pa.int64(), len(values), [None, buffer])


def without_words(text: pa.Array) -> pa.Array:
    """A column of text with null for the words that stand for a missing number."""
    missing = pc.is_in(text, value_set=_WORDS)
    if not pc.any(missing, min_count=0).as_py():
        return text
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def _cast(text: pa.Array) -> pa.Array | None:
    try:
        return pc.cast(without_words(text), pa.float64())
    except pa.ArrowInvalid:
        return None


def _is_numeric(stored: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(stored) or pa.types.is_floating(stored) or pa.types.is_decimal(stored)
    )


def _checked_numbers(column: pa.Array, kind: Kind) -> tuple[pa.Array, NDArray[np.int64]]:
    """Stored numbers: NaN is missing; infinities and what is not whole are faults."""
    if kind == "integer" and pa.types.is_int64(column.type) and not beyond_exact(column):
        return column, _NO_FAULTS
    values = pc.cast(column, pa.float64(), safe=False)
    if kind == "number" and all_finite(values):
        return values, _NO_FAULTS
    doubles = np.asarray(pc.fill_null(values, np.nan).to_numpy(zero_copy_only=False))
    wrong = np.isinf(doubles)
    if kind == "integer":
        present = np.isfinite(doubles)
        wrong |= present & ((np.abs(doubles) >= EXACT) | (np.floor(doubles) != doubles))
    return _store(np.where(wrong, np.nan, doubles), kind), np.flatnonzero(wrong)


def _parse_distinct(
    text: pa.Array, kind: Kind, decimal: Decimal
) -> tuple[pa.Array, NDArray[np.int64]]:
    """Parse each distinct text once, by the very function that the server uses."""
    encoded = pc.dictionary_encode(text)
    parsed, wrong = [], []
    for value in encoded.dictionary.to_pylist():
        try:
            number = _parse(value, kind, decimal)
        except ValueError:
            number = np.nan
            wrong.append(True)
        else:
            wrong.append(False)
        parsed.append(number)
    lookup = np.array([*parsed, np.nan])
    indices = pc.fill_null(encoded.indices, len(parsed)).to_numpy(zero_copy_only=False)
    return _store(lookup[indices], kind), np.flatnonzero(np.array([*wrong, False])[indices])


def _parse(text: str, kind: Kind, decimal: Decimal) -> float:
    if decimal == "," and kind in ("number", "integer"):
        text = point_for_comma(text)
    number = FROM_TEXT[kind](text)
    if kind == "integer" and abs(number) >= EXACT:
        raise ValueError("not exact")
    return number


def _store(values: NDArray[np.float64], kind: Kind) -> pa.Array:
    doubles = pa.array(values, mask=np.isnan(values))
    if kind == "number":
        return doubles
    whole = pc.cast(doubles, pa.int32() if kind == "date" else pa.int64())
    return pc.cast(whole, ARROW[kind])


def _floats_as_text(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    doubles = pc.cast(column, pa.float64()).to_pylist()
    texts = pa.array(
        [None if v is None or v != v else _float_text(v) for v in doubles], pa.string()
    )
    return pa.chunked_array([texts]) if isinstance(column, pa.ChunkedArray) else texts


def _float_text(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) <= EXACT else repr(value)
