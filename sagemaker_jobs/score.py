"""The scoring job: every prepared file of a round, with the champion, into predictions.

Writes a CSV for people (one row per input row, in input order) and a Delta table for machines, then
score.json, and accepts the drops last: killed before that, it does the same things over.
"""

import datetime as dt
import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from dropforge import layout
from dropforge.aws.documents import find_document, write_document
from dropforge.aws.ledger import Ledger
from dropforge.aws.projects import fetch_project
from dropforge.dropkey import DropKey
from dropforge.drops import PrepareResult, ScoredDrop, ScoreResult
from dropforge.errors import ArtifactBroken
from dropforge.project import ProjectSpec
from sagemaker_jobs import paths
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.history.table import DROP, LINE, PERIOD, Predictions
from sagemaker_jobs.settings import Settings, job_parser
from sagemaker_jobs.storage import upload_file

logger = logging.getLogger(__name__)

SECONDS = pa.timestamp("s", tz="UTC")


def main(arguments: list[str]) -> None:
    """Run the job as the pipeline starts it."""
    parser = job_parser("score")
    parser.add_argument("--model-version", required=True)
    parser.add_argument("--round", type=int, default=1)
    given = parser.parse_args(arguments)
    settings = Settings.from_environment()
    spec = fetch_project(settings.lake_bucket, given.project, given.project_version)
    job = Score(settings, Ledger(settings.ledger_table), spec, given.run, given.model_version)
    job.run(paths.processing_input("artifact"), paths.processing_input("rows"), given.round)


@dataclass(frozen=True)
class Batch:
    """One drop's rows to score, and where they came from."""

    drop: str
    key: str
    name: str
    period: str
    rows: pa.Table

    @classmethod
    def read(cls, path: Path) -> "Batch":
        """Read what Prepare wrote for one drop."""
        table = pq.ParquetFile(path).read()
        origin = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
        return cls(origin["drop"], origin["key"], origin["name"], origin["period"], table)


class Score:
    """One run's scoring. `table_uri` is the lake's table unless a test says otherwise."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        spec: ProjectSpec,
        run: str,
        model_version: str,
        *,
        table_uri: str | None = None,
    ) -> None:
        self._lake, self._ledger, self._spec = settings.lake_bucket, ledger, spec
        self._run, self._version = run, model_version
        uri = table_uri or str(layout.predictions_table(self._lake, spec.name))
        self._table = Predictions(uri)

    def run(self, artifact: Path, rows: Path, round_: int) -> ScoreResult:
        """Score every file below `rows` and accept its drop.

        Raises:
            ArtifactBroken: the model cannot be loaded, or wants columns that the rows lack.
        """
        started = time.perf_counter()
        scorer = Scorer.load(artifact)
        files = sorted(rows.glob("*.parquet"))
        if not files:
            raise ArtifactBroken(f"There is nothing to score in {rows.name}.")
        batches = [Batch.read(path) for path in files]
        scored = [self._score(scorer, batch) for batch in batches]
        result = ScoreResult(
            project=self._spec.name,
            run=self._run,
            model_version=self._version,
            drops=scored,
            seconds=time.perf_counter() - started,
        )
        write_document(layout.score_result(self._lake, self._spec.name, self._run), result)
        self._settle(scored, round_)
        return result

    def _score(self, scorer: Scorer, batch: Batch) -> ScoredDrop:
        scores = scorer.scores(frame_from_arrow(batch.rows, scorer.features.inputs))
        decisions = scorer.decisions(scores)
        table = predictions(
            batch.rows.column(self._spec.id),
            scores,
            decisions,
            self._version,
            dt.datetime.now(dt.UTC),
        )
        uri = self._deliver(batch, table)
        self._table.replace(batch.period, _for_machines(batch, table), batch.drop, only_drop=True)
        logger.info("%s: %d rows scored with version %s", batch.drop, len(scores), self._version)
        return ScoredDrop(
            drop=batch.drop,
            key=batch.key,
            name=batch.name,
            period=batch.period,
            rows=len(scores),
            flagged=int(decisions.sum()),
            mean_score=float(scores.mean()),
            predictions_uri=uri,
        )

    def _deliver(self, batch: Batch, table: pa.Table) -> str:
        stem = DropKey.parse(batch.key).stem
        target = layout.predictions_csv(self._lake, self._spec.name, batch.period, stem, batch.drop)
        path = Path(paths.scratch(), f"{batch.drop}.csv")
        try:
            write_csv(table, path)
            return upload_file(path, target)
        finally:
            path.unlink(missing_ok=True)

    def _settle(self, scored: list[ScoredDrop], round_: int) -> None:
        known = self._hashes(round_)
        for drop in scored:
            self._ledger.settle(
                self._spec.name,
                drop.drop,
                "accepted",
                run=self._run,
                kind="unlabelled",
                period=drop.period,
                rows=drop.rows,
                sha256=known.get(drop.drop),
            )

    def _hashes(self, round_: int) -> dict[str, str]:
        uri = layout.prepare_result(self._lake, self._spec.name, self._run, round_)
        prepared = find_document(uri, PrepareResult)
        drops = prepared.drops if prepared else []
        return {drop.drop: drop.sha256 for drop in drops if drop.sha256}


def predictions(
    ids: pa.ChunkedArray,
    scores: np.ndarray,
    decisions: np.ndarray,
    version: str,
    at: dt.datetime,
) -> pa.Table:
    """Id, score, decision, model version and time, a row per input row."""
    rows = len(scores)
    return pa.table(
        {
            "id": ids,
            "score": pa.array(scores),
            "decision": pa.array(decisions, pa.int8()),
            "model_version": pa.array([version] * rows, pa.string()),
            "scored_at": pa.array([at] * rows, pa.timestamp("us", tz="UTC")),
        }
    )


def write_csv(table: pa.Table, path: Path) -> None:
    """The predictions file; scores are written so that they read back as the same double."""
    times = table.column("scored_at")
    text = pc.strftime(pc.cast(times, SECONDS, safe=False), format="%Y-%m-%dT%H:%M:%SZ")
    place = table.schema.get_field_index("scored_at")
    pacsv.write_csv(
        table.set_column(place, "scored_at", text), path, pacsv.WriteOptions(quoting_style="needed")
    )


def _for_machines(batch: Batch, table: pa.Table) -> pa.Table:
    rows = table.num_rows
    return (
        table.append_column(PERIOD, pa.array([batch.period] * rows, pa.string()))
        .append_column(DROP, pa.array([batch.drop] * rows, pa.string()))
        .append_column(LINE, pa.array(np.arange(1, rows + 1), pa.int64()))
    )
