"""Fairness by protected column: the ratios themselves, and their change against the champion.

A ratio too low is absolute: such a model is REJECTed, whatever is in production. One that is lower
than the champion's by more than `max_worsening` is comparative: HOLD, for it is the champion that
is fairer, and it is kept. Either way a challenger that is better overall but worse for a group is
not promoted. Both fail only beyond doubt, when the whole interval is on the wrong side.
"""

from collections.abc import Iterator

from dropforge.evaluation import Evaluation, FairnessFigures, FairnessMetric
from dropforge.project import FairnessRule, ProjectSpec
from dropforge.verdict.rule import Rule, passed, with_bounds

RATIOS: tuple[FairnessMetric, ...] = ("demographic_parity", "equal_opportunity", "equalised_odds")


def fairness_rules(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    """A line for each column and ratio that the project names."""
    for column, ratio, required, figures in _named(spec, evaluation):
        yield _ratio_rule(column, ratio, required, figures)


def worsening_rules(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    """A line for each ratio that may not fall against the champion's, if there is a champion."""
    if evaluation.champion is None:
        return
    for column, ratio, _, figures in _named(spec, evaluation):
        allowed = spec.promotion.fairness[column].max_worsening
        if allowed is None:
            continue
        change = figures.changes.get(ratio) if figures else None
        yield Rule(
            name=f"change of {_words(ratio)} by {column}",
            required=f"not below {-allowed:+g}",
            observed=with_bounds(change, sign=True) if change else why_not(figures, ratio),
            outcome=passed(not change.high < -allowed) if change else "not assessed",
            level="comparative",
        )


def why_not(figures: FairnessFigures | None, ratio: FairnessMetric) -> str:
    """Why a ratio has no value."""
    if figures is None:
        return "the column was not looked at"
    if sum(group.assessed for group in figures.groups) < 2:
        return "fewer than two groups large enough"
    return f"no {_words(ratio)} could be measured"


def _named(
    spec: ProjectSpec, evaluation: Evaluation
) -> Iterator[tuple[str, FairnessMetric, float, FairnessFigures | None]]:
    by_column = {figures.column: figures for figures in evaluation.fairness}
    for column, rule in spec.promotion.fairness.items():
        for ratio in RATIOS:
            required = _required(rule, ratio)
            if required is not None:
                yield column, ratio, required, by_column.get(column)


def _required(rule: FairnessRule, ratio: FairnessMetric) -> float | None:
    value: float | None = getattr(rule, ratio)
    return value


def _ratio_rule(
    column: str, ratio: FairnessMetric, required: float, figures: FairnessFigures | None
) -> Rule:
    found = figures.ratios.get(ratio) if figures else None
    observed = with_bounds(found) if found else why_not(figures, ratio)
    unfair = found is not None and found.value < required and found.high < required
    if found is not None and found.value < required and not unfair:
        observed += ", below within chance"
    return Rule(
        name=f"{_words(ratio)} by {column}",
        required=f"at least {required:g}",
        observed=observed,
        outcome=passed(not unfair) if found else "not assessed",
        level="absolute",
    )


def _words(ratio: FairnessMetric) -> str:
    return ratio.replace("_", " ")
