"""The holdout's figures and the verdict's rules, as a mail shows them."""

from dropforge.evaluation import Evaluation, Interval
from dropforge.metrics import HIGHER_IS_BETTER, METRIC_NAMES
from dropforge.period import Period
from dropforge.verdict import Verdict


def holdout_lines(evaluation: Evaluation) -> list[str]:
    """The rows that judged, in a sentence."""
    holdout = evaluation.holdout
    when = Period.from_canonical(holdout.period).spoken
    unseen = "that neither model had seen" if evaluation.champion else "kept apart from training"
    line = f"Judged on {holdout.rows:,} rows of {when} ({holdout.positives:,} positive) {unseen}."
    if holdout.seen_rows:
        line += f" {holdout.seen_rows:,} rows were left out: the current model has seen them."
    return [line]


def table(evaluation: Evaluation, name: str) -> list[str]:
    """Champion, challenger and change, a line a metric. `name` is the challenger's."""
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
    if new.flagged is not None:
        flagged = [f"{new.flagged:.1%}"]
        if old and old.flagged is not None:
            flagged = [f"{old.flagged:.1%}", *flagged]
            flagged += [f"{(new.flagged - old.flagged) * 100:+.1f} pt"]
        rows.append(("Flagged", flagged))
    lines = [
        " " * 20
        + "".join(f"{column:>16}" for column in columns[:2])
        + "".join(f"   {column}" for column in columns[2:])
    ]
    for label, cells in rows:
        lines.append(
            f"{label:<20}"
            + "".join(f"{c:>16}" for c in cells[:2])
            + "".join(f"   {c}" for c in cells[2:])
        )
    if comparison:
        lines.append(f"Decisions changed   {comparison.decisions_changed:,} of {comparison.rows:,}")
    return lines


def _interval(interval: Interval) -> str:
    return f"{interval.value:+.4f} ({interval.low:+.4f}..{interval.high:+.4f})"


def rule_lines(verdict: Verdict) -> list[str]:
    """The verdict's rules, a line each."""
    counted = [rule for rule in verdict.rules if rule.outcome != "not assessed"]
    if not verdict.rules:
        return ["Rules: the project asks for none."]
    lines = [f"Rules: {verdict.passed} of {len(counted)} passed"]
    marks = {"passed": "passed", "failed": "FAILED", "not assessed": "not assessed"}
    for rule in verdict.rules:
        lines.append(f"  {marks[rule.outcome]:<13} {rule.name}: {rule.observed} ({rule.required})")
    return lines
