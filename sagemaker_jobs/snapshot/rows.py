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

from dropforge.period import Period
from dropforge.project import ProjectSpec
from sagemaker_jobs.history.table import DROP, LINE, History
from sagemaker_jobs.reader.conversion import as_text
from sagemaker_jobs.snapshot.aggregates import Aggregates
from sagemaker_jobs.snapshot.columns import KEY as KEY
from sagemaker_jobs.snapshot.columns import LABEL as LABEL
from sagemaker_jobs.snapshot.columns import PERIOD_START, check_columns, snapshot_columns
from sagemaker_jobs.snapshot.keys import Keys, hash_texts, row_keys, uniform
from sagemaker_jobs.snapshot.target import DTYPES, Labels, encode, is_labelled

ROW_GROUP = 65_536
"""Rows of one row group: what the learner holds at a time when the rows do not fit in memory."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RowIndex:
    """What decides a labelled row's split, an entry a row in the history's order.

    `places` are positions in `periods`; `ids` are hashes of the rows' ids; `draw` and
    `holdout_draw` are hashes in [0, 1) of the row's group, or of the row where it has none.
    """

    periods: list[str]
    places: NDArray[np.int32]
    labels: Labels
    keys: Keys
    ids: Keys
    draw: NDArray[np.float64]
    holdout_draw: NDArray[np.float64]

    def periods_of(self, rows: Mask) -> list[str]:
        """The periods that some rows are from, in time's order."""
        return [self.periods[place] for place in np.unique(self.places[rows])]


def read_index(spec: ProjectSpec, history: History, periods: Iterable[str], seed: int) -> RowIndex:
    """Index the labelled rows of `periods`; labels that are none of the task's are in it too.

    Raises:
        ContractBroken, InvalidProject: see `check_columns`.
    """
    check_columns(spec, history.schema.names if history.schema else [])
    ordered = history.in_order(periods)
    columns = [spec.id, spec.target, *([spec.group] if spec.group else [])]
    parts: list[tuple[NDArray[Any], ...]] = [_nothing(spec)]
    for place, period in enumerate(ordered):
        for batch in history.scan(columns, [period]):
            rows = labelled(batch, spec.target)
            if not rows.num_rows:
                continue
            ids = rows.column(spec.id).to_pylist()
            units = _units(spec, rows, ids, period)
            parts.append(
                (
                    np.full(rows.num_rows, place, dtype=np.int32),
                    encode(rows.column(spec.target), spec),
                    row_keys(ids, [period] * len(ids), spec.name),
                    hash_texts(ids, f"id\0{spec.name}"),
                    uniform(units, f"validation\0{seed}"),
                    uniform(units, f"holdout\0{seed}"),
                )
            )
    return RowIndex(ordered, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def _nothing(spec: ProjectSpec) -> tuple[NDArray[Any], ...]:
    kinds = (np.int32, DTYPES[spec.task], np.uint64, np.uint64, np.float64, np.float64)
    return tuple(np.empty(0, dtype=kind) for kind in kinds)


def _units(spec: ProjectSpec, rows: pa.RecordBatch, ids: list[str], period: str) -> list[str]:
    """What lies on one side of a split: a group, or a row that has none."""
    alone = [f"{period}\0{identity}" for identity in ids]
    if spec.group is None:
        return alone
    groups = as_text(rows.column(spec.group)).to_pylist()
    return [own if group is None else group for group, own in zip(groups, alone, strict=True)]


def labelled(batch: pa.RecordBatch, target: str) -> pa.RecordBatch:
    """The rows that have a label."""
    present = is_labelled(batch.column(target))
    return batch if pc.all(present, min_count=0).as_py() else batch.filter(present)


def copied_rows(
    spec: ProjectSpec, history: History, mature: list[str], aggregates: Aggregates | None
) -> Iterator[pa.RecordBatch]:
    """The indexed rows again, with the columns of a snapshot.

    Each row also has the first day of its period and the aggregates as of then. Aggregates are
    made of every period, so the history is read to its end for them.
    """
    wanted = set(mature)
    names = snapshot_columns(spec, history.schema.names if history.schema else [])
    for period in history.in_order(None if aggregates else mature):
        if aggregates:
            aggregates.begin(period)
        start = pa.scalar(Period.from_canonical(period).start, pa.date32())
        for batch in history.scan([*names, DROP, LINE], [period]):
            more = [pa.repeat(start, batch.num_rows)]
            added = [PERIOD_START]
            if aggregates:
                more += aggregates.take(batch, encode(batch.column(spec.target), spec))
                added += aggregates.names
            if period in wanted:
                wide = pa.RecordBatch.from_arrays(
                    [*batch.columns, *more], names=[*batch.schema.names, *added]
                )
                yield labelled(wide, spec.target)


def write_parts(
    batches: Iterable[pa.RecordBatch], index: RowIndex, masks: Mapping[str, Mask], folder: Path
) -> None:
    """Copy each labelled row into `<split>.parquet`, with its label and key, in row groups."""
    parts = {name: _Part(folder / f"{name}.parquet") for name in masks}
    start = 0
    for batch in batches:
        rows = slice(start, start + batch.num_rows)
        start = rows.stop
        marked = pa.RecordBatch.from_arrays(
            [*batch.columns, pa.array(index.labels[rows]), pa.array(index.keys[rows])],
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
