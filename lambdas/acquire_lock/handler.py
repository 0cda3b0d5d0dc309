"""Take the project's lock, or say who holds it, or that another run did this run's work."""

from lambdas.acquire_lock.taking import LockAnswer, LockRequest, acquire
from lambdas.entry import takes
from lambdas.settings import LedgerSettings, load


@takes(LockRequest)
def handler(request: LockRequest) -> LockAnswer:
    """Answer {acquired, covered, holder}."""
    return acquire(load(LedgerSettings).ledger, request)
