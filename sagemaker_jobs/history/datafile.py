"""The data files: one Parquet file a period and version, written and read a row group at a time."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from sagemaker_jobs.history.columns import LINE, PERIOD, conformed
from sagemaker_jobs.history.storage import local_copy, new_file

ROW_GROUP = 65_536
_MAX_BYTES = 128 << 20
"""A row group of very wide rows ends here, so that memory stays flat."""


@dataclass(frozen=True)
class DataFile:
    """A period's file: its name (without ending), rows, bytes, and path below the table."""

    period: str
    name: str
    rows: int
    size: int
    path: str

    @classmethod
    def at(cls, path: str, period: str, rows: int, size: int) -> "DataFile":
        """The file at `path`."""
        return cls(period, PurePosixPath(path).stem, rows, size, path)


def write_file(
    table: str, period: str, drop: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema
) -> DataFile | None:
    """Write rows of `schema` as a new file of the period; None, and no file, if there are none."""
    name = f"{drop or uuid.uuid4().hex}-{uuid.uuid4().hex[:8]}"
    path = f"{PERIOD}={period}/{name}.parquet"
    groups = _groups(batches)
    first = next(groups, None)
    if first is None:
        return None
    rows = 0
    with new_file(table, path) as file:
        # Numbers seldom repeat enough for a dictionary; to try takes time and memory.
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=texts) as writer:
            while first is not None:
                rows += first.num_rows
                writer.write_table(first, row_group_size=ROW_GROUP)
                first = next(groups, None)
        size = file.stat().st_size
    return DataFile.at(path, period, rows, size)


def scan_file(
    table: str,
    file: DataFile,
    columns: Sequence[str],
    schema: pa.Schema,
    copies: Path | None = None,
) -> Iterator[pa.RecordBatch]:
    """The file's rows, in its order, with `columns` as `schema` (the table's) has them."""
    wanted = pa.schema([schema.field(name) for name in columns])
    with local_copy(table, file.path, copies) as path, pq.ParquetFile(path) as parquet:
        present = set(parquet.schema_arrow.names)
        # Without a column a batch has no length.
        names = [name for name in columns if name in present] or [LINE]
        batches = parquet.iter_batches(ROW_GROUP, columns=names, use_threads=False)
        for batch in batches:
            yield conformed(batch, wanted, {PERIOD: file.period})


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows in tables of ROW_GROUP rows, the last one smaller."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        waiting.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows < ROW_GROUP and size < _MAX_BYTES:
            continue
        whole = rows - rows % ROW_GROUP or rows
        table = pa.Table.from_batches(waiting)
        yield table.slice(0, whole)
        rest = table.slice(whole)
        waiting = rest.to_batches() if rest.num_rows else []
        rows, size = rest.num_rows, rest.nbytes
    if rows:
        yield pa.Table.from_batches(waiting)
