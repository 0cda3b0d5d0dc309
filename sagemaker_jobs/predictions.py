"""Prediction files: one row per input row, in input order, written as the rows come."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from sagemaker_jobs.boosting.outcome import Outcome
from sagemaker_jobs.history.table import DROP, LINE, PERIOD

_SECONDS = pa.timestamp("s", tz="UTC")
_OURS = pa.schema([(PERIOD, pa.string()), (DROP, pa.string()), (LINE, pa.int64())])


def predictions(
    ids: pa.Array | pa.ChunkedArray, outcome: Outcome, version: str, at: dt.datetime
) -> pa.Table:
    """Id, score, decision, model version and time, a row per input row.

    The decision is 0 or 1, a class, or null of a regression; a multiclass model's rows also have
    `probability_<class>` for each class.
    """
    rows = len(outcome.scores)
    columns = {
        "id": ids,
        "score": pa.array(outcome.scores),
        "decision": pa.array(outcome.decided, pa.string() if outcome.classes else pa.int8()),
    }
    if outcome.probabilities is not None:
        for place, name in enumerate(outcome.classes):
            columns[f"probability_{name}"] = pa.array(outcome.probabilities[:, place])
    columns["model_version"] = pa.repeat(version, rows)
    columns["scored_at"] = pa.repeat(pa.scalar(at, pa.timestamp("us", tz="UTC")), rows)
    return pa.table(columns)


def for_machines(tables: Iterator[pa.Table], period: str, drop: str) -> Iterator[pa.RecordBatch]:
    """The predictions as the lake's table keeps them: with period, drop, and the row's place."""
    first = 1
    for table in tables:
        rows = table.num_rows
        marks = [
            pa.repeat(period, rows),
            pa.repeat(drop, rows),
            pa.array(np.arange(first, first + rows)),
        ]
        for field, column in zip(_OURS, marks, strict=True):
            table = table.append_column(field, column)
        first += rows
        yield from table.to_batches()


class PredictionsCsv:
    """The file for people; scores are written so that they read back as the same double.

    `rows`, `flagged` and `total` (the scores' sum) count what was written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pacsv.CSVWriter | None = None
        self.rows, self.flagged, self.total = 0, 0, 0.0

    def __enter__(self) -> Self:
        """Begin; the file is there once rows are written."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the file."""
        if self._writer is not None:
            self._writer.close()

    def passing(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """Write the tables while they pass by."""
        for table in tables:
            self._write(table)
            yield table

    def _write(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self.total += float(np.sum(table.column("score").to_numpy()))
        if pa.types.is_integer(table.schema.field("decision").type):
            self.flagged += pc.sum(table.column("decision")).as_py() or 0
        times = pc.cast(table.column("scored_at"), _SECONDS, safe=False)
        place = table.schema.get_field_index("scored_at")
        text = pc.strftime(times, format="%Y-%m-%dT%H:%M:%SZ")
        table = table.set_column(place, "scored_at", text)
        if self._writer is None:
            style = pacsv.WriteOptions(quoting_style="needed")
            self._writer = pacsv.CSVWriter(self._path, table.schema, write_options=style)
        self._writer.write_table(table)
