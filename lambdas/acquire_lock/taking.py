"""A lock is taken when it is free, when it is ours already, or when its holder ended.

A run is *covered* when another run settled its drop and nothing is left that it should do. That is
asked before the lock is taken (a covered run need not wait) and again after (the other run may have
finished in between); a covered run never keeps the lock.
"""

from dropforge.aws.ledger import Ledger
from dropforge.drops import PENDING
from dropforge.ledger import LockName
from lambdas.acquire_lock.disk import disk_gb
from lambdas.entry import Answer, Request
from lambdas.executions import find_execution


class LockRequest(Request):
    """Who asks for which lock, and why it runs: `drop`, `train`, or a deployment's reason."""

    lock: LockName
    project: str
    execution: str
    drop: str | None = None
    trigger: str | None = None


class LockAnswer(Answer):
    """Whether the caller holds the lock now, and who does otherwise.

    `disk_gb` is what the files that wait now need beyond every job's own disk.
    """

    acquired: bool
    covered: bool = False
    holder: str | None = None
    disk_gb: int = 0


def acquire(ledger: Ledger, request: LockRequest) -> LockAnswer:
    """Take the lock, or say why not."""
    if is_covered(ledger, request):
        # An earlier attempt of this very state may have taken the lock before it died.
        ledger.release(request.project, request.lock, request.execution)
        return LockAnswer(acquired=False, covered=True)
    answer = _take(ledger, request)
    if answer.acquired and is_covered(ledger, request):
        ledger.release(request.project, request.lock, request.execution)
        return LockAnswer(acquired=False, covered=True)
    if answer.acquired and request.lock == "pipeline":
        needed = disk_gb(ledger.pending(request.project))
        return answer.model_copy(update={"disk_gb": needed})
    return answer


def is_covered(ledger: Ledger, request: LockRequest) -> bool:
    """Whether another run did what this one was started for.

    A training that a run tried and failed is nobody's duty until new rows arrive or a person asks
    (`dropforge train`): the runs that waited behind it would only fail alike.
    """
    if request.lock != "pipeline" or request.trigger != "drop" or request.drop is None:
        return False
    record = ledger.drop(request.project, request.drop)
    if record is None or record.state in PENDING:
        return False
    due = ledger.training_due(request.project)
    return due is None or due.failed_run is not None


def _take(ledger: Ledger, request: LockRequest) -> LockAnswer:
    """Take the lock if nobody who still runs holds it."""
    taken = LockAnswer(acquired=True, holder=request.execution)
    if ledger.acquire(request.project, request.lock, request.execution):
        return taken
    lock = ledger.lock(request.project, request.lock)
    if lock is None:  # given back between the two calls: the machine asks again
        return LockAnswer(acquired=False)
    held = LockAnswer(acquired=False, holder=lock.holder)
    execution = find_execution(lock.holder)
    if execution is not None and execution.running:
        return held
    # The holder ended without giving the lock back. Of several who see that, one gets it.
    instead = ledger.acquire(
        request.project, request.lock, request.execution, instead_of=lock.holder
    )
    return taken if instead else held
