"""Arrow tables as frames: the bulk road into the same kernels."""

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropforge.errors import ContractBroken
from sagemaker_jobs.features.aggregates import KeyTable
from sagemaker_jobs.features.frame import Floats, Frame, Input, Texts, level_table
from sagemaker_jobs.features.pipeline import FittedFeatures

Rows: TypeAlias = "pa.Table | pa.RecordBatch"
Column: TypeAlias = "pa.ChunkedArray | pa.Array"


def frame_from_arrow(table: Rows, features: FittedFeatures) -> Frame:
    """A frame of typed Arrow columns.

    Aggregates are columns of the rows (as of their period), or else the artifact's, by key.

    Raises:
        ContractBroken: a column is absent, or not of its kind.
        ArtifactBroken: aggregates are neither columns nor to be read from the artifact.
    """
    inputs = features.inputs
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
    if not features.aggregates and not features.raw_texts:
        return Frame(numbers, codes)
    texts = np.empty((table.num_rows, len(features.raw_texts)), dtype=object, order="F")
    for place, name in enumerate(features.raw_texts):
        texts[:, place] = text_column(table.column(name))
    return Frame(numbers, codes, _aggregates(table, features), texts)


def number_column(column: Column, name: str) -> Floats:
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


def code_column(column: Column, known: Input) -> Floats:
    """A text column as level codes: NaN where null or empty, the code after the last if unseen."""
    kind = column.type
    if not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_dictionary(kind)
        or pa.types.is_null(kind)
    ):
        raise ContractBroken(f"Column {known.name} holds {kind}, but the model reads it as text.")
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    table, unseen = level_table(known.levels), float(len(known.levels))
    parts = []
    for chunk in _encoded(column):
        codes = [table.get(v, unseen) if v else np.nan for v in chunk.dictionary.to_pylist()]
        parts.append(np.array([*codes, np.nan])[_indices(chunk)])
    return np.concatenate(parts) if parts else np.empty(0)


def text_column(column: Column) -> Texts:
    """A text column as str, None where null or empty."""
    texts = [value or None for value in column.to_pylist()]
    made = np.empty(len(texts), dtype=object)
    made[:] = texts
    return made


def _aggregates(table: Rows, features: FittedFeatures) -> Floats:
    names = [item.name for item in features.aggregates]
    block = np.empty((table.num_rows, len(names)), order="F")
    present = [name in table.schema.names for name in names]
    for place, name in enumerate(names):
        if present[place]:
            block[:, place] = number_column(table.column(name), name)
    if all(present):
        return block
    kinds = {column.name: column for column in features.inputs}
    for keys in features.key_tables():
        found = _found(table.column(keys.by), kinds[keys.by], keys)
        for column, place in enumerate(keys.places):
            if not present[place]:
                block[:, place] = found[:, column]
    return block


def _found(column: Column, known: Input, keys: KeyTable) -> Floats:
    """The aggregates of a key column's rows, each distinct key looked up once."""
    if pa.types.is_null(column.type):
        return keys.find([None] * len(column))
    if not known.is_category:
        column = pa.array(number_column(column, known.name))
    parts = []
    for chunk in _encoded(column):
        found = keys.find([*(value or None if known.is_category else value
                             for value in chunk.dictionary.to_pylist()), None])  # fmt: skip
        parts.append(found[_indices(chunk)])
    return np.concatenate(parts) if parts else np.empty((0, len(keys.places)))


def _encoded(column: Column) -> list[pa.DictionaryArray]:
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    return encoded.chunks if isinstance(encoded, pa.ChunkedArray) else [encoded]


def _indices(chunk: pa.DictionaryArray) -> Any:
    """Each row's place in the chunk's dictionary, the place after the last where null."""
    return pc.fill_null(chunk.indices, len(chunk.dictionary)).to_numpy(zero_copy_only=False)
