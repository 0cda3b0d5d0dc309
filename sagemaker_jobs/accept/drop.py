"""One dropped file, from the bucket to its outcome."""

import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dropforge.dropkey import DropKey
from dropforge.drops import DropOutcome, DropRecord, Reason
from dropforge.errors import InvalidPeriod
from dropforge.layout import S3Uri
from dropforge.period import Period
from dropforge.project import ProjectSpec
from sagemaker_jobs.accept.columns import Expected, expect
from sagemaker_jobs.accept.fetch import object_blocks
from sagemaker_jobs.accept.merge import (
    Merged,
    merge_labelled,
    merge_labels,
    merge_unlabelled,
    with_origin,
)
from sagemaker_jobs.accept.quarantine import Write, write_quarantine
from sagemaker_jobs.accept.rows import Accepted, check_labels, check_rows
from sagemaker_jobs.history.table import History
from sagemaker_jobs.judging.drift import drift
from sagemaker_jobs.reader.delimited import RawTable
from sagemaker_jobs.reader.files import read_file
from sagemaker_jobs.reader.problems import Refused, refuse
from sagemaker_jobs.reader.spool import Spooled, spool

logger = logging.getLogger(__name__)

NO_PERIOD = "unknown"
TOP_DRIFT = 20


@dataclass(frozen=True)
class Acceptance:
    """An outcome, and the rows to be scored as Parquet bytes if there are any."""

    outcome: DropOutcome
    scoring: bytes | None = None

    @property
    def makes_training_due(self) -> bool:
        """Whether labels joined the history."""
        return self.outcome.state == "accepted" and self.outcome.kind in ("labelled", "labels_only")


def ordered(spec: ProjectSpec, drops: Sequence[DropRecord]) -> list[DropRecord]:
    """The history first, then by period, then as they came: the order they would have come in."""

    def place(drop: DropRecord) -> tuple[Period, object]:
        return (_period(spec, drop) or Period(NO_PERIOD, None), drop.created_at)

    return sorted(drops, key=place)


