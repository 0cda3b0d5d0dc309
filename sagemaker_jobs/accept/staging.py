"""One pass over a file: rows typed, checked and staged, in memory that does not grow with it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.contract import OnBreak
from dropforge.drops import Reason
from dropforge.period import Period
from dropforge.project import ProjectSpec
from sagemaker_jobs import labels
from sagemaker_jobs.accept.checks import row_checks
from sagemaker_jobs.accept.columns import Expected
from sagemaker_jobs.accept.faults import Fault, Faults
from sagemaker_jobs.accept.offending import broken_reasons, offending_rows
from sagemaker_jobs.accept.outcomes import Outcomes, too_few_labels
from sagemaker_jobs.accept.staged import Staged, Store
from sagemaker_jobs.accept.unique import Repeats, joined_text
from sagemaker_jobs.accept.whole import WholeFile
from sagemaker_jobs.history.table import LINE
from sagemaker_jobs.reader.conversion import ARROW, as_text, convert, int64_array
from sagemaker_jobs.reader.problems import (
    Offences,
    Refused,
)
from sagemaker_jobs.reader.source import Block, Source
from sagemaker_jobs.values import RULES, Kind

Lines = NDArray[np.int64]
SAME_BEFORE = "the id occurs earlier in the file"


class Staging:
    """What is known of a file while its blocks go by."""

    def __init__(
        self,
        spec: ProjectSpec,
        source: Source,
        expected: Expected,
        folder: Path,
        period: Period | None,
    ) -> None:
        self.spec, self.source, self.kinds = spec, source, expected.kinds
        fields = [(name, ARROW[kind]) for name, kind in self.kinds.items()]
        self.schema = pa.schema([*fields, (LINE, pa.int64())])
        self.store = Store(folder, self.schema)
        self.faults = Faults()
        self.whole = WholeFile(spec, period)
        self.outcomes = Outcomes(spec)
        self._checks = [(c, c.fault()) for c in row_checks(spec, set(self.kinds))]
        self._unique = self._unique_keys(folder)
        self._rejected: list[Lines] = []

    def take(self, block: Block) -> None:
        """Type, check and keep the rows of a block."""
        if not block.rows.num_rows:
            return
        typed = convert(block.rows, self.kinds, self.source.decimal)
        batch = self._clean(typed.table, block.lines)
        bad = [
            self._note(_type_fault(self.spec, name, self.kinds[name]), block.lines[rows])
            for name, rows in typed.faults.items()
        ]
        ids = batch.column(self.spec.id)
        if pc.any(missing := pc.fill_null(pc.equal(ids, ""), True)).as_py():
            lines = block.lines[np.flatnonzero(missing.to_numpy(zero_copy_only=False))]
            bad.append(self._note(Fault("missing_id", self.spec.id, "the id is missing"), lines))
            ids = pc.if_else(missing, pa.scalar(None, pa.string()), ids)
        for check, fault in self._checks:
            rows = check.find(batch)
            if check.code == "null" and check.column in typed.faults:
                rows = np.setdiff1d(rows, typed.faults[check.column])  # said once: of its type
            if len(rows):
                bad.append(self._note(fault, block.lines[rows]))
        for columns, _, repeats in self._unique:
            texts = [ids if c == self.spec.id else as_text(batch.column(c)) for c in columns]
            repeats.update(joined_text(texts), block.lines)
        self.whole.update(batch)
        if any(map(len, bad)):
            rejected = np.unique(np.concatenate(bad))
            self._rejected.append(rejected)
            batch = batch.filter(pa.array(~np.isin(block.lines, rejected)))
        self.outcomes.count(batch)
        self.store.add(batch)

    def finish(self) -> Lines:
        """Find what repeats; answers the lines of every rejected row, in order."""
        self.store.close()
        for columns, on_break, repeats in self._unique:
            if columns == [self.spec.id]:
                fault = Fault("duplicate_id", self.spec.id, SAME_BEFORE, on_break)
            else:
                says = f"{' and '.join(columns)} together occur earlier in the file"
                fault = Fault("not_unique", None, says, on_break)
            self._rejected.append(self._note(fault, repeats.lines()))
        rejected = np.concatenate(self._rejected)
        # np.unique would import numpy.ma first, which costs a file without faults 12 ms.
        return np.unique(rejected) if len(rejected) else rejected

    def _note(self, fault: Fault, lines: Lines) -> Lines:
        """Count the rows that break a rule; answers those to be rejected for it."""
        self.faults.add(fault, lines)
        return lines if fault.on_break == "reject_row" else lines[:0]

    def _clean(self, table: pa.Table, lines: Lines) -> pa.RecordBatch:
        """Ids without surrounding white space, outcomes in their one spelling, and the lines."""
        arrays = []
        for name, column in zip(table.schema.names, table.columns, strict=True):
            array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            if name == self.spec.id:
                array = pc.utf8_trim_whitespace(array)
            elif name == self.spec.target:
                array = labels.canonical_column(pa.chunked_array([array]))
            arrays.append(array)
        return pa.RecordBatch.from_arrays([*arrays, int64_array(lines)], schema=self.schema)

    def _unique_keys(self, folder: Path) -> list[tuple[list[str], OnBreak, Repeats]]:
        keys: list[tuple[list[str], OnBreak]] = [([self.spec.id], "reject_row")]
        for rule in self.spec.contract.unique if self.spec.contract else []:
            if set(rule.columns) <= set(self.kinds) and rule.columns != [self.spec.id]:
                keys.append((rule.columns, rule.on_break))
        return [(c, o, Repeats(folder, f"unique-{n}")) for n, (c, o) in enumerate(keys)]


def stage_rows(
    spec: ProjectSpec,
    source: Source,
    expected: Expected,
    folder: Path,
    period: Period | None = None,
) -> Staged:
    """Type a file's rows, apply every rule, and keep the accepted ones in `folder`.

    `period` is what freshness is measured against.

    Raises:
        Refused: with all that is wrong, if more rows break a rule than `max_rejected_share`
            allows, or a rule about the file is broken.
    """
    staging = Staging(spec, source, expected, folder, period)
    for block in source.blocks(expected.kinds):
        staging.take(block)
    broken = Offences(source.rejected.count, list(source.rejected.rows))
    broken_says = broken_reasons(source.rejected)
    left_out = staging.finish()
    accepted = staging.whole.rows - len(left_out)
    rejected = len(left_out) + broken.count
    reasons = sorted(
        [*broken_says, *staging.faults.reasons("reject_row")], key=lambda r: r.line or 0
    )
    refusing, warning = staging.whole.problems()
    refusing = [*staging.faults.reasons("refuse_file"), *refusing]
    offending = offending_rows(source, staging.faults, broken)
    offending.count = rejected
    staged = Staged(
        schema=staging.schema,
        rows=accepted,
        rejected=offending,
        reasons=reasons,
        warnings=[r.message for r in [*staging.faults.reasons("warn"), *warning]],
        labelled=staging.outcomes.labelled,
        positives=staging.outcomes.positives,
        names=list(source.names),
        id=spec.id,
        store=staging.store,
        left_out=left_out,
    )
    if rejected:
        _count_again(spec, staged)
    if expected.kind != "unlabelled":
        refusing += too_few_labels(spec, staged.rows, staged.labelled)
        refusing += staging.outcomes.problems()
    total = accepted + rejected
    over = rejected > spec.max_rejected_share * total
    if over and spec.max_rejected_share:
        refusing.append(_too_many(spec, rejected, total))
    if not accepted and not over:
        refusing.append(Reason(code="no_rows", message="No row of the file can be taken."))
    if over or refusing:
        raise Refused([*reasons, *refusing], offending.rows, source.names)
    return staged


def _type_fault(spec: ProjectSpec, name: str, kind: Kind) -> Fault:
    column = spec.contract.columns.get(name) if spec.contract else None
    on_break: OnBreak = column.on_break if column else "reject_row"
    return Fault("type", name, f"must be {RULES[kind]}", on_break)


def _count_again(spec: ProjectSpec, staged: Staged) -> None:
    """The outcomes of the rows that are left, once those that repeat an id are known."""
    if spec.target in staged.schema.names:
        left = Outcomes.of(spec, staged.batches())
        staged.labelled, staged.positives = left.labelled, left.positives


def _too_many(spec: ProjectSpec, rejected: int, total: int) -> Reason:
    return Reason(
        code="too_many_rejected",
        message=f"{rejected:,} of {total:,} rows ({rejected / total:.1%}) are rejected; the "
        f"project allows {spec.max_rejected_share:.1%}.",
    )
