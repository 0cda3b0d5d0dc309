"""A project's history: one Delta table, a partition a period, replaced whole or not at all."""

from collections.abc import Sequence

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, WriterProperties, write_deltalake

from sagemaker_jobs.history.storage import storage_options

PERIOD, DROP, LINE = "_period", "_drop", "_line"
INTERNAL: dict[str, pa.DataType] = {PERIOD: pa.string(), DROP: pa.string(), LINE: pa.int64()}
"""Columns that we add: the canonical period, the drop's id, the line in its file."""

_WRITER = WriterProperties(compression="ZSTD")


class History:
    """The table at `uri` (S3 or a local path). Every change is one atomic commit."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._options = storage_options(uri)
        self._table = (
            DeltaTable(uri, storage_options=self._options)
            if DeltaTable.is_deltatable(uri, storage_options=self._options)
            else None
        )

    @property
    def version(self) -> int | None:
        """The table's version; None before the first commit."""
        return self._table.version() if self._table is not None else None

    @property
    def schema(self) -> pa.Schema | None:
        """The file columns' schema, without ours; None before the first commit."""
        if self._table is None:
            return None
        schema = pa.schema(self._table.schema().to_arrow())
        return pa.schema([_plain(field) for field in schema if field.name not in INTERNAL])

    def periods(self) -> list[str]:
        """Every period that has rows."""
        if self._table is None:
            return []
        return sorted({str(partition[PERIOD]) for partition in self._table.partitions()})

    def read(self, columns: Sequence[str], periods: Sequence[str] | None = None) -> pa.Table:
        """Rows of some periods (all by default), in no particular order."""
        if self._table is None:
            return pa.table(
                {name: pa.array([], INTERNAL.get(name, pa.string())) for name in columns}
            )
        # deltalake's own reader: its Arrow dataset calls back into Python from Arrow's threads,
        # which now and then aborts the interpreter at its end.
        wanted = self.periods() if periods is None else list(periods)
        listed = ", ".join(_literal(period) for period in wanted)
        query = f"SELECT {', '.join(_name(column) for column in columns)} FROM history " + (
            f"WHERE {PERIOD} IN ({listed})" if wanted else "LIMIT 0"
        )
        reader = QueryBuilder().register("history", self._table).execute(query)
        return _plain_table(pa.table(reader))

    def replace(self, period: str, rows: pa.Table, drop: str, *, only_drop: bool = False) -> int:
        """Make `rows` the period's only rows (or the drop's own part of it); answers the version.

        A repetition after a crash writes the same rows over themselves.
        """
        predicate = f"{PERIOD} = {_literal(period)}"
        if only_drop:
            predicate += f" AND {DROP} = {_literal(drop)}"
        return self._write(rows, predicate, {"dropforge.period": period, "dropforge.drop": drop})

    def _write(self, rows: pa.Table, predicate: str, metadata: dict[str, str]) -> int:
        rows = rows.select([*(n for n in rows.schema.names if n not in INTERNAL), *INTERNAL])
        first = self._table is None
        write_deltalake(
            self.uri if self._table is None else self._table,
            rows,
            mode="overwrite",
            schema_mode="merge",
            partition_by=[PERIOD],
            predicate=None if first else predicate,
            storage_options=self._options or None,
            writer_properties=_WRITER,
            commit_properties=CommitProperties(custom_metadata=metadata),
        )
        self._table = DeltaTable(self.uri, storage_options=self._options)
        return self._table.version()


class Predictions(History):
    """The table of everything scored in batch: a drop's rows are replaced when scored again."""


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _plain(field: pa.Field) -> pa.Field:
    return pa.field(field.name, _plain_type(field.type))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Delta hands out view and large types; the jobs work with the plain ones."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return pa.string() if pa.types.is_dictionary(kind) else kind


def _plain_table(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([_plain(field) for field in table.schema]))
