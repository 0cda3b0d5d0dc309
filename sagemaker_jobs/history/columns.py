"""The history's columns: ours beside the file's, and batches brought into a schema."""

from collections.abc import Iterable

import pyarrow as pa
from deltalake import Schema

PERIOD, DROP, LINE = "_period", "_drop", "_line"
INTERNAL: dict[str, pa.DataType] = {PERIOD: pa.string(), DROP: pa.string(), LINE: pa.int64()}
"""Columns that we add: the canonical period, the drop's id, the line in its file."""


def stored(fields: Iterable[pa.Field]) -> pa.Schema:
    """The schema as Delta keeps it: its own few types, every column nullable, ours last."""
    plain = [pa.field(f.name, _plain(f.type)) for f in fields if f.name not in INTERNAL]
    ours = [pa.field(name, kind) for name, kind in INTERNAL.items()]
    return from_delta(Schema.from_arrow(pa.schema([*plain, *ours])))


def from_delta(schema: Schema) -> pa.Schema:
    """Delta's schema in pyarrow's words."""
    arrow = pa.schema(schema.to_arrow())
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in arrow])


def conformed(
    batch: pa.RecordBatch, schema: pa.Schema, constants: dict[str, str | None]
) -> pa.RecordBatch:
    """The batch with exactly the schema's columns.

    A column that it lacks is one of the `constants`, or null.
    """
    columns = []
    for field in schema:
        place = batch.schema.get_field_index(field.name)
        if place >= 0:
            column = _cast(batch.column(place), field.type)
        elif constants.get(field.name) is not None:
            column = pa.repeat(pa.scalar(constants[field.name], field.type), batch.num_rows)
        else:
            column = pa.nulls(batch.num_rows, field.type)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    # Above 2^53 an integer becomes its nearest double: the only lossy cast there is here.
    return column.cast(kind, safe=not pa.types.is_floating(kind))


def _plain(kind: pa.DataType) -> pa.DataType:
    """Delta hands out view and large types; the jobs work with the plain ones."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    textual = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return pa.string() if textual or pa.types.is_null(kind) else kind
