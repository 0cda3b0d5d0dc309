"""The mail is the last thing done, and is claimed once for each try of the execution.

Whatever comes before it can be repeated: a second caller (the machine's Catch and the status event
both come here) finds the work done and the mail sent.
"""

from dropforge.mail import deployed_mail, failure_mail, result_mail, shadow_mail
from dropforge.runs import Failure, RunStory
from lambdas.executions import Execution, find_execution
from lambdas.notify.cause import find_failure
from lambdas.notify.request import NotifyRequest
from lambdas.notify.settling import settle_failure, settle_result
from lambdas.notify.story import read_story
from lambdas.sending import send_once
from lambdas.settings import NotifySettings


def tell_result(settings: NotifySettings, request: NotifyRequest) -> bool:
    """Mail what a run achieved; True if this call sent it."""
    execution = find_execution(request.execution)
    story = read_story(settings, request, execution)
    if request.is_pipeline:
        settle_result(settings.ledger, story)
        story = read_story(settings, request, execution)
        letter = result_mail(story)
    elif _reason(execution) == "shadow":
        letter = shadow_mail(story)
    else:
        letter = deployed_mail(story, _reason(execution))
    sent = send_once(
        settings.ledger, settings.topic_arn, request.project, _key(request, execution), letter
    )
    _mark(settings, story)
    return sent


def tell_failure(settings: NotifySettings, request: NotifyRequest) -> bool:
    """Put the project in order after a failed run, and mail what happened."""
    assert request.failure is not None  # the request's own validator
    execution = find_execution(request.execution)
    failure = find_failure(Failure(**request.failure.model_dump()))
    story = read_story(settings, request, execution, failure)
    order = settle_failure(settings.ledger, request, story)
    if order.settled:
        story = read_story(settings, request, execution, failure)
    letter = failure_mail(
        story,
        project=request.project,
        training_due=order.training_due,
        held_lock=order.held_lock,
        version=_deploying(request, execution),
        repeat=None if request.is_pipeline else _repeat(execution),
    )
    sent = send_once(
        settings.ledger, settings.topic_arn, request.project, _key(request, execution), letter
    )
    _mark(settings, story)
    return sent


def _reason(execution: Execution | None) -> str:
    """Why a deployment on its own was started."""
    return str(execution.input.get("reason", "promote")) if execution else "promote"


def _repeat(execution: Execution | None) -> str | None:
    """The `dropforge endpoint` command that repeats a deployment of the champion itself."""
    if _reason(execution) == "shadow":
        return "shadow"
    given = execution.input if execution else {}
    same = "version" in given and given.get("expected_champion") == given["version"]
    return "deploy" if same else None


def _deploying(request: NotifyRequest, execution: Execution | None) -> str | None:
    """The version that a deployment on its own was to deploy."""
    if request.is_pipeline or execution is None:
        return None
    return str(execution.input["version"])


def _key(request: NotifyRequest, execution: Execution | None) -> str:
    """What the mail is claimed by: an execution that a person redrives gets a mail of its own."""
    redrives = execution.redrives if execution else 0
    return f"{request.root}+{redrives}" if redrives else request.root


def _mark(settings: NotifySettings, story: RunStory) -> None:
    """Note that these files were told of."""
    settings.ledger.mark_mailed(story.project, [drop.drop for drop in story.drops], story.run)
