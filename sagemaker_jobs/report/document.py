"""A table's columns as counts and quantiles: what the data chapter shows."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sagemaker_jobs.report.relation import Floats, Relation, Target

ColumnKind = Literal["number", "boolean", "text", "date", "personal", "other"]


@dataclass(frozen=True)
class Column:
    """One column. `labels` name the `counts`, or `edges` bound them; `at` is where the relation's
    bins lie on the same axis. `merged` values of fewer than five rows, or beyond the eighth, have
    `merged_rows` rows."""

    name: str
    kind: ColumnKind
    rows: int
    missing: int
    distinct: int | None = None
    mean: float | None = None
    quantiles: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    at: tuple[float, ...] = ()
    merged: int = 0
    merged_rows: int = 0
    relation: Relation | None = None


@dataclass(frozen=True)
class DataDocument:
    """A table's columns in its own order, and the target they are related to."""

    rows: int
    columns: list[Column]
    target: Target | None = None
    outcome: Column | None = None
    notes: list[str] = field(default_factory=list)


def kind_of(type_: pa.DataType) -> ColumnKind:
    """What a column of an Arrow type is shown as."""
    if pa.types.is_dictionary(type_):
        return kind_of(type_.value_type)
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "text"
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        return "date"
    return "other"


def doubles(column: pa.ChunkedArray) -> Floats:
    """A column of numbers as doubles, NaN where missing or infinite."""
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.uint8())
    values = pc.cast(column, pa.float64(), safe=False)
    filled = np.asarray(pc.fill_null(values, np.nan).to_numpy(), dtype=np.float64)
    infinite = np.isinf(filled)
    return np.where(infinite, np.nan, filled) if infinite.any() else filled
