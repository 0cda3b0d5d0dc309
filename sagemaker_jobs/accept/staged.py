"""A file's accepted rows, typed and waiting: in memory while they are few, then in a file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.drops import Reason
from sagemaker_jobs.history.table import LINE
from sagemaker_jobs.reader.problems import Offences

IN_MEMORY_BYTES = 64 * 1024 * 1024
_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")


class Store:
    """Batches of one schema, kept in order; beyond `limit` bytes in an Arrow file."""

    def __init__(self, folder: Path, schema: pa.Schema, limit: int = IN_MEMORY_BYTES) -> None:
        self.schema = schema
        self._path, self._limit = folder / "rows.arrows", limit
        self._held: list[pa.RecordBatch] = []
        self._bytes = 0
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep a batch."""
        if self._writer is not None:
            self._writer.write_batch(batch)
            return
        self._held.append(batch)
        self._bytes += batch.nbytes
        if self._bytes > self._limit:
            self._writer = pa.ipc.new_stream(str(self._path), self.schema, options=_LZ4)
            for held in self._held:
                self._writer.write_batch(held)
            self._held = []

    def close(self) -> None:
        """No batch follows."""
        if self._writer is not None:
            self._writer.close()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._writer is None:
            yield from self._held
            return
        with pa.OSFile(str(self._path)) as file, pa.ipc.open_stream(file) as reader:
            yield from reader


@dataclass
class Staged:
    """Typed rows fit for the history, and what was left out of them.

    Attributes:
        schema: of the batches: the file's columns and `LINE`.
        rows: how many rows are accepted.
        rejected: the rows left out, the structurally broken ones among them, by line.
        reasons: why they were, a sentence a rule.
        warnings: rules that only warn.
        labelled: accepted rows that have an outcome; `positives` of them the positive one.
        names: the columns of `rejected`'s fields.
    """

    schema: pa.Schema
    rows: int
    rejected: Offences
    reasons: list[Reason]
    warnings: list[str]
    labelled: int
    positives: int
    names: list[str]
    id: str
    store: Store = field(repr=False)
    left_out: NDArray[np.int64] = field(repr=False)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The accepted rows in file order; each call begins anew."""
        for batch in self.store:
            kept = without(batch, self.left_out)
            if kept.num_rows:
                yield kept

    def ids(self) -> pa.ChunkedArray:
        """The accepted rows' ids."""
        return pa.chunked_array([b.column(self.id) for b in self.batches()], pa.string())


def without(batch: pa.RecordBatch, lines: NDArray[np.int64]) -> pa.RecordBatch:
    """A batch without the rows at these (sorted) lines."""
    if not len(lines) or not batch.num_rows:
        return batch
    own = batch.column(LINE).to_numpy()
    start, end = np.searchsorted(lines, [own[0], own[-1] + 1])
    if start == end:
        return batch
    return batch.filter(
        pc.invert(pc.is_in(batch.column(LINE), value_set=pa.array(lines[start:end])))
    )
