"""The mail of a run that ended as it should, whatever the verdict."""

from dropforge.drops import ColumnDrift
from dropforge.evaluation import Evaluation
from dropforge.mail.approval import approval_lines, awaits_approval
from dropforge.mail.deployed import deployment_notes
from dropforge.mail.figures import headline_figure, holdout_lines, rule_lines, table
from dropforge.mail.files import files, first_reason
from dropforge.mail.remarks import remark_lines
from dropforge.mail.text import Event, Mail, join, subject, took
from dropforge.runs import RunStory
from dropforge.verdict import Verdict

LISTED_PSI = 0.02
MOST_DRIFT = 5


def result_mail(story: RunStory) -> Mail:
    """The mail of a run that ended as it should, whatever the verdict."""
    where = f"{story.project}/{story.stage}"
    parts = [_lead(story), *approval_lines(story), *_judged(story), *_scored(story)]
    parts += [*files(story), *_drift(story), _places(story), _notes(story), _next(story)]
    return Mail(
        event=_event(story),
        subject=subject(f"[{where}] {_headline(story)}"),
        body=join(parts, story.stage),
    )


def _event(story: RunStory) -> Event:
    if awaits_approval(story):
        return "approvals"
    if story.verdict is None and story.scored is None:
        wrong = any(drop.state in ("quarantined", "failed") for drop in story.drops)
        return "failures" if wrong else "results"
    return "results"


def _headline(story: RunStory) -> str:
    verdict, evaluation = story.verdict, story.evaluation
    if verdict is not None and evaluation is not None:
        broken = "".join(f"{title}; " for title in _broken(verdict, evaluation))
        return f"{_word(story)} {evaluation.holdout.period}: {broken}{headline_figure(evaluation)}"
    if story.scored and story.scored.drops:
        rows = sum(drop.rows for drop in story.scored.drops)
        flagged = [drop.flagged for drop in story.scored.drops if drop.flagged is not None]
        told = f", {sum(flagged):,} flagged" if flagged else ""
        return f"SCORED {', '.join(d.period for d in story.scored.drops)}: {rows:,} rows{told}"
    if refused := [drop for drop in story.drops if drop.state == "quarantined"]:
        return f"QUARANTINED {refused[0].name}: {first_reason(refused[0].reasons)}"
    if failed := [drop for drop in story.drops if drop.state == "failed"]:
        return f"NOT SCORED {failed[0].name}: {first_reason(failed[0].reasons)}"
    if duplicates := [drop for drop in story.drops if drop.state == "duplicate"]:
        return f"DUPLICATE {duplicates[0].name}: these bytes were taken before"
    if story.drops:
        return f"ACCEPTED {', '.join(drop.name for drop in story.drops)}"
    return "NOTHING TO DO"


def _broken(verdict: Verdict, evaluation: Evaluation) -> list[str]:
    """The rules that rejected the model, but for a bound of the figure that is told anyway."""
    failed = [rule for rule in verdict.rules if rule.outcome == "failed"]
    if verdict.verdict != "REJECT":
        return []
    return [r.title for r in failed if r.level == "absolute" and r.name != evaluation.metric]


def _word(story: RunStory) -> str:
    assert story.verdict is not None
    if story.verdict.verdict == "PROMOTE":
        return "APPROVAL NEEDED" if awaits_approval(story) else "PROMOTED"
    return "HELD" if story.verdict.verdict == "HOLD" else "REJECTED"


def _lead(story: RunStory) -> list[str]:
    verdict, evaluation = story.verdict, story.evaluation
    if verdict is None or evaluation is None:
        untouched = all(drop.state in ("quarantined", "duplicate") for drop in story.drops)
        said = ["Nothing else was changed."] if story.drops and untouched else []
        return [f"{_headline(story)}.", *said]
    word = _word(story)
    if word == "PROMOTED":
        now = "is now live" if _endpoint(story) else "is now the model in production (batch only)"
        lines = [f"PROMOTED: {verdict.headline}. Model {_new(story)} {now}."]
    elif word == "APPROVAL NEEDED":
        lines = [
            f"APPROVAL NEEDED: {verdict.headline}. Nothing is deployed until a person approves."
        ]
    elif word == "HELD":
        lines = [
            f"HELD: {verdict.headline}.",
            _unharmed(evaluation),
        ]
    else:
        lines = [f"REJECTED: {verdict.headline}. The model in production is unchanged."]
    return [*lines, *holdout_lines(evaluation)]


