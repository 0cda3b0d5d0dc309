"""A project's history: one Delta table, a partition a period, replaced whole or not at all.

Delta keeps the log (log.py); the data files are ours (datafile.py): one a period and version.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dropforge.period import Period
from sagemaker_jobs.history.columns import DROP as DROP
from sagemaker_jobs.history.columns import INTERNAL as INTERNAL
from sagemaker_jobs.history.columns import LINE as LINE
from sagemaker_jobs.history.columns import PERIOD as PERIOD
from sagemaker_jobs.history.columns import conformed, from_delta, stored
from sagemaker_jobs.history.datafile import DataFile, scan_file, write_file
from sagemaker_jobs.history.evolution import Evolution, evolve
from sagemaker_jobs.history.log import Change as Change
from sagemaker_jobs.history.log import commit_columns, commit_files, create_table, open_table

Rows: TypeAlias = "pa.Table | Iterable[pa.RecordBatch]"


class History:
    """The table at `uri` (S3 or a local path). Every change is one atomic commit.

    It is read as it was when opened (or at an older `version`) until this object changes it.
    `copies` is a folder in which data files read from S3 stay, so that each is fetched once.
    """

    copies: Path | None = None

    def __init__(self, uri: str, version: int | None = None) -> None:
        self.uri = uri
        self._old = version is not None
        self._table = open_table(uri, version)

    @property
    def version(self) -> int | None:
        """The table's version; None before the first commit."""
        return self._table.version() if self._table is not None else None

    @property
    def schema(self) -> pa.Schema | None:
        """The file columns' schema, without ours; None before the first commit."""
        if self._table is None:
            return None
        return pa.schema([f for f in self._stored if f.name not in INTERNAL])

    def periods(self) -> list[str]:
        """Every period that has rows."""
        return sorted(self._files)

    def in_order(self, periods: Iterable[str] | None = None) -> list[str]:
        """Periods (all by default) in time's order, the order in which they are read."""
        wanted = self._files if periods is None else set(periods)
        return sorted(sorted(wanted), key=Period.from_canonical)

    def file(self, period: str) -> DataFile | None:
        """The file that holds a period's rows; None if it has none."""
        return self._files.get(period)

    def scan(
        self, columns: Sequence[str], periods: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Rows of some periods (all by default), periods in time's order, a row group at a time.

        A column that a period's file or the table does not have is null.
        """
        schema = self._with(columns)
        for period in self.in_order(periods):
            if period in self._files:
                file = self._files[period]
                yield from scan_file(self.uri, file, columns, schema, self.copies)

    def read(self, columns: Sequence[str], periods: Sequence[str] | None = None) -> pa.Table:
        """The rows that `scan` streams, whole."""
        schema = self._with(columns)
        wanted = pa.schema([schema.field(name) for name in columns])
        return pa.Table.from_batches(list(self.scan(columns, periods)), wanted)

    def replace(
        self,
        period: str,
        rows: Rows,
        drop: str,
        *,
        only_drop: bool = False,
        schema: pa.Schema | None = None,
        change: Change | None = None,
    ) -> int:
        """Make `rows` the period's only rows (or the drop's own part of it); answers the version.

        They are written as they come. `schema` is theirs; default: the first batch's. Columns that
        the history lacks are added to it in the same commit. A repetition after a crash writes the
        same rows over themselves.

        Raises:
            SchemaChange: a column's type is not the history's.
            HistoryConflict: another writer changed the same period since this table was opened.
        """
        batches, given = _streamed(rows, schema)
        self._begin(given)
        evolution = evolve(self.schema, given)
        if evolution.widened:
            self.evolve(evolution)
        full = stored(evolution.schema)
        columns = _without_period(full)
        new: Iterable[pa.RecordBatch] = (conformed(b, columns, {DROP: drop}) for b in batches)
        if only_drop and period in self._files:
            new = itertools.chain(self._others(period, drop, columns), new)
        file = write_file(self.uri, period, drop, new, columns)
        why = Change(drop=drop).metadata() | (change.metadata() if change else {})
        why |= {"dropforge.period": period, "dropforge.rows": str(file.rows if file else 0)}
        commit_files(self._current, [period], [file], full, why)
        return self.reload()

    def evolve(self, evolution: Evolution) -> int:
        """Give the table the evolution's schema; answers the version.

        Added columns change the log only; a widened one rewrites every period, in one commit.

        Raises:
            HistoryConflict: another writer changed the table since it was opened.
        """
        self._begin(evolution.schema)
        full = stored(evolution.schema)
        why = {"dropforge.kind": "schema"}
        if not evolution.widened:
            if evolution.added:
                added = pa.schema([full.field(name) for name in evolution.added])
                commit_columns(self._current, added, why)
            return self.reload()
        columns, files = _without_period(full), []
        for period, file in self._files.items():
            batches = scan_file(self.uri, file, columns.names, full)
            drop = file.name.rpartition("-")[0]
            files.append(write_file(self.uri, period, drop, batches, columns))
        commit_files(self._current, list(self._files), files, full, why)
        return self.reload()

    def _others(self, period: str, drop: str, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in scan_file(self.uri, self._files[period], columns.names, columns):
            yield batch.filter(pc.not_equal(batch.column(DROP), drop))

    def _begin(self, columns: pa.Schema) -> None:
        """Make sure that there is a table to write to."""
        if self._old:
            raise ValueError(f"{self.uri} was opened at an old version, to be read")
        if self._table is None:
            create_table(self.uri, columns)
            self.reload()

    def reload(self) -> int:
        """See what others committed since; answers the version."""
        if self._table is None:
            self._table = open_table(self.uri)
        else:
            self._table.update_incremental()
        for name in ("_files", "_stored"):
            self.__dict__.pop(name, None)
        return self._current.version()

    @property
    def _current(self) -> DeltaTable:
        assert self._table is not None
        return self._table

    @cached_property
    def _stored(self) -> pa.Schema:
        return from_delta(self._current.schema())

    @cached_property
    def _files(self) -> dict[str, DataFile]:
        if self._table is None:
            return {}
        adds = pa.table(self._table.get_add_actions(flatten=True))
        names = ("path", f"partition.{PERIOD}", "num_records", "size_bytes")
        rows = zip(*(adds.column(name).to_pylist() for name in names), strict=True)
        return {period: DataFile.at(path, period, n, size) for path, period, n, size in rows}

    def _with(self, columns: Sequence[str]) -> pa.Schema:
        """The table's schema, with columns that it does not have as text."""
        known = self._stored if self._table is not None else stored([])
        return pa.schema(
            [*known, *(pa.field(n, pa.string()) for n in columns if n not in known.names)]
        )


class Predictions(History):
    """The table of everything scored in batch: a drop's rows are replaced when scored again."""


def _streamed(rows: Rows, schema: pa.Schema | None) -> tuple[Iterable[pa.RecordBatch], pa.Schema]:
    """The rows as batches, and their schema."""
    if isinstance(rows, pa.Table):
        return rows.to_batches(), schema or rows.schema
    if schema is not None:
        return rows, schema
    batches: Iterator[pa.RecordBatch] = iter(rows)
    first = next(batches, None)
    if first is None:
        return [], pa.schema([])
    return itertools.chain([first], batches), first.schema


def _without_period(schema: pa.Schema) -> pa.Schema:
    """The columns of a file: its period is its folder."""
    return pa.schema([field for field in schema if field.name != PERIOD])
