"""What two versions of the history differ in, row by row, read from the changed periods only."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from sagemaker_jobs.history.columns import stored
from sagemaker_jobs.history.datafile import DataFile, scan_file
from sagemaker_jobs.history.errors import UnknownVersion
from sagemaker_jobs.history.evolution import evolve
from sagemaker_jobs.history.table import History


@dataclass(frozen=True)
class PeriodDifference:
    """How many rows of a period one version has, the other has, or both with other values."""

    period: str
    added: int
    removed: int
    changed: int


def diff(uri: str, old: int, new: int, id_column: str) -> list[PeriodDifference]:
    """What became of the rows from one version to another, by id; periods alike are left out.

    Raises:
        UnknownVersion: no such version, or its rows were vacuumed.
        SchemaChange: the versions' columns cannot be compared.
    """
    before, after = History(uri, old), History(uri, new)
    columns = evolve(before.schema, after.schema or pa.schema([])).schema
    schema = stored(columns)
    found = []
    for period in after.in_order({*before.periods(), *after.periods()}):
        files = before.file(period), after.file(period)
        if files[0] == files[1]:
            continue
        try:
            was, now = (_rows(uri, file, id_column, columns.names, schema) for file in files)
        except FileNotFoundError as error:
            raise UnknownVersion.vacuumed(uri, old) from error
        changed = sum(now[key] != value for key, value in was.items() if key in now)
        difference = PeriodDifference(period, len(now.keys() - was), len(was.keys() - now), changed)
        if difference != PeriodDifference(period, 0, 0, 0):
            found.append(difference)
    return found


def _rows(
    uri: str, file: DataFile | None, id_column: str, columns: Sequence[str], schema: pa.Schema
) -> dict[object, bytes]:
    """Each id's row as a digest of its values."""
    found: dict[object, bytes] = {}
    if file is None:
        return found
    for batch in scan_file(uri, file, columns, schema):
        ids = batch.column(id_column).to_pylist()
        values = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        for key, row in zip(ids, values, strict=True):
            found[key] = hashlib.blake2b(repr(row).encode(), digest_size=12).digest()
    return found
