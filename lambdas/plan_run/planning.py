"""The plan of a run, as a pure function of its state."""

from dropforge.aws.ledger import Ledger
from dropforge.drops import DropOutcome, Reason
from lambdas.plan_run.request import PlanAnswer, PlanRequest
from lambdas.plan_run.state import RunState

MAX_ROUNDS = 20
"""Drops that arrive faster than Prepare reads them wait for the next run after that."""

__all__ = ["MAX_ROUNDS", "PlanAnswer", "PlanRequest", "no_model_yet", "plan", "refuse_unscorable"]


def plan(request: PlanRequest, state: RunState) -> PlanAnswer:
    """Decide what follows Prepare.

    Scoring waits for a training of the same run, so it is planned even without a champion if there
    is a training that may bring one.
    """
    again = request.round < MAX_ROUNDS and bool(state.newcomers)
    train = not again and _trains(request, state)
    score = not again and bool(state.latest.to_score) and (train or state.champion is not None)
    return PlanAnswer(
        again=again,
        train=train,
        score=score,
        snapshot_uri=state.latest.snapshot.uri if train and state.latest.snapshot else None,
        scoring_uri=state.latest.scoring_uri if score else None,
        processing_instance_types=state.spec.resources.processing,
        training_instance_types=state.spec.resources.training,
        reference=state.spec.reference,
    )


def _trains(request: PlanRequest, state: RunState) -> bool:
    """Whether labelled rows wait for a verdict that this run should give.

    A training that failed before is tried again when new labelled rows arrived (which makes it due
    anew), when a person asks, or when the failed run itself is redriven; not for every file that
    only wants a score.
    """
    if state.due is None or state.latest.snapshot is None:
        return False
    return request.trigger == "train" or state.due.failed_run in (None, request.run)


def no_model_yet(project: str) -> Reason:
    """Why a file without labels could not be scored."""
    return Reason(
        code="no_model",
        message=f"There is no model of {project} yet that could score it. Drop a labelled file; "
        f"once a model is promoted: dropforge redrive {project}",
    )


def refuse_unscorable(ledger: Ledger, project: str, run: str, drops: list[DropOutcome]) -> None:
    """Mark drops failed that want a score although there is no model: they can be redriven."""
    for drop in drops:
        ledger.settle(
            project,
            drop.drop,
            "failed",
            run=run,
            period=drop.period,
            kind=drop.kind,
            reasons=[no_model_yet(project)],
        )
