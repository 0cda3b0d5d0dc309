"""Snapshot files: whole, a column at a time, or a row group at a time."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def read_table(path: Path) -> pa.Table:
    """One split of a snapshot."""
    return pq.ParquetFile(path).read()


def row_groups(path: Path) -> Iterator[pa.Table]:
    """A file's rows as they were written, about 65,000 at a time."""
    file = pq.ParquetFile(path)
    for number in range(file.num_row_groups):
        yield file.read_row_group(number)


class ColumnFile:
    """What fitting features asks of a table, with one column at a time in memory."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self.schema: pa.Schema = self._file.schema_arrow
        self.num_rows: int = self._file.metadata.num_rows

    def column(self, name: str) -> pa.ChunkedArray:
        """One column, whole."""
        return self._file.read(columns=[name]).column(name)
