"""The holdout's figures and the verdict's rules, as a mail shows them."""

from dropforge.evaluation import Evaluation, Interval
from dropforge.metrics import HIGHER_IS_BETTER, METRIC_NAMES, Metric
from dropforge.period import Period
from dropforge.verdict import Verdict

LABEL_WIDTH = 20
COLUMN_WIDTH = 16


def holdout_lines(evaluation: Evaluation) -> list[str]:
    """The rows that judged, in sentences: how many, whose, how often, and what ships."""
    holdout = evaluation.holdout
    when = Period.from_canonical(holdout.period).spoken
    positives = f" ({holdout.positives:,} positive)" if holdout.positives is not None else ""
    unseen = "that neither model had seen" if evaluation.champion else "kept apart from training"
    line = f"Judged on {holdout.rows:,} rows of {when}{positives} {unseen}."
    if holdout.seen_rows:
        line += f" {holdout.seen_rows:,} rows were left out: the current model has seen them."
    lines = [line]
    if holdout.judged_before:
        times = "once" if holdout.judged_before == 1 else f"{holdout.judged_before} times"
        lines.append(
            f"This holdout was judged {times} before: the more often, the more a lucky model wins."
        )
    if evaluation.refit == "all":
        lines.append(
            "What ships was fitted once more on all rows after the judging (refit: all); the model "
            "that was judged stays in its artifact."
        )
    return lines


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
        cells = [figure(new.metrics[metric].value)]
        if old and metric in old.metrics:
            change = comparison.differences.get(metric) if comparison else None
            cells = [figure(old.metrics[metric].value), *cells]
            cells += [interval(change)] if change else [""]
        rows.append((METRIC_NAMES[metric], cells))
    if new.flagged is not None:
        flagged = [f"{new.flagged:.1%}"]
        if old and old.flagged is not None:
            flagged = [f"{old.flagged:.1%}", *flagged]
            flagged += [f"{(new.flagged - old.flagged) * 100:+.1f} pt"]
        rows.append(("Flagged", flagged))
    lines = [_row("", columns)] + [_row(label, cells) for label, cells in rows]
    return [*lines, *_decisions(evaluation), *_reference(evaluation)]


def _row(label: str, cells: list[str]) -> str:
    return (
        f"{label:<{LABEL_WIDTH}}"
        + "".join(f"{cell:>{COLUMN_WIDTH}}" for cell in cells[:2])
        + "".join(f"   {cell}" for cell in cells[2:])
    ).rstrip()


def _decisions(evaluation: Evaluation) -> list[str]:
    """How many decisions change, and whether those that do are right: the swap set."""
    comparison = evaluation.comparison
    if comparison is None or comparison.decisions_changed is None:
        return []
    lines = [
        f"{'Decisions changed':<{LABEL_WIDTH}}"
        f"{comparison.decisions_changed:,} of {comparison.rows:,}"
    ]
    if swap := comparison.swap:
        lines.append(
            f"Newly flagged: {swap.newly_flagged:,} ({swap.newly_flagged_positives:,} of them "
            f"positive). No longer flagged: {swap.no_longer_flagged:,} "
            f"({swap.no_longer_flagged_positives:,} of them positive)."
        )
    return lines


def _reference(evaluation: Evaluation) -> list[str]:
    """The change against the frozen reference model, on the same rows."""
    comparison, reference = evaluation.reference_comparison, evaluation.reference
    if reference is None or comparison is None:
        problem = evaluation.reference_problem
        return [f"The reference model could not be compared: {problem}"] if problem else []
    change = comparison.differences.get(comparison.metric)
    told = interval(change) if change else figure(comparison.lower, sign=True)
    return [
        f"Against the reference model v{reference.version}: "
        f"{METRIC_NAMES[comparison.metric]} {told}"
    ]


def headline_figure(evaluation: Evaluation) -> str:
    """The project's metric and its change, as a subject has room for: `AUC 0.763 (+0.006)`."""
    metric: Metric = evaluation.metric
    found = evaluation.challenger.metrics.get(metric)
    if found is None:
        return METRIC_NAMES[metric]
    text = f"{METRIC_NAMES[metric]} {figure(found.value, decimals=3)}"
    comparison = evaluation.comparison
    change = comparison.differences.get(metric) if comparison else None
    if change is None:
        return text
    told = figure(change.value, decimals=3, sign=True)
    return f"{text} ({told if float(told.replace(',', '')) else 'same'})"


def figure(value: float, *, decimals: int = 4, sign: bool = False) -> str:
    """A metric's value: four decimals, fewer of one so large that they say nothing."""
    places = decimals if abs(value) < 100 else 1
    return f"{value:{'+' if sign else ''},.{places}f}"


def interval(difference: Interval) -> str:
    """A change and its confidence interval: `+0.0060 (+0.0020..+0.0100)`."""
    value, low, high = (
        figure(part, sign=True) for part in (difference.value, difference.low, difference.high)
    )
    return f"{value} ({low}..{high})"


def rule_lines(verdict: Verdict) -> list[str]:
    """The verdict's rules, a line each."""
    counted = [rule for rule in verdict.rules if rule.outcome != "not assessed"]
    if not verdict.rules:
        return ["Rules: the project asks for none."]
    lines = [f"Rules: {verdict.passed} of {len(counted)} passed"]
    marks = {"passed": "passed", "failed": "FAILED", "not assessed": "not assessed"}
    for rule in verdict.rules:
        advice = rule.level == "advisory"
        mark = "advice" if advice and rule.outcome == "failed" else marks[rule.outcome]
        lines.append(f"  {mark:<13} {rule.title}: {rule.observed}; required: {rule.required}")
    return lines
