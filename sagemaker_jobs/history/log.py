"""The table's log: opened, created, and written one commit a change."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Field, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, Transaction

from sagemaker_jobs.history.columns import PERIOD, stored
from sagemaker_jobs.history.datafile import DataFile
from sagemaker_jobs.history.errors import HistoryConflict, UnknownVersion
from sagemaker_jobs.history.storage import storage_options

CONFIGURATION = {
    "delta.checkpointInterval": "10",
    # Old versions end by our vacuum only, which knows the models that need them.
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
}


@dataclass(frozen=True)
class Change:
    """Why a version exists: kept in its commit as `dropforge.<name>`. `by`: who uploaded."""

    drop: str | None = None
    key: str | None = None
    version_id: str | None = None
    kind: str | None = None
    run: str | None = None
    by: str | None = None

    def metadata(self) -> dict[str, str]:
        """What is known, by its name in the commit."""
        return {f"dropforge.{name}": value for name, value in asdict(self).items() if value}


def open_table(uri: str, version: int | None = None) -> DeltaTable | None:
    """The table as it is, or was at a version; None before the first commit.

    Raises:
        UnknownVersion: the table never had that version.
    """
    try:
        return DeltaTable(uri, version=version, storage_options=storage_options(uri) or None)
    except TableNotFoundError:
        return None
    except DeltaError as error:
        if version is None:
            raise
        raise UnknownVersion(f"{uri} has no version {version}.") from error


def create_table(uri: str, columns: pa.Schema) -> None:
    """Create the table, unless another writer does so at the same time."""
    try:
        DeltaTable.create(
            uri,
            Schema.from_arrow(stored(columns)),
            partition_by=[PERIOD],
            configuration=CONFIGURATION,
            storage_options=storage_options(uri) or None,
            # A retry would put our schema over that of a writer who was first.
            commit_properties=CommitProperties(max_commit_retries=0),
        )
    except DeltaError:
        # Somebody else created it in between, which is as well: theirs is the table.
        if open_table(uri) is None:
            raise


def commit_files(
    table: DeltaTable,
    periods: Sequence[str],
    files: Sequence[DataFile | None],
    schema: pa.Schema,
    metadata: dict[str, str],
) -> None:
    """Make `files` the only ones of `periods`, and `schema` the table's, in one commit.

    Raises:
        HistoryConflict: another writer changed one of the periods, or the schema.
    """
    # Two writers of one period change the same application's transaction, which conflicts;
    # without it both files would be kept where the period is new to both.
    transactions = [Transaction(f"period-{period}", table.version()) for period in periods]
    try:
        table.create_write_transaction(
            [_added(file) for file in files if file is not None],
            "overwrite",
            Schema.from_arrow(schema),
            partition_by=[PERIOD],
            partition_filters=[(PERIOD, "in", list(periods))],
            commit_properties=CommitProperties(metadata, app_transactions=transactions),
        )
    except CommitFailedError as error:
        raise _conflict(table, f"replace {', '.join(periods)}") from error


def commit_columns(table: DeltaTable, columns: pa.Schema, metadata: dict[str, str]) -> None:
    """Add columns to the table: no data file changes.

    Raises:
        HistoryConflict: another writer changed the schema.
    """
    fields: list[Field] = Schema.from_arrow(columns).fields
    try:
        table.alter.add_columns(fields, commit_properties=CommitProperties(metadata))
    except CommitFailedError as error:
        raise _conflict(table, f"add the columns {', '.join(columns.names)}") from error


def _conflict(table: DeltaTable, what: str) -> HistoryConflict:
    return HistoryConflict(what, table.table_uri, table.version())


def _added(file: DataFile) -> AddAction:
    return AddAction(
        path=file.path,
        size=file.size,
        partition_values={PERIOD: file.period},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=json.dumps({"numRecords": file.rows}),
    )
