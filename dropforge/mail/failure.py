"""The mails of what went wrong: a run that failed, a file that no run was started for."""

import json

from dropforge.drops import DropRecord
from dropforge.mail.files import files, first_reason, reason_lines
from dropforge.mail.text import Mail, join, one_line, subject, took
from dropforge.runs import Failure, RunStory

KILLED = "exit code: 137"
"""128 + 9: the process got SIGKILL, which it cannot answer."""


def failure_mail(
    story: RunStory,
    *,
    project: str,
    training_due: bool,
    held_lock: bool,
    version: str | None = None,
    repeat: str | None = None,
) -> Mail:
    """The mail of a run that failed: where, why, what is unchanged, what to do.

    `version` is given for a deployment on its own: the model version it was to deploy. `repeat` is
    what repeats it where a rollback does not: the `shadow` or `deploy` of `dropforge endpoint`.
    """
    failure = story.failure or Failure(step="unknown", error="unknown", cause="")
    killed = KILLED in plain_cause(failure)
    commands = (
        [f"dropforge endpoint {repeat} {project}", "dropforge doctor"]
        if repeat
        else _commands(story, project, training_due, version)
    )
    changed = [f"  - {line}" for line in _changed(story)] or ["  - nothing"]
    unchanged = [f"  - {line}" for line in _unchanged(story)]
    lines = [
        f"FAILED: {failure.step} did not finish"
        + (f" (attempt {failure.attempt})." if failure.attempt > 1 else "."),
        f"Cause: {plain_cause(failure)}",
        *(["It was killed from outside, most often for lack of memory."] if killed else []),
        "",
        "Changed:",
        *changed,
        "Not changed:",
        *unchanged,
    ]
    if held_lock:
        lines += ["", "The project's lock was released: the next file runs."]
    lines += [
        "",
        "What to do (no file must be uploaded again):",
        *(f"  {command}" for command in commands),
    ]
    if failure.log:
        lines += ["", f"The last lines of {failure.job}:", *(f"  | {line}" for line in failure.log)]
    for listed in files(story):
        lines += ["", *listed]
    lines += ["", f"Run {story.run}, {story.ended_at:%Y-%m-%d %H:%M} UTC, {took(story)}."]
    return Mail(
        event="failures",
        subject=subject(
            f"[{project}/{story.stage}] FAILED at {failure.step}: {plain_cause(failure)}"
        ),
        body=join([lines], story.stage),
    )


def _commands(story: RunStory, project: str, training_due: bool, version: str | None) -> list[str]:
    if version is not None:
        # It may never have been in production.
        return [f"dropforge rollback {project} --to {version} --anyway", "dropforge doctor"]
    failed = any(drop.state == "failed" for drop in story.drops)
    commands = [f"dropforge redrive {project}"] if failed or not training_due else []
    commands += [f"dropforge train {project}"] if training_due else []
    return [*commands, f"dropforge run show {story.run}"]


def intake_mail(record: DropRecord, stage: str, quarantine_uri: str) -> Mail:
    """The mail of a file that intake refused before any run."""
    name = record.key.rsplit("/", 1)[-1]
    lines = [
        f"QUARANTINED: {name} was not taken.",
        "",
        *reason_lines(record.reasons),
        "",
        "Nothing else was changed. The file is still in the drop bucket:",
        f"  s3://{record.bucket}/{record.key} (version {record.version})",
        f"Reasons as JSON: {quarantine_uri}",
        "",
        "What to do: correct the file or its name and drop it again.",
    ]
    return Mail(
        event="failures",
        subject=subject(
            f"[{record.project}/{stage}] QUARANTINED {name}: {first_reason(record.reasons)}"
        ),
        body=join([lines], stage),
    )


def plain_cause(failure: Failure) -> str:
    """The failure's cause in one plain line, taken out of the JSON that Step Functions gives.

    A `.sync` job's cause is its describe document, a function's is {errorType, errorMessage}.
    """
    try:
        cause = json.loads(failure.cause)
    except ValueError:
        cause = None
    if not isinstance(cause, dict):
        return one_line(failure.cause) or failure.error or "no cause was given"
    for key in ("ExitMessage", "FailureReason", "errorMessage", "Cause"):
        if text := cause.get(key):
            if key == "Cause":
                return plain_cause(Failure(step=failure.step, error=failure.error, cause=str(text)))
            return one_line(str(text))
    return failure.error or "no cause was given"


def _changed(story: RunStory) -> list[str]:
    lines = []
    accepted = [d for d in story.drops if d.state == "accepted" and d.kind == "labelled"]
    if accepted:
        lines.append(f"{', '.join(d.name for d in accepted)} joined the history")
    if story.registration:
        lines.append(
            f"model v{story.registration.version} was registered ({story.registration.status})"
        )
    return lines


def _unchanged(story: RunStory) -> list[str]:
    lines = ["the files in the drop bucket"]
    if story.deployment is None or story.deployment.action in ("none", "unchanged"):
        lines.append("the model in production and its endpoint")
    return lines