class DropReader:
    """Takes drops of one project, one after the other, into its history."""

    def __init__(
        self,
        spec: ProjectSpec,
        history: History,
        quarantine: Callable[[str, str], S3Uri],
        *,
        s3: Any,
        write: Write,
        folder: Path,
        accepted_before: Sequence[DropRecord] = (),
        baseline: dict[str, Any] | None = None,
    ) -> None:
        self._spec, self._history, self._quarantine = spec, history, quarantine
        self._s3, self._write, self._folder, self._baseline = s3, write, folder, baseline
        self._accepted: list[tuple[str, str, str]] = [
            (record.period or "", record.kind or "", record.sha256 or "")
            for record in sorted(accepted_before, key=lambda record: record.updated_at)
        ]

    def accept(self, drop: DropRecord) -> Acceptance:
        """Read, check and merge one drop. A faulty file is an outcome, not an error."""
        key = DropKey.parse(drop.key)
        base = {"drop": drop.id, "key": drop.key, "name": key.name}
        period = _period(self._spec, drop)
        if period is None:
            problem = _no_period(self._spec, key)
            return self._quarantined(drop, base | {"period": NO_PERIOD}, problem)
        base |= {"period": period.canonical}
        target = self._folder / f"{drop.id}.spool"
        try:
            file = spool(object_blocks(self._s3, drop), target, key.extension, self._spec.encoding)
            base |= {"sha256": file.sha256}
            if (same := self._same_bytes(period.canonical, file.sha256)) is not None:
                return Acceptance(DropOutcome(**base, state="duplicate", kind=same or None))
            return self._read(drop, base, period.canonical, file)
        except Refused as problem:
            return self._quarantined(drop, base, problem)
        finally:
            target.unlink(missing_ok=True)

    def _read(
        self, drop: DropRecord, base: dict[str, Any], period: str, file: Spooled
    ) -> Acceptance:
        raw = read_file(file, self._spec.delimiter)
        expected = expect(self._spec, raw.table, self._history.schema)
        rows = check_rows(self._spec, raw, expected)
        base |= {
            "kind": expected.kind,
            "rows": rows.table.num_rows,
            "rejected": len(rows.rejected),
            "reasons": rows.reasons,
            "warnings": [*raw.notes, *expected.warnings],
        }
        if rows.rejected:
            base["quarantine_uri"] = self._explain(drop, period, rows.reasons, rows, raw)
        if expected.kind == "labels_only":
            return self._join_labels(drop, base, period, rows)
        table = with_origin(
            _with_target(rows.table, self._spec.target), period, drop.id, rows.lines
        )
        base["drift"] = drift(table, self._baseline)[:TOP_DRIFT]
        if expected.kind == "labelled":
            return self._merge_labelled(base, period, table)
        return self._merge_unlabelled(drop, base, period, table, expected)

    def _merge_labelled(self, base: dict[str, Any], period: str, table: pa.Table) -> Acceptance:
        base["positives"] = check_labels(self._spec, table)
        merged = merge_labelled(self._history, self._spec, period, table)
        return self._accept(base, period, merged)

    def _merge_unlabelled(
        self,
        drop: DropRecord,
        base: dict[str, Any],
        period: str,
        table: pa.Table,
        expected: Expected,
    ) -> Acceptance:
        # It stays pending: Score accepts it once the predictions are delivered.
        merge_unlabelled(self._history, self._spec, period, table)
        names = [name for name in expected.kinds if name != self._spec.target]
        scoring = _parquet(table.select(names), drop, base["name"], period)
        outcome = DropOutcome(
            **base,
            state=drop.state,
            lake_version=self._history.version,
            scoring_rows=table.num_rows,
        )
        return Acceptance(outcome, scoring)

    def _join_labels(
        self, drop: DropRecord, base: dict[str, Any], period: str, rows: Accepted
    ) -> Acceptance:
        base["positives"] = check_labels(self._spec, rows.table)
        merged = merge_labels(self._history, self._spec, period, rows.table, drop.id)
        if merged.unknown_ids:
            base["warnings"].append(f"{merged.unknown_ids:,} ids have no row in {period} yet")
        return self._accept(base, period, merged)

    def _accept(self, base: dict[str, Any], period: str, merged: Merged) -> Acceptance:
        self._accepted.append((period, base["kind"], base["sha256"]))
        outcome = DropOutcome(
            **base,
            state="accepted",
            replaced=merged.replaced_rows > 0,
            replaced_rows=merged.replaced_rows,
            lake_version=merged.version,
        )
        return Acceptance(outcome)

    def _same_bytes(self, period: str, sha256: str) -> str | None:
        """The kind of the accepted drop of this period with the same bytes, if it is the latest."""
        latest = {kind: digest for known, kind, digest in self._accepted if known == period}
        if self._spec.same_period == "append":
            digests = {digest: kind for known, kind, digest in self._accepted if known == period}
            return digests.get(sha256)
        return next((kind for kind, digest in latest.items() if digest == sha256), None)

    def _quarantined(self, drop: DropRecord, base: dict[str, Any], problem: Refused) -> Acceptance:
        logger.info(
            "%s goes to quarantine: %s", drop.id, ", ".join(r.code for r in problem.reasons)
        )
        folder = self._quarantine(base["period"], drop.id)
        uri = write_quarantine(
            self._write, folder, drop, problem.reasons, problem.rows, problem.names
        )
        kept = {
            key: base[key] for key in ("drop", "key", "name", "period", "sha256") if key in base
        }
        outcome = DropOutcome(
            **kept,
            state="quarantined",
            reasons=problem.reasons,
            rejected=len(problem.rows),
            quarantine_uri=uri,
        )
        return Acceptance(outcome)

    def _explain(
        self, drop: DropRecord, period: str, reasons: list[Reason], rows: Accepted, raw: RawTable
    ) -> str:
        folder = self._quarantine(period, drop.id)
        return write_quarantine(
            self._write, folder, drop, reasons, rows.rejected, raw.table.schema.names
        )


def _period(spec: ProjectSpec, drop: DropRecord) -> Period | None:
    try:
        return Period.parse(DropKey.parse(drop.key).stem, spec.period, spec.history)
    except InvalidPeriod:
        return None


def _no_period(spec: ProjectSpec, key: DropKey) -> Refused:
    try:
        Period.parse(key.stem, spec.period, spec.history)
    except InvalidPeriod as error:
        return refuse("no_period", error.message)
    raise AssertionError("the name has a period")


def _with_target(table: pa.Table, target: str) -> pa.Table:
    if target in table.schema.names:
        return table
    return table.append_column(target, pa.nulls(table.num_rows, pa.string()))


def _parquet(table: pa.Table, drop: DropRecord, name: str, period: str) -> bytes:
    origin = {"drop": drop.id, "key": drop.key, "name": name, "period": period}
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(origin), out, compression="zstd")
    return out.getvalue()
