"""Arrow tables as frames: the bulk road into the same kernels."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropforge.errors import ContractBroken
from sagemaker_jobs.features.frame import Floats, Frame, Input, level_table


def frame_from_arrow(table: pa.Table | pa.RecordBatch, inputs: Sequence[Input]) -> Frame:
    """A frame of typed Arrow columns.

    Raises:
        ContractBroken: a column is absent, or not of its kind.
    """
    if missing := [c.name for c in inputs if c.name not in table.schema.names]:
        raise ContractBroken(f"The rows lack the model's columns {', '.join(missing)}.")
    numeric = [c for c in inputs if not c.is_category]
    categories = [c for c in inputs if c.is_category]
    # Column by column into Fortran order: the kernels work on columns.
    numbers = np.empty((table.num_rows, len(numeric)), order="F")
    for place, column in enumerate(numeric):
        numbers[:, place] = number_column(table.column(column.name), column.name)
    codes = np.empty((table.num_rows, len(categories)), order="F")
    for place, column in enumerate(categories):
        codes[:, place] = code_column(table.column(column.name), column)
    return Frame(numbers, codes)


def number_column(column: pa.ChunkedArray | pa.Array, name: str) -> Floats:
    """A numeric, boolean or date column as doubles, NaN where null."""
    kind = column.type
    if pa.types.is_date32(kind):
        column = pc.cast(column, pa.int32())
    elif pa.types.is_boolean(kind):
        column = pc.cast(column, pa.uint8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
        raise ContractBroken(f"Column {name} holds {kind}, but the model reads it as a number.")
    doubles = pc.cast(column, pa.float64(), safe=False)
    if doubles.null_count:
        doubles = pc.fill_null(doubles, np.nan)
    return np.asarray(doubles.to_numpy(), dtype=np.float64)


def code_column(column: pa.ChunkedArray | pa.Array, known: Input) -> Floats:
    """A text column as level codes: NaN where null or empty, the code after the last if unseen."""
    if not (
        pa.types.is_string(column.type)
        or pa.types.is_large_string(column.type)
        or pa.types.is_dictionary(column.type)
        or pa.types.is_null(column.type)
    ):
        raise ContractBroken(
            f"Column {known.name} holds {column.type}, but the model reads it as text."
        )
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    chunks = encoded.chunks if isinstance(encoded, pa.ChunkedArray) else [encoded]
    table, unseen = level_table(known.levels), float(len(known.levels))
    parts = []
    for chunk in chunks:
        codes = [table.get(v, unseen) if v else np.nan for v in chunk.dictionary.to_pylist()]
        lookup = np.array([*codes, np.nan])
        indices = pc.fill_null(chunk.indices, len(codes)).to_numpy(zero_copy_only=False)
        parts.append(lookup[indices])
    return np.concatenate(parts) if parts else np.empty(0)
