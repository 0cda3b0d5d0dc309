"""What every challenger must meet, whatever is in production: a failure is REJECT.

The latency of one row and what leaks only a little are advisory.
"""

from collections.abc import Iterator

from dropforge.evaluation import Evaluation, Leak
from dropforge.metrics import HIGHER_IS_BETTER
from dropforge.project import ProjectSpec
from dropforge.verdict.rule import Rule, passed

MEGABYTE = 1_000_000


def absolute_rules(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    """The rules on the challenger alone, but for fairness."""
    yield from _minima(spec, evaluation)
    yield from _leakage(spec, evaluation)
    yield from _stability(spec, evaluation)
    yield from _limits(spec, evaluation)


def _minima(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    """A minimum that was not measured is not met."""
    for metric, bound in spec.promotion.min.items():
        higher = HIGHER_IS_BETTER[metric]
        found = evaluation.challenger.metrics.get(metric)
        met = found is not None and (found.value >= bound if higher else found.value <= bound)
        yield Rule(
            name=metric,
            required=f"{'at least' if higher else 'at most'} {bound:g}",
            observed=f"{found.value:.4f}" if found else "not measured",
            outcome=passed(met),
            level="absolute",
        )


def _leakage(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    severe = [leak for leak in evaluation.leakage if leak.severe]
    slight = [leak for leak in evaluation.leakage if not leak.severe]
    yield Rule(
        name="leakage",
        required="no column that gives the outcome away",
        observed=_told(severe) or "none found",
        outcome=passed(not severe),
        level="absolute" if spec.promotion.leakage == "reject" else "advisory",
    )
    if slight:
        yield Rule(
            name="possible leakage",
            required="a look at the column",
            observed=_told(slight),
            outcome="failed",
            level="advisory",
        )


def _told(leaks: list[Leak]) -> str:
    return "; ".join(
        f"{leak.column}: {message}" if leak.column and leak.column not in message else message
        for leak in leaks
        for message in [leak.message.rstrip(".")]
    )


def _stability(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    if "features.py" not in spec.files and not evaluation.unstable_features:
        return
    unstable = ", ".join(evaluation.unstable_features)
    yield Rule(
        name="features.py",
        required="the same values whatever rows are beside a row",
        observed=f"{unstable} changes with the other rows" if unstable else "the same",
        outcome=passed(not unstable),
        level="absolute",
    )


def _limits(spec: ProjectSpec, evaluation: Evaluation) -> Iterator[Rule]:
    promotion = spec.promotion
    if promotion.max_size_mb is not None:
        size = evaluation.artifact_bytes / MEGABYTE
        yield Rule(
            name="size",
            required=f"at most {promotion.max_size_mb:g} MB",
            observed=f"{size:.2f} MB",
            outcome=passed(size <= promotion.max_size_mb),
            level="absolute",
        )
    if promotion.max_latency_ms is not None:
        yield Rule(
            name="latency of one row",
            required=f"at most {promotion.max_latency_ms:g} ms",
            observed=f"{evaluation.row_latency_ms:.2f} ms",
            outcome=passed(evaluation.row_latency_ms <= promotion.max_latency_ms),
            level="advisory",
        )
