"""What a run leaves in order: its drops settled, its training marked, its lock given back."""

from dataclasses import dataclass

from dropforge.aws.ledger import Ledger
from dropforge.drops import PENDING, DropOutcome, Reason
from dropforge.mail import plain_cause
from dropforge.runs import RunStory
from lambdas.notify.request import NotifyRequest
from lambdas.plan_run.planning import refuse_unscorable


@dataclass(frozen=True)
class Order:
    """What was put in order after a failure, for the mail."""

    training_due: bool
    held_lock: bool
    settled: bool = False


def settle_result(ledger: Ledger, story: RunStory) -> None:
    """Settle the drops that wanted a score that no model could give.

    The training of this very run might have brought one, so it is only known now.
    """
    if ledger.champion(story.project) is not None:
        return
    waiting = [drop for drop in story.drops if drop.state in PENDING and drop.scoring_rows]
    refuse_unscorable(ledger, story.project, story.run, waiting)


def settle_failure(ledger: Ledger, request: NotifyRequest, story: RunStory) -> Order:
    """Mark the failed run's own drop and training, and free the project.

    A deployment on its own has no drops, and its machine gave its lock back.
    """
    due = ledger.training_due(request.project)
    if not request.is_pipeline:
        return Order(training_due=False, held_lock=False)
    own = [d for d in story.drops if d.state in PENDING and _is_own(ledger, request, d)]
    for drop in own:
        ledger.settle(
            request.project, drop.drop, "failed", run=request.run, reasons=[_reason(story)]
        )
    if due is not None and due.lake_version <= _snapshot_version(story):
        ledger.training_failed(request.project, request.run)
    held = ledger.release(request.project, "pipeline", request.execution)
    return Order(training_due=due is not None, held_lock=held, settled=bool(own))


def _is_own(ledger: Ledger, request: NotifyRequest, drop: DropOutcome) -> bool:
    """Whether this execution is the drop's: another's drop is taken up by its own, which waits."""
    record = ledger.drop(request.project, drop.drop)
    return record is not None and record.execution == request.execution


def _snapshot_version(story: RunStory) -> int:
    """The history's version that this run was about to train on; -1 if it came not so far."""
    versions = [result.snapshot.lake_version for result in story.prepared if result.snapshot]
    return max(versions, default=-1)


def _reason(story: RunStory) -> Reason:
    assert story.failure is not None  # only failed runs are settled so
    return Reason(
        code="run_failed",
        message=f"The run {story.run} failed at {story.failure.step}: {plain_cause(story.failure)}",
    )
