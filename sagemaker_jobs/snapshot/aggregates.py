"""Statistics by a key over the periods before a row's own: `aggregates` of features.yml.

A row of period p gets what was known when p began: every row of earlier periods counts, labelled
or not, but `target_mean` takes labels only that were mature on p's first day (or today, if that is
earlier), so that training sees no fresher labels than serving will. Values that are missing do not
count, except that `count` counts rows; those beyond a `clamp` of the contract count as the bound. A
key stays as it is. `last` is the last value of the newest earlier period that
has one, in the order of its file. The history `initial` is one period before all.

A key that is missing, or that no earlier period has, has no statistic: null, for `count` too.
"""

import datetime as dt
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropforge.errors import InvalidProject
from dropforge.features import Aggregate
from dropforge.period import Period
from dropforge.project import ProjectSpec
from sagemaker_jobs.features.aggregates import FILE as FILE
from sagemaker_jobs.features.arrow import number_column
from sagemaker_jobs.features.frame import clamped
from sagemaker_jobs.reader.conversion import as_text, plain_array
from sagemaker_jobs.snapshot.maturity import is_mature
from sagemaker_jobs.snapshot.tally import Floats, Part, Places, Tally
from sagemaker_jobs.snapshot.target import Labels, usable

AGGREGATES_MAX_BYTES = 64 << 20
"""Of aggregates.parquet, uncompressed: a server holds it in memory. The file is smaller."""


class Keys:
    """The distinct values of one column as text, and the place of each."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.bytes = 0

    def find(self, column: pa.Array) -> Places:
        """Each row's place, -1 where its key is missing; a new key gets the next place."""
        encoded = pc.dictionary_encode(plain_array(as_text(column)))
        places, texts = self.places, encoded.dictionary.to_pylist()
        before = len(places)
        found = [places.setdefault(text, len(places)) for text in texts]
        if len(places) > before:
            self.bytes += sum(len(t.encode()) for t, p in zip(texts, found, strict=True)
                              if p >= before)  # fmt: skip
        lookup = np.array([*found, -1], np.int64)
        rows = pc.fill_null(encoded.indices, len(found))
        return np.asarray(lookup[rows.to_numpy(zero_copy_only=False)])


@dataclass
class _Running:
    """One aggregate: of periods that count, of this one, and of those whose labels ripen."""

    name: str
    declared: Aggregate
    counted: Tally = field(init=False)
    current: Tally = field(init=False)
    ripening: deque[tuple[str, Part]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.counted = Tally(self.declared.statistic)
        self.current = Tally(self.declared.statistic)

    def grow(self, keys: int) -> None:
        self.counted.grow(keys)
        self.current.grow(keys)

    def end(self, period: str) -> None:
        """The period's rows are complete."""
        part = self.current.take_out()
        if self.declared.statistic == "target_mean":
            self.ripening.append((period, part))
        else:
            self.counted.add(*part)

    def ripen(self, days: int, on: dt.date) -> None:
        """Count the labels that are mature on a day."""
        while self.ripening and is_mature(self.ripening[0][0], days, on):
            self.counted.add(*self.ripening.popleft()[1])


class Aggregates:
    """The aggregates of one project while its history goes by, periods in time's order.

    Memory grows with the distinct keys only (and with those of the periods whose labels ripen).
    """

    def __init__(self, spec: ProjectSpec, today: dt.date) -> None:
        self._spec, self._today = spec, today
        self._clamps = spec.contract.clamps if spec.contract else {}
        self._running = [_Running(*item) for item in spec.features.aggregates.items()]
        self._keys = {running.declared.by: Keys() for running in self._running}
        self._period: str | None = None
        self.names = [running.name for running in self._running]

    def begin(self, period: str) -> None:
        """The rows of an earlier period are complete; those of this one follow."""
        start = Period.from_canonical(period).start or dt.date.min
        self._end(min(start, self._today))
        self._period = period

    def take(self, batch: pa.RecordBatch, labels: Labels) -> list[pa.Array]:
        """Count rows of the period; answers each aggregate's column as of the period's beginning.

        `labels` are the rows' encoded ones, unusable where missing.

        Raises:
            ContractBroken: a column to be aggregated is text.
            InvalidProject: there are more keys than an artifact may carry.
        """
        places = {by: keys.find(batch.column(by)) for by, keys in self._keys.items()}
        self._check_size()
        return [self._column(running, batch, places, labels) for running in self._running]

    def finish(self) -> pa.Table:
        """The statistics over all periods, as aggregates.parquet has them: sorted by key."""
        self._end(self._today)
        tables = [self._table(by) for by in self._keys]
        return pa.concat_tables(tables)

    def _end(self, on: dt.date) -> None:
        for running in self._running:
            if self._period is not None:
                running.end(self._period)
            running.ripen(self._spec.label_maturity_days, on)

    def _column(
        self, running: _Running, batch: pa.RecordBatch, found: dict[str, Places], labels: Labels
    ) -> pa.Array:
        by, places = running.declared.by, found[running.declared.by]
        running.grow(len(self._keys[by].places))
        known = places >= 0
        column = np.full(batch.num_rows, np.nan)
        column[known] = running.counted.at(places[known])
        values, present = _values(running.declared, batch, labels)
        values = clamped(values, self._clamps.get(running.declared.column or ""))
        counted = known & present
        ones = np.ones(int(counted.sum()), np.int64)
        running.current.add(places[counted], ones, values[counted])
        return _nullable(column)

    def _table(self, by: str) -> pa.Table:
        known = self._keys[by].places
        texts = sorted(known)
        places = np.array([known[text] for text in texts], np.int64)
        columns: dict[str, pa.Array] = {
            "by": pa.repeat(pa.scalar(by, pa.string()), len(texts)),
            "key": pa.array(texts, pa.string()),
        }
        for running in self._running:
            own = running.declared.by == by
            running.grow(len(texts) if own else 0)
            columns[running.name] = (
                _nullable(running.counted.at(places)) if own else pa.nulls(len(texts), pa.float64())
            )
        return pa.table(columns)

    def _check_size(self) -> None:
        row = 8 * (len(self._running) + 1)
        sizes = {by: keys.bytes + row * len(keys.places) for by, keys in self._keys.items()}
        total = sum(sizes.values())
        if total <= AGGREGATES_MAX_BYTES:
            return
        by = max(sizes, key=lambda name: sizes[name])
        names = ", ".join(r.name for r in self._running if r.declared.by == by)
        raise InvalidProject(
            f"features.yml, aggregates: {names} by {by} have {len(self._keys[by].places):,} keys "
            f"and more; with them the artifact's table is over {AGGREGATES_MAX_BYTES >> 20} MiB. "
            "The history is unchanged. Aggregate by a column with fewer values, then push."
        )


def _values(
    declared: Aggregate, batch: pa.RecordBatch, labels: Labels
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The values that count, and which rows have one."""
    if declared.statistic == "count":
        return np.zeros(batch.num_rows), np.ones(batch.num_rows, np.bool_)
    if declared.statistic == "target_mean":
        return labels.astype(np.float64), usable(labels)
    assert declared.column is not None  # the declaration says so
    values = number_column(batch.column(declared.column), declared.column)
    return values, ~np.isnan(values)


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
