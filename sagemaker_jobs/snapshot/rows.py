"""The rows of a snapshot: an index of them that fits in memory, and their way into files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dropforge.project import ProjectSpec
from sagemaker_jobs import labels
from sagemaker_jobs.history.table import PERIOD, History
from sagemaker_jobs.snapshot.keys import Keys, row_keys, uniform

LABEL, KEY = "_label", "_key"
"""Columns of a snapshot's files: 1 for the positive outcome, and the row's key."""

ROW_GROUP = 65_536
"""Rows of one row group: what the learner holds at a time when the rows do not fit in memory."""


@dataclass(frozen=True)
class RowIndex:
    """What decides a labelled row's split, an entry a row in the history's order.

    `places` are positions in `periods`; `draw` and `holdout_draw` are hashes in [0, 1) of the row's
    group, or of the row.
    """

    periods: list[str]
    places: NDArray[np.int32]
    flags: NDArray[np.int8]
    keys: Keys
    draw: NDArray[np.float64]
    holdout_draw: NDArray[np.float64]

    def periods_of(self, rows: NDArray[np.bool_]) -> list[str]:
        """The periods that some rows are from, in time's order."""
        return [self.periods[place] for place in np.unique(self.places[rows])]


def read_index(spec: ProjectSpec, history: History, periods: list[str]) -> RowIndex:
    """Index the labelled rows of `periods`."""
    ordered = history.in_order(periods)
    position = {period: place for place, period in enumerate(ordered)}
    parts: list[tuple[NDArray[Any], ...]] = []
    columns = [spec.id, spec.target, *([spec.group] if spec.group else []), PERIOD]
    for batch in labelled(history.scan(columns, ordered), spec.target):
        names = batch.column(PERIOD).to_pylist()
        ids = batch.column(spec.id).to_pylist()
        units = (
            [str(group) for group in batch.column(spec.group).to_pylist()]
            if spec.group
            else [f"{period}\0{identity}" for period, identity in zip(names, ids, strict=True)]
        )
        parts.append(
            (
                np.array([position[name] for name in names], dtype=np.int32),
                labels.positives(batch.column(spec.target), spec.positive),
                row_keys(ids, names, spec.name),
                uniform(units, f"validation\0{spec.tune.seed}"),
                uniform(units, f"holdout\0{spec.tune.seed}"),
            )
        )
    if not parts:
        empty = np.empty(0)
        return RowIndex(
            ordered, empty.astype(np.int32), empty.astype(np.int8), empty.astype(np.uint64),
            empty, empty,
        )  # fmt: skip
    return RowIndex(ordered, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def labelled(batches: Iterable[pa.RecordBatch], target: str) -> Iterator[pa.RecordBatch]:
    """The rows that have a label."""
    for batch in batches:
        outcomes = batch.column(target)
        rows = batch.filter(pc.is_valid(outcomes)) if outcomes.null_count else batch
        if rows.num_rows:
            yield rows


def write_parts(
    batches: Iterable[pa.RecordBatch],
    index: RowIndex,
    masks: Mapping[str, NDArray[np.bool_]],
    folder: Path,
) -> None:
    """Copy each labelled row into `<split>.parquet`, with its label and key, in row groups."""
    parts = {name: _Part(folder / f"{name}.parquet") for name in masks}
    start = 0
    for batch in batches:
        rows = slice(start, start + batch.num_rows)
        start = rows.stop
        marked = pa.RecordBatch.from_arrays(
            [*batch.columns, pa.array(index.flags[rows]), pa.array(index.keys[rows])],
            names=[*batch.schema.names, LABEL, KEY],
        )
        for name, mask in masks.items():
            parts[name].add(marked.filter(pa.array(mask[rows])))
    for part in parts.values():
        part.close()


class _Part:
    """One split's file, written a full row group at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, rows: pa.RecordBatch) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, rows.schema, compression="zstd")
        self._waiting.append(rows)
        self._rows += rows.num_rows
        if self._rows >= ROW_GROUP:
            table = pa.Table.from_batches(self._waiting)
            whole = self._rows - self._rows % ROW_GROUP
            self._writer.write_table(table.slice(0, whole), row_group_size=ROW_GROUP)
            self._waiting = table.slice(whole).combine_chunks().to_batches()
            self._rows -= whole

    def close(self) -> None:
        assert self._writer is not None  # there is at least one labelled row
        if self._rows:
            self._writer.write_table(pa.Table.from_batches(self._waiting))
        self._writer.close()
