"""The rows of a file against the contract: what is wrong, where, and how many may be left out."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.drops import Reason
from dropforge.project import ProjectSpec
from sagemaker_jobs import labels
from sagemaker_jobs.accept.columns import Expected
from sagemaker_jobs.reader.delimited import RawTable
from sagemaker_jobs.reader.problems import (
    MAX_OFFENDING_ROWS,
    OffendingRow,
    Refused,
    more_lines,
    refuse,
)
from sagemaker_jobs.reader.typing import as_text, convert
from sagemaker_jobs.values import RULES, Kind


@dataclass(frozen=True)
class Fault:
    """One rule that some rows break. `rows` are indices."""

    code: str
    column: str
    says: str
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Accepted:
    """Typed rows fit for the history, and what was left out of them."""

    table: pa.Table
    lines: NDArray[np.int64]
    rejected: list[OffendingRow]
    reasons: list[Reason]


def check_rows(spec: ProjectSpec, raw: RawTable, expected: Expected) -> Accepted:
    """Type the rows and apply the row rules.

    Raises:
        Refused: more rows break a rule than `max_rejected_share` allows.
    """
    typed = convert(raw.table, expected.kinds)
    table = _clean(spec, typed.table)
    faults = [_type_fault(c, expected.kinds[c], rows) for c, rows in typed.faults.items()]
    faults += [*_id_faults(spec, table), *_null_faults(spec, table)]
    faults = [fault for fault in faults if len(fault.rows)]
    if not faults:
        return Accepted(table, raw.lines, [], [])
    bad = np.unique(np.concatenate([fault.rows for fault in faults]))
    reasons = [_reason(fault, raw.lines) for fault in faults]
    rows = _offending(raw, faults, bad)
    if len(bad) > spec.max_rejected_share * raw.table.num_rows:
        raise Refused(reasons, rows, raw.table.schema.names)
    keep = np.ones(raw.table.num_rows, dtype=bool)
    keep[bad] = False
    return Accepted(table.filter(pa.array(keep)), raw.lines[keep], rows, reasons)


def check_labels(spec: ProjectSpec, table: pa.Table) -> int:
    """Check a labelled file's target; answers how many rows are positive.

    Raises:
        Refused: too few rows have a label, or the target has more than two outcomes.
    """
    outcomes = table.column(spec.target)
    labelled = len(outcomes) - outcomes.null_count
    share = labelled / len(outcomes)
    if share < spec.min_labelled_share:
        raise refuse(
            "few_labels",
            f"Only {labelled:,} of {len(outcomes):,} rows ({share:.1%}) have a value in "
            f"{spec.target}; {spec.min_labelled_share:.0%} are needed. Drop the file again when "
            "the "
            "labels are complete, or leave the column out to have the rows scored.",
            column=spec.target,
        )
    distinct = pc.unique(outcomes.drop_null())
    if len(distinct) > labels.MAX_OUTCOMES:
        raise refuse(
            "outcomes",
            f"Column {spec.target} takes {len(distinct):,} different values; a yes-or-no target "
            "takes "
            "two.",
            column=spec.target,
        )
    return int((labels.positives(outcomes, spec.positive) == 1).sum())


def _clean(spec: ProjectSpec, table: pa.Table) -> pa.Table:
    """Ids without surrounding white space, outcomes in their one spelling."""
    place = table.schema.get_field_index(spec.id)
    ids = pc.utf8_trim_whitespace(table.column(spec.id))
    table = table.set_column(place, spec.id, ids)
    if spec.target in table.schema.names:
        place = table.schema.get_field_index(spec.target)
        outcomes = labels.canonical_column(table.column(spec.target))
        table = table.set_column(place, spec.target, outcomes)
    return table


def _type_fault(column: str, kind: Kind, rows: NDArray[np.int64]) -> Fault:
    return Fault("type", column, f"must be {RULES[kind]}", rows)


def _id_faults(spec: ProjectSpec, table: pa.Table) -> list[Fault]:
    ids = table.column(spec.id).combine_chunks()
    missing = pc.fill_null(pc.equal(ids, ""), True).to_numpy(zero_copy_only=False)
    codes = pc.fill_null(pc.dictionary_encode(ids).indices, -1).to_numpy(zero_copy_only=False)
    _, first = np.unique(codes, return_index=True)
    repeated = np.ones(len(codes), dtype=bool)
    repeated[first] = False
    return [
        Fault("missing_id", spec.id, "the id is missing", np.flatnonzero(missing)),
        Fault(
            "duplicate_id",
            spec.id,
            "the id occurs earlier in the file",
            np.flatnonzero(repeated & ~missing),
        ),
    ]


def _null_faults(spec: ProjectSpec, table: pa.Table) -> list[Fault]:
    if spec.contract is None:
        return []
    required = [
        name
        for name, column in spec.contract.columns.items()
        if not column.nullable and name in table.schema.names and name not in (spec.id, spec.target)
    ]
    return [
        Fault("null", name, "must not be empty", _nulls(table.column(name))) for name in required
    ]


def _nulls(column: pa.ChunkedArray) -> NDArray[np.int64]:
    flags = pc.is_null(column).to_numpy()
    return np.flatnonzero(flags)


def _reason(fault: Fault, lines: NDArray[np.int64]) -> Reason:
    where = [int(line) for line in lines[fault.rows]]
    return Reason(
        code=fault.code,
        message=f"Line {where[0]}, column {fault.column}: {fault.says}{more_lines(where)}.",
        line=where[0],
        column=fault.column,
    )


def _offending(raw: RawTable, faults: list[Fault], bad: NDArray[np.int64]) -> list[OffendingRow]:
    listed = bad[:MAX_OFFENDING_ROWS]
    said: dict[int, list[str]] = {int(row): [] for row in listed}
    for fault in faults:
        for row in fault.rows:
            if int(row) in said:
                said[int(row)].append(f"{fault.column}: {fault.says}")
    part = raw.table.take(pa.array(listed))
    columns = [as_text(part.column(name)).to_pylist() for name in part.schema.names]
    return [
        OffendingRow(
            int(raw.lines[row]),
            "; ".join(said[int(row)]),
            tuple("" if column[index] is None else column[index] for column in columns),
        )
        for index, row in enumerate(listed)
    ]
