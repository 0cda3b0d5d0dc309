"""What a person should look at although no rule may ask for it: groups and slices.

The values of personal columns (`Verdict.personal`) are never told.
"""

from collections.abc import Iterator

from dropforge.evaluation import Evaluation, FairnessFigures
from dropforge.mail.figures import figure, interval
from dropforge.mail.text import one_line
from dropforge.metrics import HIGHER_IS_BETTER, METRIC_NAMES
from dropforge.verdict import Verdict

MOST_SLICES = 3
VALUE_WIDTH = 40


def remark_lines(evaluation: Evaluation, verdict: Verdict) -> list[str]:
    """A line each, under a title; nothing if nothing is remarkable."""
    lines = [
        *_fairness(evaluation, verdict),
        *_slices(evaluation, verdict),
    ]
    return ["Worth a look:", *(f"  {one_line(line)}" for line in lines)] if lines else []


def _fairness(evaluation: Evaluation, verdict: Verdict) -> Iterator[str]:
    for figures in evaluation.fairness:
        for ratio, change in figures.changes.items():
            if change.high < 0:
                yield (
                    f"{ratio.replace('_', ' ')} by {figures.column} is lower than the current "
                    f"model's beyond chance: {interval(change)}"
                )
        if figures.is_feature:
            yield f"{figures.column} is a protected column, and the model reads it as a feature"
        if unassessed := _unassessed(figures, verdict):
            yield unassessed


def _unassessed(figures: FairnessFigures, verdict: Verdict) -> str | None:
    small = [group for group in figures.groups if not group.assessed]
    if not small:
        return None
    if figures.column in verdict.personal:
        are = "group is" if len(small) == 1 else "groups are"
        return f"fairness by {figures.column}: {len(small)} {are} too small to be assessed"
    named = ", ".join(f"{_cut(group.group)} ({_rows(group.rows)})" for group in small[:MOST_SLICES])
    more = f" and {len(small) - MOST_SLICES} more" if len(small) > MOST_SLICES else ""
    of, are = ("group", "is") if len(small) == 1 else ("groups", "are")
    return f"fairness by {figures.column}: {of} {named}{more} {are} too small to be assessed"


def _slices(evaluation: Evaluation, verdict: Verdict) -> Iterator[str]:
    """The slices that fell beyond chance, the worst first."""
    higher, name = HIGHER_IS_BETTER[evaluation.metric], METRIC_NAMES[evaluation.metric]
    fallen = []
    for part in evaluation.slices:
        if part.difference is None or not part.assessed:
            continue
        best = part.difference.high if higher else -part.difference.low
        if best < 0:
            worst = part.difference.value if higher else -part.difference.value
            fallen.append((worst, part, part.difference))
    for _, part, difference in sorted(fallen, key=lambda item: item[0])[:MOST_SLICES]:
        value = "one value" if part.column in verdict.personal else _cut(part.value)
        was = f", {figure(part.champion)} before" if part.champion is not None else ""
        yield (
            f"{name} on {part.column} = {value} ({_rows(part.rows)}) is worse beyond chance: "
            f"{interval(difference)}{was}"
        )


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _cut(value: str) -> str:
    return value if len(value) <= VALUE_WIDTH else value[: VALUE_WIDTH - 3] + "..."
