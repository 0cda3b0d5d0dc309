"""The scoring job: every prepared file of a round, with the champion, into predictions.

Writes a CSV for people (one row per input row, in input order) and a Delta table for machines, then
score.json, and accepts the drops last: killed before that, it does the same things over. Rows pass
a row group at a time, so memory does not grow with the file.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
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
from sagemaker_jobs.history.table import Predictions
from sagemaker_jobs.learning.dataset import row_groups
from sagemaker_jobs.predictions import PredictionsCsv, for_machines, predictions
from sagemaker_jobs.settings import Settings, job_parser
from sagemaker_jobs.storage import upload_file

logger = logging.getLogger(__name__)


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
    """One drop's rows to score, in a file of row groups, and where they came from."""

    drop: str
    key: str
    name: str
    period: str
    path: Path

    @classmethod
    def read(cls, path: Path) -> "Batch":
        """Read whose rows Prepare wrote into the file."""
        metadata = pq.ParquetFile(path).schema_arrow.metadata or {}
        origin = {k.decode(): v.decode() for k, v in metadata.items()}
        return cls(origin["drop"], origin["key"], origin["name"], origin["period"], path)


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
        """Score one drop's rows once, into both places."""
        at = dt.datetime.now(dt.UTC)
        path = Path(paths.scratch(), f"{batch.drop}.csv")
        try:
            with PredictionsCsv(path) as people:
                scored = people.passing(self._predictions(scorer, batch, at))
                rows = for_machines(scored, batch.period, batch.drop)
                self._table.replace(batch.period, rows, batch.drop, only_drop=True)
            uri = upload_file(path, self._target(batch))
        finally:
            path.unlink(missing_ok=True)
        logger.info("%s: %d rows scored with version %s", batch.drop, people.rows, self._version)
        return ScoredDrop(
            drop=batch.drop,
            key=batch.key,
            name=batch.name,
            period=batch.period,
            rows=people.rows,
            flagged=people.flagged if scorer.task == "binary" else None,
            mean_score=people.total / people.rows,
            predictions_uri=uri,
        )

    def _predictions(self, scorer: Scorer, batch: Batch, at: dt.datetime) -> Iterator[pa.Table]:
        for rows in row_groups(batch.path):
            scores = scorer.scores(frame_from_arrow(rows, scorer.features))
            ids = rows.column(self._spec.id)
            yield predictions(ids, scorer.outcome(scores), self._version, at)

    def _target(self, batch: Batch) -> layout.S3Uri:
        stem = DropKey.parse(batch.key).stem
        return layout.predictions_csv(self._lake, self._spec.name, batch.period, stem, batch.drop)

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
