"""One dropped file, from the bucket to its outcome."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dropforge.dropkey import DropKey
from dropforge.drops import DropOutcome, DropRecord
from dropforge.errors import InvalidPeriod
from dropforge.layout import S3Uri
from dropforge.period import Period
from dropforge.project import ProjectSpec
from sagemaker_jobs.accept.columns import Expected, expect_columns
from sagemaker_jobs.accept.fetch import object_blocks
from sagemaker_jobs.accept.merge import FileProfiles, Merged, Merger
from sagemaker_jobs.accept.outcomes import telling
from sagemaker_jobs.accept.profiles import Profiles, new_profile
from sagemaker_jobs.accept.quarantine import Write, write_quarantine
from sagemaker_jobs.accept.staged import Staged
from sagemaker_jobs.accept.staging import stage_rows
from sagemaker_jobs.history.errors import HistoryConflict
from sagemaker_jobs.history.table import DROP, Change, History
from sagemaker_jobs.profile.gate import findings
from sagemaker_jobs.reader.files import open_file
from sagemaker_jobs.reader.problems import Refused, refuse
from sagemaker_jobs.reader.source import Source
from sagemaker_jobs.reader.spool import Spooled, spool

logger = logging.getLogger(__name__)

NO_PERIOD = "unknown"
LEAK_ROWS = 50_000
TRIES = 3
"""How often a file is merged when another writer changes the same period meanwhile."""


@dataclass(frozen=True)
class Acceptance:
    """An outcome, and the Parquet file of the rows to be scored if there are any."""

    outcome: DropOutcome
    scoring: Path | None = None

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
        read: Callable[[S3Uri], bytes | None],
        write: Write,
        profiles: S3Uri,
        folder: Path,
        run: str = "",
        accepted_before: Sequence[DropRecord] = (),
        baseline: dict[str, Any] | None = None,
    ) -> None:
        self._spec, self._history, self._quarantine = spec, history, quarantine
        self._s3, self._write, self._folder = s3, write, folder
        self._run, self._baseline = run, baseline
        self._profiles = Profiles(spec, history, profiles, read, write)
        self._accepted: list[tuple[str, str, str, str]] = [
            (record.period or "", record.kind or "", record.sha256 or "", record.id)
            for record in sorted(accepted_before, key=lambda record: record.updated_at)
        ]

    def accept(self, drop: DropRecord) -> Acceptance:
        """Read, check and merge one drop. A faulty file is an outcome, not an error.

        Raises:
            HistoryConflict: other writers changed the same period again and again.
        """
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
            return self._read(drop, base, file, period)
        except Refused as problem:
            return self._quarantined(drop, base, problem)
        finally:
            target.unlink(missing_ok=True)

    def _read(
        self, drop: DropRecord, base: dict[str, Any], file: Spooled, period: Period
    ) -> Acceptance:
        source = open_file(file, self._spec.delimiter, self._spec.decimal)
        expected = expect_columns(self._spec, source, self._history.schema)
        staged = stage_rows(self._spec, source, expected, self._folder, period)
        base |= {
            "kind": expected.kind,
            "rows": staged.rows,
            "rejected": staged.rejected.count,
            "reasons": staged.reasons,
            "warnings": [*source.notes, *expected.warnings, *staged.warnings],
        }
        if expected.kind != "unlabelled":
            base["positives"] = staged.positives if self._spec.task == "binary" else None
        if staged.rejected.count:
            base["quarantine_uri"] = self._explain(drop, base, staged, source)
        for tries_left in reversed(range(TRIES)):
            try:
                return self._merge(drop, dict(base), staged, expected)
            except HistoryConflict:
                if not tries_left:
                    raise
                logger.warning("%s: the period changed meanwhile; merged again", drop.id)
                self._history.reload()
        raise AssertionError("the last try returns or raises")

    def _merge(
        self, drop: DropRecord, base: dict[str, Any], staged: Staged, expected: Expected
    ) -> Acceptance:
        period, profiles = base["period"], self._new_profiles(staged)
        adds, totals = period not in self._history.periods(), self._profiles.totals()
        previous = self._profiles.last_before(period)
        merger = Merger(self._history, self._spec, period, self._change(drop, base), profiles)
        merge = {
            "labelled": merger.labelled,
            "unlabelled": merger.unlabelled,
            "labels_only": merger.labels,
        }[expected.kind]
        merged = merge(staged)
        if merged.unknown_ids:
            base["warnings"] = [
                *base["warnings"], f"{merged.unknown_ids:,} ids have no row in {period} yet"
            ]  # fmt: skip
        profile = profiles.period
        if expected.kind != "labels_only":
            gate = findings(
                profiles.drop,
                baseline=self._baseline,
                previous=previous,
                before=totals.profile if totals and adds else None,
                leaks=self._leaks(staged) if expected.kind == "labelled" else (),
                ignore=self._times,
            )
            profile.repeated = gate.repeated
            base["drift"] = gate.drift
            base["warnings"] = [*base["warnings"], *gate.warnings]
        if profile.rows:
            self._profiles.store(period, profile, totals, adds=adds)
        if expected.kind == "unlabelled":
            return self._to_score(drop, base, staged)
        return self._accept(drop, base, merged)

    @property
    def _times(self) -> list[str]:
        """The column that dates the rows moves by its nature."""
        contract = self._spec.contract
        return [contract.time_column] if contract and contract.time_column else []

    def _leaks(self, staged: Staged) -> list[str]:
        """The features that alone tell the outcome, on rows from all over the file."""
        names = [
            name
            for name in self._spec.features.source_columns
            if name in staged.schema.names and name not in self._times
        ]
        step = math.ceil(staged.rows / LEAK_ROWS) or 1
        parts = [batch[::step] for batch in staged.batches()]
        rows = pa.Table.from_batches(parts, staged.schema)
        return telling(self._spec, rows, names)

    def _to_score(self, drop: DropRecord, base: dict[str, Any], staged: Staged) -> Acceptance:
        # It stays pending: Score accepts it once the predictions are delivered.
        scoring = self._folder / f"{drop.id}.parquet"
        origin = {key: base[key] for key in ("drop", "key", "name", "period")}
        names = [name for name in staged.schema.names if name != self._spec.target]
        schema = pa.schema([staged.schema.field(name) for name in names], metadata=origin)
        with pq.ParquetWriter(scoring, schema, compression="zstd") as writer:
            for batch in staged.batches():
                writer.write_batch(batch.select(names).cast(schema))
        outcome = DropOutcome(
            **base,
            state=drop.state,
            lake_version=self._history.version,
            scoring_rows=staged.rows,
        )
        return Acceptance(outcome, scoring)

    def _accept(self, drop: DropRecord, base: dict[str, Any], merged: Merged) -> Acceptance:
        self._accepted.append((base["period"], base["kind"], base["sha256"], drop.id))
        outcome = DropOutcome(
            **base,
            state="accepted",
            replaced=merged.replaced_rows > 0,
            replaced_rows=merged.replaced_rows,
            lake_version=merged.version,
        )
        return Acceptance(outcome)

    def _change(self, drop: DropRecord, base: dict[str, Any]) -> Change:
        return Change(
            drop=drop.id,
            key=drop.key,
            version_id=drop.version,
            kind=base["kind"],
            run=self._run,
            by=drop.by or "",
        )

    def _same_bytes(self, period: str, sha256: str) -> str | None:
        """The kind of the drop with the same bytes that the period holds already, if there is one.

        The lake has the last word: rows that were taken back (`dropforge data restore`) may come
        again.
        """
        known = [(kind, digest, drop) for of, kind, digest, drop in self._accepted if of == period]
        if self._spec.same_period != "append":
            known = list({kind: (kind, digest, drop) for kind, digest, drop in known}.values())
        for kind, digest, drop in known:
            if digest == sha256 and (kind == "labels_only" or self._holds(period, drop)):
                return kind
        return None

    def _holds(self, period: str, drop: str) -> bool:
        return drop in self._history.read([DROP], [period]).column(DROP).unique().to_pylist()

    def _new_profiles(self, staged: Staged) -> FileProfiles:
        known = self._history.schema or pa.schema([])
        fresh = [field for field in staged.schema if field.name not in known.names]
        schema = pa.schema([*known, *fresh])
        return FileProfiles(new_profile(self._spec, schema), new_profile(self._spec, schema))

    def _quarantined(self, drop: DropRecord, base: dict[str, Any], problem: Refused) -> Acceptance:
        logger.info(
            "%s goes to quarantine: %s", drop.id, ", ".join(r.code for r in problem.reasons)
        )
        folder = self._quarantine(base["period"], drop.id)
        uri = write_quarantine(
            self._write,
            folder,
            drop,
            problem.reasons,
            problem.rows,
            problem.names,
            spec=self._spec,
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
        self, drop: DropRecord, base: dict[str, Any], staged: Staged, source: Source
    ) -> str:
        folder = self._quarantine(base["period"], drop.id)
        return write_quarantine(
            self._write,
            folder,
            drop,
            staged.reasons,
            staged.rejected.rows,
            source.names,
            spec=self._spec,
            accepted=staged.rows,
            rejected=staged.rejected.count,
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
