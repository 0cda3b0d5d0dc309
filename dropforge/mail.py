"""Mails: the verdict first, then why, then figures, then what to do next. Plain text, no values.

The subject keeps what SNS accepts: ASCII, under 100 characters, no line breaks
(https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Literal

from dropforge.drops import DropOutcome, DropRecord, Reason
from dropforge.evaluation import HIGHER_IS_BETTER, Evaluation, Interval
from dropforge.period import Period
from dropforge.runs import Failure, RunStory
from dropforge.verdict import Verdict

Event = Literal["results", "failures", "approvals"]

METRIC_NAMES = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier",
}


@dataclass(frozen=True)
class Mail:
    """One mail. `event` chooses who receives it."""

    event: Event
    subject: str
    body: str


def result_mail(story: RunStory) -> Mail:
    """The mail of a run that ended as it should, whatever the verdict."""
    where = f"{story.project}/{story.stage}"
    awaiting = story.registration is not None and story.registration.status == "PendingManualApproval"
    parts = [_lead(story), *_judged(story), *_approval(story)]
    parts += [*_scored(story), *_files(story), *_drift(story), _places(story), _next(story)]
    return Mail(
        event="approvals" if awaiting else "results",
        subject=_subject(f"[{where}] {_headline(story)}"),
        body=_join(parts),
    )


def failure_mail(story: RunStory, *, project: str, training_due: bool, held_lock: bool) -> Mail:
    """The mail of a run that failed: where, why, what is unchanged, what to do."""
    failure = story.failure or Failure(step="unknown", error="unknown", cause="")
    changed = [f"  - {line}" for line in _changed(story)] or ["  - nothing"]
    unchanged = [f"  - {line}" for line in _unchanged(story)]
    retry = f"dropforge train {project}" if training_due else f"dropforge redrive {project}"
    lines = [
        f"FAILED: {failure.step} did not finish"
        + (f" (attempt {failure.attempt})." if failure.attempt > 1 else "."),
        f"Cause: {plain_cause(failure)}",
        "",
        "Changed:",
        *changed,
        "Not changed:",
        *unchanged,
    ]
    if held_lock:
        lines.append("  - the project's lock was released: the next file runs")
    lines += [
        "",
        "What to do (no file must be uploaded again):",
        f"  {retry}",
        f"  dropforge run show {story.run}",
    ]
    if failure.log:
        lines += ["", f"The last lines of {failure.job}:", *(f"  | {line}" for line in failure.log)]
    for files in _files(story):
        lines += ["", *files]
    lines += ["", f"Run {story.run}, {story.ended_at:%Y-%m-%d %H:%M} UTC, {_took(story)}."]
    return Mail(
        event="failures",
        subject=_subject(f"[{project}/{story.stage}] FAILED at {failure.step}: {plain_cause(failure)}"),
        body=_join([lines]),
    )


def intake_mail(record: DropRecord, stage: str, quarantine_uri: str) -> Mail:
    """The mail of a file that intake refused before any run."""
    name = record.key.rsplit("/", 1)[-1]
    lines = [
        f"QUARANTINED: {name} was not taken.",
        "",
        *_reasons(record.reasons),
        "",
        "Nothing else was changed. The file is still in the drop bucket:",
        f"  s3://{record.bucket}/{record.key} (version {record.version})",
        f"Reasons as JSON: {quarantine_uri}",
        "",
        "What to do: correct the file or its name and drop it again.",
    ]
    return Mail(
        event="failures",
        subject=_subject(f"[{record.project}/{stage}] QUARANTINED {name}: {_first(record.reasons)}"),
        body=_join([lines]),
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
        return _one_line(failure.cause) or failure.error
    for key in ("ExitMessage", "FailureReason", "errorMessage", "Cause"):
        if text := cause.get(key):
            if key == "Cause":
                return plain_cause(Failure(step=failure.step, error=failure.error, cause=str(text)))
            return _one_line(str(text))
    return failure.error


def _headline(story: RunStory) -> str:
    verdict, evaluation = story.verdict, story.evaluation
    if verdict is not None and evaluation is not None:
        word = _word(story)
        metric = evaluation.metric
        text = f"{word} {evaluation.holdout.period}: {METRIC_NAMES[metric]} "
        text += f"{evaluation.challenger.metrics[metric].value:.3f}"
        if evaluation.comparison:
            text += f" ({evaluation.comparison.differences[metric].value:+.3f})"
        return text
    if story.scored and story.scored.drops:
        rows = sum(drop.rows for drop in story.scored.drops)
        return f"SCORED {', '.join(d.period for d in story.scored.drops)}: {rows:,} rows"
    if refused := [drop for drop in story.drops if drop.state == "quarantined"]:
        return f"QUARANTINED {refused[0].name}: {_first(refused[0].reasons)}"
    if failed := [drop for drop in story.drops if drop.state == "failed"]:
        return f"NOT SCORED {failed[0].name}: {_first(failed[0].reasons)}"
    if duplicates := [drop for drop in story.drops if drop.state == "duplicate"]:
        return f"DUPLICATE {duplicates[0].name}: these bytes were taken before"
    if story.drops:
        return f"ACCEPTED {', '.join(drop.name for drop in story.drops)}"
    return "NOTHING TO DO"


def _word(story: RunStory) -> str:
    assert story.verdict is not None
    if story.verdict.verdict == "PROMOTE":
        awaiting = story.registration and story.registration.status == "PendingManualApproval"
        return "APPROVAL NEEDED" if awaiting else "PROMOTED"
    return "HELD" if story.verdict.verdict == "HOLD" else "REJECTED"


def _lead(story: RunStory) -> list[str]:
    verdict, evaluation = story.verdict, story.evaluation
    if verdict is None or evaluation is None:
        return [f"{_headline(story)}."]
    word = _word(story)
    if word == "PROMOTED":
        now = "is now live" if _endpoint(story) else "is now the model in production (batch only)"
        lines = [f"PROMOTED: {verdict.headline}. Model {_new(story)} {now}."]
    elif word == "APPROVAL NEEDED":
        lines = [f"APPROVAL NEEDED: {verdict.headline}. Nothing is deployed until a person approves."]
    elif word == "HELD":
        lines = [
            f"HELD: {verdict.headline}.",
            "This is normal: a new model replaces the current one only when it is better beyond doubt.",
        ]
    else:
        lines = [f"REJECTED: {verdict.headline}. The model in production is unchanged."]
    return [*lines, *_holdout(evaluation)]


def _holdout(evaluation: Evaluation) -> list[str]:
    holdout = evaluation.holdout
    when = Period.from_canonical(holdout.period).spoken
    unseen = "that neither model had seen" if evaluation.champion else "kept apart from training"
    line = f"Judged on {holdout.rows:,} rows of {when} ({holdout.positives:,} positive) {unseen}."
    if holdout.seen_rows:
        line += f" {holdout.seen_rows:,} rows were left out: the current model has seen them."
    return [line]


def _judged(story: RunStory) -> list[list[str]]:
    if story.verdict is None or story.evaluation is None:
        return []
    return [_table(story.evaluation, _new(story)), _rules(story.verdict)]


def _new(story: RunStory) -> str:
    return f"v{story.registration.version}" if story.registration else "(not registered)"


def _table(evaluation: Evaluation, name: str) -> list[str]:
    new, old, comparison = evaluation.challenger, evaluation.champion, evaluation.comparison
    columns = [f"new {name}"]
    if old:
        columns = [f"champion v{old.version}", *columns, "change (90% CI)"]
    rows = []
    for metric in HIGHER_IS_BETTER:
        if metric not in new.metrics:
            continue
        cells = [f"{new.metrics[metric].value:.4f}"]
        if old and metric in old.metrics:
            cells = [f"{old.metrics[metric].value:.4f}", *cells]
            cells += [_interval(comparison.differences[metric])] if comparison else [""]
        rows.append((METRIC_NAMES[metric], cells))
    flagged = [f"{new.flagged:.1%}"]
    if old:
        flagged = [f"{old.flagged:.1%}", *flagged]
        flagged += [f"{(new.flagged - old.flagged) * 100:+.1f} pt"]
    rows.append(("Flagged", flagged))
    lines = [" " * 20 + "".join(f"{column:>16}" for column in columns[:2]) + "".join(
        f"   {column}" for column in columns[2:]
    )]
    for label, cells in rows:
        lines.append(
            f"{label:<20}" + "".join(f"{c:>16}" for c in cells[:2]) + "".join(f"   {c}" for c in cells[2:])
        )
    if comparison:
        lines.append(f"Decisions changed   {comparison.decisions_changed:,} of {comparison.rows:,}")
    return lines


def _interval(interval: Interval) -> str:
    return f"{interval.value:+.4f} ({interval.low:+.4f}..{interval.high:+.4f})"


def _rules(verdict: Verdict) -> list[str]:
    counted = [rule for rule in verdict.rules if rule.outcome != "not assessed"]
    if not verdict.rules:
        return ["Rules: the project asks for none."]
    lines = [f"Rules: {verdict.passed} of {len(counted)} passed"]
    marks = {"passed": "passed", "failed": "FAILED", "not assessed": "not assessed"}
    for rule in verdict.rules:
        lines.append(f"  {marks[rule.outcome]:<13} {rule.name}: {rule.observed} ({rule.required})")
    return lines


def _approval(story: RunStory) -> list[list[str]]:
    registration = story.registration
    if registration is None or registration.status != "PendingManualApproval":
        return []
    return [
        [
            "To approve and deploy it:",
            "  aws sagemaker update-model-package --model-approval-status Approved \\",
            f"    --model-package-arn {registration.model_package_arn}",
        ]
    ]


def _scored(story: RunStory) -> list[list[str]]:
    if story.scored is None or not story.scored.drops:
        return []
    lines = [f"Scored with model v{story.scored.model_version}:"]
    for drop in story.scored.drops:
        lines.append(f"  {drop.name}: {drop.rows:,} rows, {drop.flagged:,} flagged")
        lines.append(f"    {drop.predictions_uri}")
    return [lines]


def _files(story: RunStory) -> list[list[str]]:
    if not story.drops:
        return []
    lines = ["Files:"]
    for drop in story.drops:
        lines += _file(drop)
    return [lines]


def _file(drop: DropOutcome) -> list[str]:
    detail = {
        "accepted": f"{drop.rows:,} rows, {drop.rejected:,} rejected",
        "started": f"{drop.rows:,} rows read",
        "claimed": f"{drop.rows:,} rows read",
        "duplicate": "these bytes were taken before: nothing changed",
        "quarantined": "not taken",
        "failed": "not finished",
    }[drop.state]
    if drop.replaced:
        detail += f"; replaced {drop.replaced_rows:,} earlier rows of {drop.period}"
    state = "accepted" if drop.state in ("started", "claimed") and not drop.reasons else drop.state
    lines = [f"  {drop.name}: {state}, {detail}"]
    lines += [f"    {line}" for line in _reasons(drop.reasons)]
    lines += [f"    Warning: {warning}" for warning in drop.warnings]
    if drop.quarantine_uri:
        lines.append(f"    Explained in {drop.quarantine_uri}")
    return lines


def _reasons(reasons: list[Reason]) -> list[str]:
    lines = []
    for reason in reasons:
        where = ", ".join(
            part
            for part in (
                f"line {reason.line}" if reason.line else "",
                f"column {reason.column}" if reason.column else "",
            )
            if part
        )
        lines.append(f"{'At ' + where + ': ' if where else ''}{reason.message}")
    return lines


def _drift(story: RunStory) -> list[list[str]]:
    drift = story.evaluation.drift if story.evaluation else []
    drift = drift or [column for drop in story.drops for column in drop.drift]
    measured = sorted((d for d in drift if d.psi is not None), key=lambda d: -(d.psi or 0.0))
    if not measured:
        return []
    top = ", ".join(f"{d.column} {d.psi:.2f}{' ALARM' if d.alarm else ''}" for d in measured[:5])
    return [[f"Drift against the current model's baseline (PSI): {top}"]]


def _places(story: RunStory) -> list[str]:
    lines = []
    if story.evaluation:
        lines.append(f"Report: {story.evaluation.report_uri}")
    if endpoint := _endpoint(story):
        lines.append(f"Endpoint: {endpoint}")
    return [*lines, f"Took {_took(story)}. Run {story.run}."]


def _next(story: RunStory) -> list[str]:
    deployment = story.deployment
    if refused := [drop for drop in story.drops if drop.state == "quarantined"]:
        return [f"What to do: correct {', '.join(d.name for d in refused)} and drop it again."]
    if deployment and deployment.action in ("created", "updated") and deployment.previous:
        return [f"Undo: dropforge rollback {story.project} --to {deployment.previous}"]
    if any(drop.state == "failed" for drop in story.drops):
        return [f"What to do: dropforge redrive {story.project}"]
    return [f"Next: dropforge run show {story.run}"]


def _changed(story: RunStory) -> list[str]:
    lines = []
    accepted = [d for d in story.drops if d.state == "accepted" and d.kind == "labelled"]
    if accepted:
        lines.append(f"{', '.join(d.name for d in accepted)} joined the history")
    if story.registration:
        lines.append(f"model v{story.registration.version} was registered ({story.registration.status})")
    return lines


def _unchanged(story: RunStory) -> list[str]:
    lines = ["the files in the drop bucket"]
    if story.deployment is None or story.deployment.action in ("none", "unchanged"):
        lines.append("the model in production and its endpoint")
    return lines


def _endpoint(story: RunStory) -> str | None:
    return story.deployment.endpoint if story.deployment else None


def _first(reasons: list[Reason]) -> str:
    return reasons[0].message if reasons else "see the reasons file"


def _took(story: RunStory) -> str:
    return spoken_duration(story.duration)


def spoken_duration(duration: dt.timedelta) -> str:
    """`8 s`, `6 min 12 s`, `2 h 3 min`."""
    seconds = max(0, round(duration.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def _subject(text: str) -> str:
    ascii_text = _one_line(text).encode("ascii", "replace").decode()
    return ascii_text if len(ascii_text) < 100 else ascii_text[:96] + "..."


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _join(parts: list[list[str]]) -> str:
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"
