"""A file's rows into the history: first of its period, a correction, a part, or labels only.

Rows stream from the file and from the period's present content into its next content. Held in
memory are the period's ids, labels and origins, and the file's ids.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropforge.project import ProjectSpec
from sagemaker_jobs.accept.staged import Staged
from sagemaker_jobs.history.errors import SchemaChange
from sagemaker_jobs.history.table import DROP, LINE, Change, History
from sagemaker_jobs.profile.profile import Profile
from sagemaker_jobs.reader.problems import Refused, refuse

SAME_IDS_SHARE = 0.5
"""A correction repeats at least this share of the period's old ids."""


@dataclass(frozen=True)
class Merged:
    """What a file changed: the table's version after it, and the rows it took the place of."""

    version: int
    replaced_rows: int = 0
    joined_rows: int = 0
    unknown_ids: int = 0


@dataclass(frozen=True)
class FileProfiles:
    """Filled while rows are merged: `drop` by the file's rows, `kept` by the others that stay."""

    drop: Profile
    kept: Profile

    @property
    def period(self) -> Profile:
        """The whole period's profile."""
        return self.kept.merge(self.drop) if self.kept.rows else self.drop


class Merger:
    """Merges one file into one period."""

    def __init__(
        self,
        history: History,
        spec: ProjectSpec,
        period: str,
        change: Change,
        profiles: FileProfiles,
    ) -> None:
        self._history, self._spec, self._period = history, spec, period
        self._change, self._profiles = change, profiles

    def labelled(self, staged: Staged) -> Merged:
        """Make labelled rows the period's rows.

        Rows that were dropped to be scored and are not in the file stay, waiting for their labels.

        Raises:
            Refused: it looks like a second part of the period and the project replaces, or a
                column's type changed.
        """
        old = self._overview()
        other = pc.not_equal(old.column(DROP), self._change.drop)
        same = pc.is_in(old.column(self._spec.id), value_set=_array(staged.ids()))
        append = self._spec.same_period == "append"
        scored_only = _from_unlabelled_drops(old, self._spec.target)
        corrected = pc.and_(other, pc.invert(scored_only))
        count = _count(corrected)
        if not append and count:
            self._check_correction(_count(pc.and_(corrected, same)), count)
        stays = pc.and_(pc.invert(same), other if append else pc.and_(other, scored_only))
        version = self._write(staged, staged.batches(), stays)
        return Merged(version, replaced_rows=0 if append else count)

    def unlabelled(self, staged: Staged) -> Merged:
        """Keep rows to be scored, so that their labels can join them later.

        Rows that have a label already are left as they are.

        Raises:
            Refused: a column's type changed.
        """
        old = self._overview()
        known = pc.is_valid(old.column(self._spec.target))
        labelled = _array(old.column(self._spec.id).filter(known))
        ids = _array(staged.ids())
        fresh = pc.invert(pc.is_in(ids, value_set=labelled))
        if not _count(fresh):
            return Merged(self._history.version or 0)
        again = pc.is_in(old.column(self._spec.id), value_set=ids.filter(fresh))
        other = pc.not_equal(old.column(DROP), self._change.drop)
        stays = pc.or_(known, pc.and_(pc.invert(again), other))
        rows = _where(staged.batches(), _flags(fresh))
        return Merged(self._write(staged, rows, stays))

    def labels(self, staged: Staged) -> Merged:
        """Give rows that are already there their labels, by id within the period.

        Raises:
            Refused: the period has none of the ids.
        """
        target, count = self._spec.target, len(staged.ids())
        old = self._overview()
        given = pa.Table.from_batches(staged.batches(), staged.schema)
        ids = _array(given.column(self._spec.id))
        places = pc.index_in(old.column(self._spec.id), value_set=ids)
        joined = len(places) - places.null_count
        if not joined:
            raise self._unknown(count)
        outcomes = pc.coalesce(pc.take(given.column(target), places), old.column(target))
        rows = self._relabelled(_array(outcomes))
        version = self._replace(_seen(rows, self._profiles.drop), pa.schema([]))
        return Merged(version, joined_rows=joined, unknown_ids=count - joined)

    def _relabelled(self, outcomes: pa.Array) -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in self._present():
            place = batch.schema.get_field_index(self._spec.target)
            part = outcomes.slice(start, batch.num_rows)
            start += batch.num_rows
            yield batch.set_column(place, self._spec.target, part)

    def _write(self, staged: Staged, rows: Iterable[pa.RecordBatch], stays: pa.ChunkedArray) -> int:
        kept = _where(self._present(), _flags(stays)) if _count(stays) else iter(())
        merged = itertools.chain(_seen(kept, self._profiles.kept), _seen(rows, self._profiles.drop))
        schema, target = staged.schema, self._spec.target
        if target not in schema.names:
            schema = schema.append(pa.field(target, pa.string()))
        return self._replace(merged, schema)

    def _replace(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
        """Write the period's next content. Rows without an origin are the file's own."""
        try:
            return self._history.replace(
                self._period, rows, self._change.drop or "", schema=schema, change=self._change
            )
        except SchemaChange as change:
            raise refuse("schema_change", change.message, column=change.column) from change

    def _overview(self) -> pa.Table:
        """The period's ids, labels and origins, in the file's order."""
        return self._history.read([self._spec.id, self._spec.target, DROP, LINE], [self._period])

    def _present(self) -> Iterator[pa.RecordBatch]:
        schema = self._history.schema or pa.schema([])
        return self._history.scan([*schema.names, DROP, LINE], [self._period])

    def _check_correction(self, again: int, count: int) -> None:
        if again < SAME_IDS_SHARE * count:
            raise refuse(
                "second_part",
                f"The period {self._period} has {count:,} rows already, and only {again:,} of "
                "their ids are in this file: it looks like a second part, not a correction. Drop "
                "the whole period in one file, or set same_period: append in project.yml.",
            )

    def _unknown(self, count: int) -> Refused:
        return refuse(
            "unknown_ids",
            f"None of the {count:,} ids has a row in {self._period}: labels join rows that were "
            "dropped before them.",
            column=self._spec.id,
        )


def _from_unlabelled_drops(old: pa.Table, target: str) -> pa.ChunkedArray:
    """Per row, whether no row of its drop has a label."""
    labelled = pc.unique(old.filter(pc.is_valid(old.column(target))).column(DROP))
    return pc.invert(pc.is_in(old.column(DROP), value_set=labelled))


def _seen(rows: Iterable[pa.RecordBatch], profile: Profile) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        profile.update(batch)
        yield batch


def _where(rows: Iterable[pa.RecordBatch], flags: np.ndarray) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in rows:
        part = flags[start : start + batch.num_rows]
        start += batch.num_rows
        if part.any():
            yield batch if part.all() else batch.filter(pa.array(part))


def _array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(values, pa.ChunkedArray):
        return values
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)


def _flags(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    return np.asarray(_array(values).to_numpy(zero_copy_only=False), dtype=bool)


def _count(flags: pa.Array | pa.ChunkedArray) -> int:
    return int(pc.sum(flags).as_py() or 0)
