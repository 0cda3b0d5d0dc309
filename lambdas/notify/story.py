"""A run's documents, as far as it came, with the states that the ledger gives its drops now."""

import datetime as dt
import os
from collections.abc import Iterator

from dropforge import layout
from dropforge.aws.documents import find_document
from dropforge.aws.ledger import Ledger
from dropforge.drops import DropOutcome, DropRecord, PrepareResult, ScoreResult
from dropforge.evaluation import Evaluation
from dropforge.runs import Deployment, Failure, Registration, RunStory
from dropforge.verdict import Verdict
from lambdas.executions import Execution
from lambdas.notify.request import NotifyRequest
from lambdas.settings import NotifySettings

UNDATED = "unknown"


def read_story(
    settings: NotifySettings,
    request: NotifyRequest,
    execution: Execution | None,
    failure: Failure | None = None,
) -> RunStory:
    """Read everything the run wrote; what is absent did not happen.

    A deployment that a person asked for (an approval, a rollback) wrote nothing unless it moved the
    champion, and then it did not fail: its story is its failure.
    """
    lake, project, run = settings.lake_bucket, request.project, request.run
    now = dt.datetime.now(dt.UTC)
    bare = RunStory(
        project=project,
        project_version=request.project_version,
        run=request.root,
        stage=settings.stage,
        region=os.environ.get("AWS_REGION", "unknown"),
        lake=lake,
        started_at=execution.started_at if execution else now,
        ended_at=now,
        failure=failure,
    )
    if not request.is_pipeline:
        return bare
    prepared = list(_rounds(lake, project, run))
    return bare.model_copy(
        update={
            "prepared": _as_of_now(settings.ledger, request, execution, prepared),
            "evaluation": find_document(layout.evaluation(lake, project, run), Evaluation),
            "verdict": find_document(layout.verdict(lake, project, run), Verdict),
            "registration": find_document(layout.registration(lake, project, run), Registration),
            "deployment": find_document(layout.deployment(lake, project, run), Deployment),
            "scored": find_document(layout.score_result(lake, project, run), ScoreResult),
        }
    )


def _rounds(lake: str, project: str, run: str) -> Iterator[PrepareResult]:
    """The rounds of Prepare, from 1 to the last that finished."""
    number = 1
    while result := find_document(layout.prepare_result(lake, project, run, number), PrepareResult):
        yield result
        number += 1


def _as_of_now(
    ledger: Ledger,
    request: NotifyRequest,
    execution: Execution | None,
    prepared: list[PrepareResult],
) -> list[PrepareResult]:
    """What Prepare found, with the drops' states of now: some were settled after it.

    A run that failed before Prepare ended still speaks of the drop it was started for.
    """
    seen: dict[str, DropOutcome] = {d.drop: d for result in prepared for d in result.drops}
    own = str((execution.input if execution else {}).get("drop") or "")
    records = {key: ledger.drop(request.project, key) for key in [*seen, *([own] if own else [])]}
    outcomes = [
        _outcome(record, seen.get(key)) for key, record in records.items() if record is not None
    ]
    if not outcomes:
        return prepared
    last = PrepareResult(
        project=request.project,
        project_version=request.project_version,
        run=request.run,
        round=len(prepared) + 1,
        drops=outcomes,
        snapshot=prepared[-1].snapshot if prepared else None,
    )
    return [*prepared, last]


def _outcome(record: DropRecord, found: DropOutcome | None) -> DropOutcome:
    if found is not None:
        return found.model_copy(
            update={"state": record.state, "reasons": record.reasons or found.reasons}
        )
    return DropOutcome(
        drop=record.id,
        key=record.key,
        name=record.key.rsplit("/", 1)[-1],
        period=record.period or UNDATED,
        state=record.state,
        reasons=record.reasons,
    )