def _unharmed(evaluation: Evaluation) -> str:
    if evaluation.champion_problem:
        return "The current model is kept. This is not normal: see what to do below."
    return (
        "This is normal: the current model is kept. Only one that is better beyond doubt "
        "replaces it."
    )


def _new(story: RunStory) -> str:
    return f"v{story.registration.version}" if story.registration else "(not registered)"


def _judged(story: RunStory) -> list[list[str]]:
    if story.verdict is None or story.evaluation is None:
        return []
    return [
        table(story.evaluation, _new(story)),
        rule_lines(story.verdict),
        remark_lines(story.evaluation, story.verdict),
    ]


def _scored(story: RunStory) -> list[list[str]]:
    if story.scored is None or not story.scored.drops:
        return []
    lines = [f"Scored with model v{story.scored.model_version}:"]
    for drop in story.scored.drops:
        flagged = f", {drop.flagged:,} flagged" if drop.flagged is not None else ""
        lines.append(f"  {drop.name}: {drop.rows:,} rows{flagged}")
        lines.append(f"    {drop.predictions_uri}")
    return [lines]


def _drift(story: RunStory) -> list[list[str]]:
    judged = story.evaluation.drift if story.evaluation else []
    dropped = [column for drop in story.drops for column in drop.drift]
    champion = judged or [d for d in dropped if d.against == "champion"]
    lines = _drift_line("the current model's baseline", champion)
    # Beyond the baseline only what is remarkable: two lists of figures are none.
    previous = [d for d in dropped if d.against == "previous" and d.alarm]
    lines += _drift_line("the period before", previous)
    return [lines] if lines else []


def _drift_line(against: str, drift: list[ColumnDrift]) -> list[str]:
    """The columns that moved the most; those that hardly did are not listed."""
    measured = sorted((d for d in drift if d.psi is not None), key=lambda d: -(d.psi or 0.0))
    if not measured:
        return []
    moved = [d for d in measured if d.alarm or (d.psi or 0.0) >= LISTED_PSI]
    told = [f"{d.column} {d.psi:.2f}{' ALARM' if d.alarm else ''}" for d in moved[:MOST_DRIFT]]
    if more := len(moved) - len(told):
        told.append(f"{more} more from {LISTED_PSI:g} on")
    elif len(moved) < len(measured):
        told.append(f"{'no other' if moved else 'no'} column reaches {LISTED_PSI:g}")
    return [f"Drift against {against} (PSI): {', '.join(told)}"]


def _places(story: RunStory) -> list[str]:
    lines = []
    if story.evaluation:
        lines.append(f"Report: {story.evaluation.report_uri}")
    if endpoint := _endpoint(story):
        lines.append(f"Endpoint: {endpoint}")
    return [*lines, f"Took {took(story)}. Run {story.run}."]


def _notes(story: RunStory) -> list[str]:
    """What did not work beside the run; it failed nothing."""
    return [*deployment_notes(story), *story.notes]


def _next(story: RunStory) -> list[str]:
    deployment, evaluation = story.deployment, story.evaluation
    if refused := [drop for drop in story.drops if drop.state == "quarantined"]:
        return [f"What to do: correct {', '.join(d.name for d in refused)} and drop it again."]
    held = story.verdict is not None and story.verdict.verdict == "HOLD"
    if held and evaluation and evaluation.champion_problem:
        return [
            "What to do: go back to a model that loads, then judge anew:",
            f"  dropforge model list {story.project}",
            f"  dropforge rollback {story.project} --to V",
            f"  dropforge train {story.project}",
            "Or, if no earlier one loads: set promotion: {mode: advisory}, push, and train.",
        ]
    touched = ("created", "updated", "replaced")
    if deployment and deployment.action in touched and deployment.previous:
        return [f"Undo: dropforge rollback {story.project} --to {deployment.previous}"]
    if any(drop.state == "failed" for drop in story.drops):
        return [f"What to do: dropforge redrive {story.project}"]
    return [f"Next: dropforge run show {story.run}"]


def _endpoint(story: RunStory) -> str | None:
    return story.deployment.endpoint if story.deployment else None
