"""Text to types: by the contract, else by the history, and by inference for the first file only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sagemaker_jobs.values import FROM_TEXT, MISSING_WORDS, Kind

EXACT = 2**53
"""Doubles tell whole numbers apart up to here; a column that reaches it is text."""

FEW = 0.05
"""Up to this share of values may be slips in a column that is otherwise numbers."""

ARROW: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}
"""How the lake stores each kind."""

_WORDS = pa.array(sorted(MISSING_WORDS))


@dataclass
class Typed:
    """Typed columns, and for each column the row indices whose value is not of its kind."""

    table: pa.Table
    faults: dict[str, NDArray[np.int64]] = field(default_factory=dict)


def convert(table: pa.Table, kinds: Mapping[str, Kind]) -> Typed:
    """Convert the columns that `kinds` names, in its order. Faulty values become null."""
    columns, faults = {}, {}
    for name, kind in kinds.items():
        columns[name], wrong = _convert_column(table.column(name), kind)
        if len(wrong):
            faults[name] = wrong
    return Typed(pa.table(columns), faults)


def infer_kinds(table: pa.Table) -> dict[str, Kind]:
    """The kind of each column of a project's first file."""
    return {name: _infer(table.column(name)) for name in table.schema.names}


def mostly_numbers(table: pa.Table, kinds: Mapping[str, Kind]) -> dict[str, NDArray[np.int64]]:
    """Text columns in which few values are no numbers, with the rows of those."""
    found = {}
    for name, kind in kinds.items():
        column = table.column(name)
        if kind == "string" and pa.types.is_string(column.type):
            _, wrong = _convert_column(column, "number")
            if 0 < len(wrong) <= FEW * (len(column) - column.null_count):
                found[name] = wrong
    return found


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as a CSV file would hold it: 1.0 is `1`, true is `true`, the empty text is null."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = pc.cast(column, kind.value_type)
        kind = column.type
    if pa.types.is_floating(kind):
        doubles = pc.cast(column, pa.float64())
        values = [None if v is None or v != v else _float_text(v) for v in doubles.to_pylist()]
        return pa.chunked_array([pa.array(values, pa.string())])
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
    text = pc.cast(column, pa.string())
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _float_text(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) <= EXACT else repr(value)


def _convert_column(
    column: pa.ChunkedArray, kind: Kind
) -> tuple[pa.ChunkedArray, NDArray[np.int64]]:
    none = np.empty(0, dtype=np.int64)
    if kind == "string":
        return as_text(column), none
    if column.type == ARROW[kind] and kind != "number":
        return column, none
    if kind == "number" and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return _finite(pc.cast(column, pa.float64(), safe=False))
    if kind == "date" and pa.types.is_timestamp(column.type):
        return pc.cast(column, pa.date32(), safe=False), none
    text = as_text(column)
    fast = _cast(text, kind)
    return (fast, none) if fast is not None else _parse_distinct(text, kind)


def _cast(text: pa.ChunkedArray, kind: Kind) -> pa.ChunkedArray | None:
    """Arrow's own parser, where it means the same as ours and finds nothing wrong."""
    if kind not in ("number", "integer"):
        return None
    try:
        values = pc.cast(_without_words(text), ARROW[kind])
    except pa.ArrowInvalid:
        return None
    if kind == "number" and not pc.all(pc.is_finite(values), min_count=0).as_py():
        return None
    return values


def _without_words(text: pa.ChunkedArray) -> pa.ChunkedArray:
    missing = pc.is_in(text, value_set=_WORDS)
    if not pc.any(missing, min_count=0).as_py():
        return text
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def _finite(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, NDArray[np.int64]]:
    """NaN is missing; an infinity is a fault."""
    doubles = np.asarray(pc.fill_null(values, np.nan).to_numpy(), dtype=np.float64)
    return (
        pa.chunked_array([pa.array(doubles, mask=~np.isfinite(doubles))]),
        np.flatnonzero(np.isinf(doubles)),
    )


def _parse_distinct(text: pa.ChunkedArray, kind: Kind) -> tuple[pa.ChunkedArray, NDArray[np.int64]]:
    """Parse each distinct text once, by the very function that the server uses."""
    encoded = pc.dictionary_encode(text.combine_chunks())
    parsed, wrong = [], []
    for value in encoded.dictionary.to_pylist():
        try:
            number = FROM_TEXT[kind](value)
            if kind == "integer" and abs(number) >= EXACT:
                raise ValueError("not exact")
            parsed.append(number)
            wrong.append(False)
        except ValueError:
            parsed.append(np.nan)
            wrong.append(True)
    lookup = np.array([*parsed, np.nan])
    indices = pc.fill_null(encoded.indices, len(parsed)).to_numpy(zero_copy_only=False)
    values = lookup[indices]
    faults = np.flatnonzero(np.array([*wrong, False])[indices])
    return pa.chunked_array([_store(values, kind)]), faults


def _store(values: NDArray[np.float64], kind: Kind) -> pa.Array:
    missing = np.isnan(values)
    doubles = pa.array(values, mask=missing)
    if kind == "number":
        return doubles
    whole = pc.cast(doubles, pa.int32() if kind == "date" else pa.int64())
    return pc.cast(whole, ARROW[kind])


def _infer(column: pa.ChunkedArray) -> Kind:
    kind = column.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_integer(kind):
        return "string" if _beyond_exact(column) else "number"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return "string"
    return "number" if _looks_numeric(column) else "string"


def _looks_numeric(text: pa.ChunkedArray) -> bool:
    present = _without_words(text).drop_null()
    if not len(present):
        return False
    if pc.any(pc.match_substring_regex(present, r"^\s*[+-]?0\d")).as_py():
        return False  # leading zeros: a code, not a number
    values, faults = _convert_column(present, "number")
    if len(faults):
        return False
    return not bool(
        pc.any(pc.greater_equal(pc.abs(values), float(EXACT)), min_count=0).as_py()
        and pc.any(pc.match_substring_regex(present, r"^\s*[+-]?\d{16,}\s*$")).as_py()
    )


def _beyond_exact(column: pa.ChunkedArray) -> bool:
    bounds = pc.min_max(column).as_py()
    return any(v is not None and abs(v) >= EXACT for v in bounds.values())
