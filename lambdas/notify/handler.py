"""The last state of every run: tell people. On failure, first put the project in order."""

from lambdas.entry import takes
from lambdas.notify.request import NotifyAnswer, NotifyRequest
from lambdas.notify.telling import tell_failure, tell_result
from lambdas.settings import NotifySettings, load


@takes(NotifyRequest)
def handler(request: NotifyRequest) -> NotifyAnswer:
    """Answer {sent}: False if the run's mail went out before."""
    settings = load(NotifySettings)
    tell = tell_failure if request.kind == "failure" else tell_result
    return NotifyAnswer(sent=tell(settings, request))
