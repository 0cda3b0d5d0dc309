"""What a challenger must be beside the champion and the reference model: a failure is HOLD.

Every comparison is of the same rows; figures of other holdouts are never compared.
"""

from collections.abc import Iterator

from dropforge.evaluation import Evaluation, Interval, SliceFigures
from dropforge.metrics import HIGHER_IS_BETTER, METRIC_NAMES, Metric
from dropforge.project import ProjectSpec
from dropforge.verdict.rule import Rule, passed, signed, told_slice, with_bounds

CLEAN_HOLDOUT = "clean holdout"
CHAMPION = "champion"


def comparative_rules(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    """The rules against the champion, if there is one, and against the reference model."""
    if evaluation.champion is not None or evaluation.champion_problem is not None:
        clean = _clean_holdout(spec, evaluation)
        yield clean
        yield _champion(spec, evaluation, clean=clean.outcome == "passed")
        yield from _slices(spec, evaluation)
        yield from _flagged(spec, evaluation)
    yield from _reference(spec, evaluation)


def _clean_holdout(spec: ProjectSpec, evaluation: Evaluation) -> Rule:
    """`min_positives` rows of the positive outcome, or of any where the task has no positive one.

    It is about the champion: rows that it has seen were left out before these were counted.
    """
    least, holdout = spec.promotion.min_positives, evaluation.holdout
    if holdout.positives is None:
        found, kind, observed = holdout.rows, "rows", f"{holdout.rows:,} rows"
    else:
        found, kind = holdout.positives, "positives"
        observed = f"{holdout.positives:,} positives in {holdout.rows:,} rows"
    return Rule(
        name=CLEAN_HOLDOUT,
        required=f"at least {least} {kind} that the champion has not seen",
        observed=observed,
        outcome=passed(found >= least),
    )


def _champion(spec: ProjectSpec, evaluation: Evaluation, *, clean: bool) -> Rule:
    margin, comparison = spec.promotion.champion.margin, evaluation.comparison
    required = f"difference above {f'{margin:+g}' if margin else '0'}"
    if comparison is None or not clean or evaluation.champion_problem is not None:
        return Rule(
            name=CHAMPION, required=required, observed="no comparison", outcome="not assessed"
        )
    return Rule(
        name=CHAMPION,
        required=required,
        observed=f"{METRIC_NAMES[comparison.metric]} {signed(comparison.lower)} "
        f"(one-sided {comparison.confidence:.0%} bound)",
        outcome=passed(comparison.lower > margin),
    )


def _slices(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    """The slice that fell the most, by the best that its interval allows: beyond doubt."""
    allowed = spec.promotion.max_slice_drop
    if allowed is None:
        return
    required = f"no slice more than {allowed:g} worse beyond doubt"
    measured = [
        (best_case(evaluation.metric, figures.difference), figures, figures.difference)
        for figures in evaluation.slices
        if figures.assessed and figures.difference is not None
    ]
    if not measured:
        yield Rule(
            name="slices",
            required=required,
            observed="no slice is large enough to compare",
            outcome="not assessed",
        )
        return
    best, worst, difference = min(measured, key=lambda item: item[0])
    yield Rule(
        name="slices",
        required=required,
        observed=_told(spec, evaluation.metric, worst, difference),
        outcome=passed(best >= -allowed),
    )


def best_case(metric: Metric, difference: Interval) -> float:
    """The end of a raw difference's interval that is best for the challenger, positive better."""
    return difference.high if HIGHER_IS_BETTER[metric] else -difference.low


def _told(spec: ProjectSpec, metric: Metric, figures: SliceFigures, difference: Interval) -> str:
    where = told_slice(spec, figures.column, figures.value)
    change = f"{METRIC_NAMES[metric]} {with_bounds(difference, sign=True)}"
    return f"{where} ({figures.rows:,} rows): {change}"


def _flagged(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    allowed, comparison = spec.promotion.max_flagged_change, evaluation.comparison
    if allowed is None:
        return
    change = comparison.flagged_difference if comparison else None
    yield Rule(
        name="flagged share",
        required=f"changed by at most {allowed * 100:g} points",
        observed="no comparison" if change is None else f"{change * 100:+.1f} points",
        outcome="not assessed" if change is None else passed(abs(change) <= allowed),
    )


def _reference(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    allowed, comparison = spec.promotion.max_reference_drop, evaluation.reference_comparison
    if allowed is None:
        return
    required = f"at most {allowed:g} below the reference model"
    if comparison is None or evaluation.reference is None:
        yield Rule(
            name="reference model",
            required=required,
            observed=_no_reference(spec, evaluation),
            outcome="not assessed",
        )
        return
    yield Rule(
        name="reference model",
        required=required,
        observed=f"{METRIC_NAMES[comparison.metric]} {signed(comparison.lower)} against "
        f"v{evaluation.reference.version} (one-sided {comparison.confidence:.0%} bound)",
        outcome=passed(comparison.lower >= -allowed),
    )


def _no_reference(spec: ProjectSpec, evaluation: Evaluation) -> str:
    if evaluation.reference_problem is not None:
        return f"it could not be compared: {evaluation.reference_problem}"
    if spec.reference is not None:
        return f"{spec.reference} is the champion itself, or no model of this project"
    return "there is no earlier model than the champion"
