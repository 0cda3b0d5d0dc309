"""Parquet: batches of rows as they are stored. It has no lines: rows are counted from 1."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sagemaker_jobs.reader.problems import Offences, refuse
from sagemaker_jobs.reader.source import Block, tidy_names
from sagemaker_jobs.reader.spool import Spooled
from sagemaker_jobs.values import Decimal, Kind

BLOCK_BYTES = 4 * 1024 * 1024
MAX_ROWS = 65_536


class ParquetSource:
    """A Parquet file of plain columns. Texts stored as bytes are read as UTF-8."""

    def __init__(self, spooled: Spooled) -> None:
        self.notes: list[str] = []
        self.rejected = Offences()
        self.decimal: Decimal = "."
        self._path = spooled.path
        try:
            # ParquetFile, not a data set: the folder's name is no partition of ours.
            with pq.ParquetFile(self._path) as file:
                schema, metadata = file.schema_arrow, file.metadata
        except (pa.ArrowException, OSError) as error:
            raise _damaged() from error
        self._stored = list(schema.names)
        self.names = tidy_names(self._stored, self.notes)
        for name, column in zip(self.names, schema, strict=True):
            _check_type(name, column.type)
        if not metadata.num_rows:
            raise refuse("empty", "The file has columns but no rows.")
        size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        self._batch = min(MAX_ROWS, max(1, BLOCK_BYTES * metadata.num_rows // max(size, 1)))

    def blocks(
        self, kinds: Mapping[str, Kind] | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """See `Source.blocks`; the columns as stored, whatever the kinds."""
        wanted = list(self.names if columns is None else columns)
        stored = [self._stored[self.names.index(name)] for name in wanted]
        first = 1
        try:
            with pq.ParquetFile(self._path) as file:
                for batch in file.iter_batches(self._batch, columns=stored):
                    arrays = [
                        _decoded(batch.column(old), new)
                        for old, new in zip(stored, wanted, strict=True)
                    ]
                    rows = pa.record_batch(arrays, names=wanted)
                    lines = np.arange(first, first + rows.num_rows, dtype=np.int64)
                    first += rows.num_rows
                    yield Block(rows, lines)
        except (pa.ArrowException, OSError) as error:
            raise _damaged() from error


def _damaged() -> Exception:
    return refuse("unreadable", "The file is not Parquet, or damaged. Write it again.")


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _check_type(name: str, kind: pa.DataType) -> None:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_nested(kind):
        raise refuse(
            "nested_value",
            f"Column {name} holds lists or objects where single values are expected.",
            column=name,
        )
    try:
        pc.cast(pa.array([], kind), pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise refuse(
            "unreadable",
            f"Column {name} is stored as {kind}, which is not read. Store it as text or numbers.",
            column=name,
        ) from error


def _decoded(column: pa.Array, name: str) -> pa.Array:
    if not _is_bytes(column.type):
        return column
    try:
        return pc.cast(column, pa.string())
    except pa.ArrowInvalid as error:
        raise refuse(
            "undecodable", f"Column {name} holds bytes that are no UTF-8 text.", column=name
        ) from error
