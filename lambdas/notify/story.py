"""A run's documents, as far as it came, with the states that the ledger gives its drops now."""

import datetime as dt
import os

from dropforge import layout
from dropforge.aws.documents import find_document
from dropforge.aws.ledger import Ledger
from dropforge.aws.stories import as_of_now, read_documents
from dropforge.drops import DropOutcome, DropRecord, PrepareResult
from dropforge.mail import plain_cause
from dropforge.runs import Deployment, Failure, RunStory, ShadowChange
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

    A deployment that a person asked for (an approval, a rollback) is a story of its own: what it
    deployed, or how it failed. The run that made the model has been told of.
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
        done = {"deployment": _deployed(lake, request), "shadow": _shadowed(lake, request)}
        return bare if failure else bare.model_copy(update=done)
    documents = read_documents(lake, project, run)
    if request.shadow_failure is not None:
        documents["shadow"] = _unshadowed(request)
    prepared = as_of_now(settings.ledger, documents["prepared"])
    own = _unprepared(settings.ledger, request, execution, prepared)
    return bare.model_copy(update=documents | {"prepared": prepared + own})


def _deployed(lake: str, request: NotifyRequest) -> Deployment | None:
    return find_document(layout.deployment(lake, request.project, request.run), Deployment)


def _shadowed(lake: str, request: NotifyRequest) -> ShadowChange | None:
    return find_document(layout.shadow(lake, request.project, request.run), ShadowChange)


def _unshadowed(request: NotifyRequest) -> ShadowChange:
    """The run's model could not be the champion's shadow: no reason for the run to fail."""
    assert request.shadow_failure is not None  # the caller asked
    failure = Failure(**request.shadow_failure.model_dump())
    return ShadowChange(project=request.project, run=request.run, problem=plain_cause(failure))


def _unprepared(
    ledger: Ledger,
    request: NotifyRequest,
    execution: Execution | None,
    prepared: list[PrepareResult],
) -> list[PrepareResult]:
    """The drop that the run was started for, if the run ended before Prepare spoke of it."""
    own = str((execution.input if execution else {}).get("drop") or "")
    if not own or any(drop.drop == own for result in prepared for drop in result.drops):
        return []
    record = ledger.drop(request.project, own)
    if record is None:
        return []
    return [
        PrepareResult(
            project=request.project,
            project_version=request.project_version,
            run=request.run,
            round=len(prepared) + 1,
            drops=[_outcome(record)],
            snapshot=prepared[-1].snapshot if prepared else None,
        )
    ]


def _outcome(record: DropRecord) -> DropOutcome:
    return DropOutcome(
        drop=record.id,
        key=record.key,
        name=record.key.rsplit("/", 1)[-1],
        period=record.period or UNDATED,
        state=record.state,
        reasons=record.reasons,
    )
