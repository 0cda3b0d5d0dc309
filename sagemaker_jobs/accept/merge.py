"""A file's rows into the history: first of its period, a correction, a part, or labels only."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropforge.project import ProjectSpec
from sagemaker_jobs.history.table import DROP, INTERNAL, LINE, PERIOD, History
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


def with_origin(table: pa.Table, period: str, drop: str, lines: np.ndarray) -> pa.Table:
    """The rows with the columns that say where they came from."""
    origin = {
        PERIOD: pa.array([period] * table.num_rows, pa.string()),
        DROP: pa.array([drop] * table.num_rows, pa.string()),
        LINE: pa.array(lines, pa.int64()),
    }
    for name, values in origin.items():
        table = table.append_column(name, values)
    return table


def merge_labelled(history: History, spec: ProjectSpec, period: str, rows: pa.Table) -> Merged:
    """Make labelled rows the period's rows.

    Rows that were dropped to be scored and are not in the file stay, waiting for their labels.

    Raises:
        Refused: it looks like a second part of the period, and the project replaces.
    """
    drop = _drop_of(rows)
    old = _overview(history, spec, period)
    old = old.filter(pc.not_equal(old.column(DROP), drop))
    same = pc.is_in(old.column(spec.id), value_set=rows.column(spec.id).combine_chunks())
    append = spec.same_period == "append"
    scored_only = _from_unlabelled_drops(old, spec.target)
    corrected = old.filter(pc.invert(scored_only))
    if not append and corrected.num_rows:
        _check_correction(corrected, same.filter(pc.invert(scored_only)), period, spec.same_period)
    stays = pc.and_(pc.invert(same), True if append else scored_only)
    kept = old.filter(stays)
    version = _replace(history, period, rows, kept, drop)
    return Merged(version, replaced_rows=corrected.num_rows if not append else 0)


def merge_unlabelled(history: History, spec: ProjectSpec, period: str, rows: pa.Table) -> Merged:
    """Keep rows to be scored, so that their labels can join them later.

    Rows that have a label already are left as they are.
    """
    drop = _drop_of(rows)
    old = _overview(history, spec, period)
    labelled = old.filter(pc.is_valid(old.column(spec.target)))
    known = labelled.column(spec.id).combine_chunks()
    fresh = rows.filter(pc.invert(pc.is_in(rows.column(spec.id), value_set=known)))
    if not fresh.num_rows:
        return Merged(history.version or 0)
    again = pc.is_in(old.column(spec.id), value_set=fresh.column(spec.id).combine_chunks())
    kept = old.filter(pc.and_(pc.invert(again), pc.not_equal(old.column(DROP), drop)))
    return Merged(_replace(history, period, fresh, kept, drop))


def merge_labels(
    history: History, spec: ProjectSpec, period: str, rows: pa.Table, drop: str
) -> Merged:
    """Give rows that are already there their labels, by id within the period.

    Raises:
        Refused: the period has none of the ids.
    """
    if period not in history.periods():
        raise _unknown(spec, period, rows.num_rows)
    old = history.read(_all_columns(history), [period])
    places = pc.index_in(old.column(spec.id), value_set=rows.column(spec.id).combine_chunks())
    joined = len(places) - places.null_count
    if not joined:
        raise _unknown(spec, period, rows.num_rows)
    new = pc.take(rows.column(spec.target), places)
    outcomes = pc.coalesce(new, old.column(spec.target))
    place = old.schema.get_field_index(spec.target)
    version = history.replace(period, _sorted(old.set_column(place, spec.target, outcomes)), drop)
    return Merged(version, joined_rows=joined, unknown_ids=rows.num_rows - joined)


def _replace(history: History, period: str, rows: pa.Table, kept: pa.Table, drop: str) -> int:
    schema = history.schema
    if schema is not None:
        rows = conform(rows, schema)
    if kept.num_rows:
        keys = kept.select([DROP, LINE])
        full = history.read(_all_columns(history), [period])
        full = full.join(keys, keys=[DROP, LINE], join_type="left semi")
        rows = pa.concat_tables([full, rows], promote_options="default")
    return history.replace(period, _sorted(rows), drop)


def conform(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with every column of the history; absent ones are null."""
    for column in schema:
        if column.name not in rows.schema.names:
            rows = rows.append_column(column, pa.nulls(rows.num_rows, column.type))
    return rows


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by([(DROP, "ascending"), (LINE, "ascending")])


def _overview(history: History, spec: ProjectSpec, period: str) -> pa.Table:
    """The period's ids, labels and origins: enough to decide what stays."""
    return history.read([spec.id, spec.target, DROP, LINE], [period])


def _from_unlabelled_drops(old: pa.Table, target: str) -> pa.ChunkedArray:
    """Per row, whether no row of its drop has a label."""
    labelled = pc.unique(old.filter(pc.is_valid(old.column(target))).column(DROP))
    return pc.invert(pc.is_in(old.column(DROP), value_set=labelled))


def _check_correction(old: pa.Table, same: pa.ChunkedArray, period: str, rule: str) -> None:
    again = pc.sum(same).as_py() or 0
    if again < SAME_IDS_SHARE * old.num_rows:
        raise refuse(
            "second_part",
            f"The period {period} has {old.num_rows:,} rows already, and only {again:,} of their "
            "ids "
            "are in this file: it looks like a second part, not a correction. Drop the whole "
            "period in "
            "one file, or set same_period: append in project.yml.",
        )


def _unknown(spec: ProjectSpec, period: str, count: int) -> Refused:
    return refuse(
        "unknown_ids",
        f"None of the {count:,} ids has a row in {period}: labels join rows that were dropped "
        "before "
        "them.",
        column=spec.id,
    )


def _drop_of(rows: pa.Table) -> str:
    return str(rows.column(DROP)[0].as_py())


def _all_columns(history: History) -> list[str]:
    return [*(history.schema or pa.schema([])).names, *INTERNAL]
