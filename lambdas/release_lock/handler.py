"""Give a lock back; one that somebody else holds by now is left alone."""

from dropforge.ledger import LockName
from lambdas.entry import Answer, Request, takes
from lambdas.settings import LedgerSettings, load


class ReleaseRequest(Request):
    """Whose lock."""

    lock: LockName
    project: str
    execution: str


class ReleaseAnswer(Answer):
    """Whether the caller held it."""

    released: bool


@takes(ReleaseRequest)
def handler(request: ReleaseRequest) -> ReleaseAnswer:
    """Answer {released}."""
    ledger = load(LedgerSettings).ledger
    return ReleaseAnswer(released=ledger.release(request.project, request.lock, request.execution))
