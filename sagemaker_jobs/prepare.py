"""The preparing job: every pending drop of a project into the lake, and the snapshot to learn from.

The order makes it safe to kill anywhere: lake first, then `training_due`, then the result document,
and the drops' states last. Until a drop is settled, running again does the same things over.
"""

import datetime as dt
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

from dropforge import layout
from dropforge.aws.clients import client
from dropforge.aws.documents import find_document, write_bytes, write_document
from dropforge.aws.ledger import Ledger
from dropforge.aws.projects import fetch_project
from dropforge.drops import PENDING, DropOutcome, PrepareResult, SnapshotSummary
from dropforge.errors import NoTrainingData
from dropforge.layout import S3Uri
from dropforge.project import ProjectSpec
from sagemaker_jobs.accept.drop import Acceptance, DropReader, ordered
from sagemaker_jobs.history.table import History
from sagemaker_jobs.settings import Settings, job_parser
from sagemaker_jobs.snapshot.build import build_snapshot
from sagemaker_jobs.snapshot.champion import ChampionFacts, read_champion
from sagemaker_jobs.snapshot.earlier import earlier_artifacts, earlier_parameters
from sagemaker_jobs.snapshot.judged import times_judged
from sagemaker_jobs.storage import read_if_exists, upload_file, upload_folder

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Run the job as the pipeline starts it."""
    parser = job_parser("prepare")
    parser.add_argument("--round", type=int, default=1)
    parser.add_argument("--trigger", choices=("drop", "train"), default="drop")
    parser.add_argument("--execution", default="")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment()
    spec = fetch_project(settings.lake_bucket, given.project, given.project_version)
    job = Prepare(settings, Ledger(settings.ledger_table), spec, given.run, given.round)
    result = job.run(train=given.trigger == "train")
    for drop in result.drops:
        logger.info("%s: %s, %d rows", drop.name, drop.state, drop.rows)


class Prepare:
    """One round of preparing. `history_uri` is the lake's table unless a test says otherwise."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        spec: ProjectSpec,
        run: str,
        round_: int,
        *,
        history_uri: str | None = None,
    ) -> None:
        self._lake, self._ledger, self._spec = settings.lake_bucket, ledger, spec
        self._run, self._round = run, round_
        uri = history_uri or str(layout.history_table(self._lake, spec.name))
        self._history = History(uri)
        self._result_uri = layout.prepare_result(self._lake, spec.name, run, round_)

    def run(self, *, train: bool) -> PrepareResult:
        """Accept or quarantine every pending drop; write the snapshot if training is due.

        Raises:
            NoTrainingData: a training was asked for (`train`), and there is nothing to train on.
        """
        started = time.perf_counter()
        champion = self._champion()
        with tempfile.TemporaryDirectory(prefix="prepare-") as folder:
            self._history.copies = Path(folder, "history")
            accepted = self._accept(Path(folder), champion)
            self._note_training(accepted, train)
            snapshot, problem = self._snapshot(Path(folder), champion, train)
        outcomes = [item.outcome for item in accepted]
        result = PrepareResult(
            project=self._spec.name,
            project_version=self._spec.version,
            run=self._run,
            round=self._round,
            drops=[*self._settled_before(outcomes), *outcomes],
            lake_version=self._history.version,
            training_due=snapshot is not None,
            snapshot=snapshot,
            training_problem=problem,
            scoring_uri=f"{self._scoring}/" if any(o.scoring_rows for o in outcomes) else None,
            seconds=time.perf_counter() - started,
        )
        write_document(self._result_uri, result)
        self._settle(outcomes)
        return result

    def _champion(self) -> ChampionFacts | None:
        champion = self._ledger.champion(self._spec.name)
        if champion is None:
            return None
        return read_champion(champion.version, champion.artifact_uri, read_if_exists)

    def _accept(self, folder: Path, champion: ChampionFacts | None) -> list[Acceptance]:
        reader = DropReader(
            self._spec,
            self._history,
            lambda period, drop: layout.quarantine(self._lake, self._spec.name, period, drop),
            s3=client("s3"),
            read=read_if_exists,
            write=write_bytes,
            profiles=layout.profiles(self._lake, self._spec.name),
            folder=folder,
            run=self._run,
            accepted_before=self._ledger.drops(self._spec.name, ["accepted"]),
            baseline=champion.baseline if champion else None,
        )
        pending = ordered(self._spec, self._ledger.pending(self._spec.name))
        accepted = []
        for drop in pending:
            item = reader.accept(drop)
            if item.scoring is not None:
                upload_file(item.scoring, self._scoring / item.scoring.name)
                item.scoring.unlink()
            accepted.append(item)
        return accepted

    def _note_training(self, accepted: list[Acceptance], train: bool) -> None:
        version = self._history.version
        if version is not None and (train or any(item.makes_training_due for item in accepted)):
            self._ledger.make_training_due(self._spec.name, version, self._run)

    def _snapshot(
        self, folder: Path, champion: ChampionFacts | None, train: bool
    ) -> tuple[SnapshotSummary | None, str | None]:
        """The snapshot if a training is due, or why there is nothing to learn from yet."""
        if not train and self._ledger.training_due(self._spec.name) is None:
            return None, None
        uri = layout.snapshot(self._lake, self._spec.name, self._run, self._round)
        try:
            built = build_snapshot(
                self._spec,
                self._history,
                champion,
                folder / "snapshot",
                f"{uri}/",
                judged_before=self._judged_before,
                warm_start=self._warm_start(),
                today=dt.datetime.now(dt.UTC).date(),
            )
        except NoTrainingData as problem:
            if train:
                raise
            logger.warning("training stays due: %s", problem)
            return None, problem.message
        upload_folder(built.folder, uri)
        return built.summary, None

    def _warm_start(self) -> list[dict[str, Any]]:
        name = self._spec.name
        models, champion = self._ledger.models(name), self._ledger.champion(name)
        artifacts = earlier_artifacts(models, champion)
        return earlier_parameters(artifacts, self._spec.task, self._spec.metric, read_if_exists)

    def _judged_before(self, period: str) -> int:
        return times_judged(self._lake, self._ledger, self._spec.name, period)

    def _settled_before(self, outcomes: list[DropOutcome]) -> list[DropOutcome]:
        """Drops that this very round settled before it was killed."""
        earlier = find_document(self._result_uri, PrepareResult)
        if earlier is None:
            return []
        again = {outcome.drop for outcome in outcomes}
        return [outcome for outcome in earlier.drops if outcome.drop not in again]

    def _settle(self, outcomes: list[DropOutcome]) -> None:
        for outcome in outcomes:
            if outcome.state not in PENDING:
                self._ledger.settle(
                    self._spec.name,
                    outcome.drop,
                    outcome.state,
                    run=self._run,
                    kind=outcome.kind,
                    period=outcome.period,
                    rows=outcome.rows,
                    sha256=outcome.sha256,
                    reasons=outcome.reasons,
                )

    @property
    def _scoring(self) -> S3Uri:
        return layout.scoring(self._lake, self._spec.name, self._run, self._round)
