"""What became of each file, in the words of a mail."""

from dropforge.drops import DropOutcome, Reason
from dropforge.runs import RunStory


def files(story: RunStory) -> list[list[str]]:
    """The part of a mail that lists the run's files; none if it had none."""
    if not story.drops:
        return []
    lines = ["Files:"]
    for drop in story.drops:
        lines += file_lines(drop)
    return [lines]


def file_lines(drop: DropOutcome) -> list[str]:
    """One file: its state, its rows, why it was not taken."""
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
    lines += [f"    {line}" for line in reason_lines(drop.reasons)]
    lines += [f"    Warning: {warning}" for warning in drop.warnings]
    if drop.quarantine_uri:
        lines.append(f"    Explained in {drop.quarantine_uri}report.html")
        lines.append(f"    The rows concerned: {drop.quarantine_uri}rows.csv")
    return lines


def reason_lines(reasons: list[Reason]) -> list[str]:
    """The reasons, each with its place unless it names the line itself."""
    return [f"{_place(reason)}{reason.message}" for reason in reasons]


def first_reason(reasons: list[Reason]) -> str:
    """The reason that a subject has room for, as the middle of a sentence."""
    return reasons[0].message.rstrip(".") if reasons else "see the reasons file"


def _place(reason: Reason) -> str:
    named = f"line {reason.line}"
    if reason.message.lower().startswith(named):
        return ""
    places = [named] if reason.line else []
    places += [f"column {reason.column}"] if reason.column else []
    return f"At {', '.join(places)}: " if places else ""
