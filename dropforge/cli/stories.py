"""A run's documents, read back from the lake: whatever is absent did not happen."""

import datetime as dt

from dropforge import layout
from dropforge.aws.documents import find_document
from dropforge.cli.executions import Execution
from dropforge.cli.session import Session
from dropforge.drops import PrepareResult, ScoreResult
from dropforge.evaluation import Evaluation
from dropforge.runs import Deployment, Registration, RunStory
from dropforge.verdict import Verdict


def read_story(session: Session, execution: Execution) -> RunStory:
    """Everything that a run of the pipeline wrote about itself so far."""
    lake, project, run = session.stack.lake_bucket, execution.project, execution.name
    return RunStory(
        project=project,
        project_version=str(execution.input.get("project_version", "")),
        run=run,
        stage=session.stage,
        region=session.cloud.region,
        lake=lake,
        started_at=execution.started_at,
        ended_at=execution.ended_at or dt.datetime.now(dt.UTC),
        prepared=[_as_of_now(session, found) for found in _prepared(lake, project, run)],
        evaluation=find_document(layout.evaluation(lake, project, run), Evaluation),
        verdict=find_document(layout.verdict(lake, project, run), Verdict),
        registration=find_document(layout.registration(lake, project, run), Registration),
        deployment=find_document(layout.deployment(lake, project, run), Deployment),
        scored=find_document(layout.score_result(lake, project, run), ScoreResult),
    )


def _prepared(lake: str, project: str, run: str) -> list[PrepareResult]:
    results: list[PrepareResult] = []
    while found := find_document(
        layout.prepare_result(lake, project, run, len(results) + 1), PrepareResult
    ):
        results.append(found)
    return results


def _as_of_now(session: Session, result: PrepareResult) -> PrepareResult:
    """What Prepare found, with the states that the ledger gives the drops now."""
    drops = []
    for drop in result.drops:
        record = session.ledger.drop(result.project, drop.drop)
        now = {"state": record.state, "reasons": record.reasons or drop.reasons} if record else {}
        drops.append(drop.model_copy(update=now))
    return result.model_copy(update={"drops": drops})
