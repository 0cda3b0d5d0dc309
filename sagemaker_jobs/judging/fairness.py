"""Rates of favourable decisions by the groups of protected columns.

Demographic parity ratio: the least group's share of favourable decisions over the greatest's.
Equal opportunity ratio: the same among the rows whose outcome is favourable. Equalised odds ratio:
the lesser of that and the same among the other rows. These are Fairlearn's
`demographic_parity_ratio`, `equal_opportunity_ratio` and `equalized_odds_ratio` (worst case) with
the favourable outcome as the positive one (https://fairlearn.org/main/user_guide/assessment/
common_fairness_metrics.html; Hardt, Price and Srebro 2016), except that decisions without a single
mistake among the others have an odds ratio of 1 there, not of nothing.

Groups under 200 rows or 30 positives are listed, not assessed; nor are rates among fewer than 30
rows of an outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dropforge.evaluation import FairnessFigures, FairnessMetric, GroupFigures, Interval
from dropforge.project import ProjectSpec
from sagemaker_jobs import labels
from sagemaker_jobs.judging.bootstrap import Resampler, percentile_interval
from sagemaker_jobs.judging.figures import Scored
from sagemaker_jobs.judging.judge import Judged
from sagemaker_jobs.judging.levels import Levels, by_value
from sagemaker_jobs.judging.ratios import ratios

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MIN_ROWS = 200
MIN_POSITIVES = 30
MAX_GROUPS = 50
RESAMPLES = 500


@dataclass(frozen=True)
class Decided:
    """Rows with their outcome and what was decided, the challenger's and the champion's way.

    `favourable` is the decision that a person hopes for, `deserved` the outcome, `labels` 1 where
    positive.
    """

    labels: Floats
    deserved: Flags
    scores: Floats
    favourable: Flags
    champion: Flags | None = None


def decided(spec: ProjectSpec, judged: Judged) -> Decided:
    """The judged rows of a binary project as a person sees them.

    Without `favourable` in the project people hope not to be flagged.
    """
    hopes_for_positive = spec.favourable is not None and (
        labels.canonical(spec.favourable) == labels.canonical(spec.positive)
    )
    hoped = 1 if hopes_for_positive else 0
    old = judged.champion
    return Decided(
        labels=judged.labels,
        deserved=judged.labels == hoped,
        scores=judged.challenger.scores,
        favourable=_hoped_for(judged.challenger, hoped),
        champion=_hoped_for(old, hoped) if old else None,
    )


def _hoped_for(model: Scored, hoped: int) -> Flags:
    return np.asarray(model.decisions) == hoped


def fairness(
    table: pa.Table,
    columns: Sequence[str],
    decided: Decided,
    resampler: Resampler,
    confidence: float,
    features: Sequence[str] = (),
) -> list[FairnessFigures]:
    """Figures of every protected column that the rows have; two-sided intervals."""
    draws = resampler.fewer(RESAMPLES)
    return [
        _column(name, by_value(table.column(name)), decided, draws, confidence, name in features)
        for name in columns
        if name in table.schema.names
    ]


def _column(
    name: str,
    levels: Levels,
    decided: Decided,
    draws: Resampler,
    confidence: float,
    is_feature: bool,
) -> FairnessFigures:
    members = [levels.codes == code for code in range(len(levels.names))]
    figures = [_group(n, member, decided) for n, member in zip(levels.names, members, strict=True)]
    assessed = np.array([group.assessed for group in figures])
    values, resampled = _counted(levels, decided, draws)
    new = ratios(values[assessed], resampled[:, assessed], "challenger")
    changes: dict[FairnessMetric, Interval] = {}
    if decided.champion is not None:
        old = ratios(values[assessed], resampled[:, assessed], "champion")
        changes = {
            metric: percentile_interval(
                ratio.value - old[metric].value, ratio.resampled - old[metric].resampled, confidence
            )
            for metric, ratio in new.items()
            if metric in old
        }
    return FairnessFigures(
        column=name,
        ratios={m: percentile_interval(r.value, r.resampled, confidence) for m, r in new.items()},
        changes=changes,
        groups=_shown(figures),
        is_feature=is_feature,
    )


def _shown(figures: list[GroupFigures]) -> list[GroupFigures]:
    """At most MAX_GROUPS, the assessed ones before others, in their order."""
    kept = sorted(range(len(figures)), key=lambda place: not figures[place].assessed)[:MAX_GROUPS]
    return [figures[place] for place in sorted(kept)]


def _group(name: str, member: Flags, decided: Decided) -> GroupFigures:
    rows, positives = int(member.sum()), int(decided.labels[member].sum())
    notes = []
    if rows < MIN_ROWS:
        notes.append(f"fewer than {MIN_ROWS} rows")
    if positives < MIN_POSITIVES:
        notes.append(f"fewer than {MIN_POSITIVES} positives")
    return GroupFigures(
        group=name,
        rows=rows,
        positives=positives,
        favourable_rate=_mean(decided.favourable, member),
        opportunity=_mean(decided.favourable, member & decided.deserved),
        undeserved=_mean(decided.favourable, member & ~decided.deserved),
        mean_score=_mean(decided.scores, member),
        positive_rate=_mean(decided.labels, member),
        assessed=not notes,
        note="; ".join(notes) or None,
    )


def _mean(values: Floats | Flags, rows: Flags) -> float | None:
    return float(values[rows].mean()) if rows.any() else None


def _counted(levels: Levels, decided: Decided, draws: Resampler) -> tuple[Floats, Floats]:
    """Rows by group, outcome, and both models' decisions: of all, and of every resample.

    Shapes (groups, 2, 2, 2) and (resamples, groups, 2, 2, 2); the last three axes are whether the
    outcome, the challenger's and the champion's decision are favourable.
    """
    champion = decided.favourable if decided.champion is None else decided.champion
    cells = levels.codes * 8 + decided.deserved * 4 + decided.favourable * 2 + champion
    length = len(levels.names) * 8
    whole = np.bincount(cells, minlength=length).astype(np.float64)
    resampled = draws.counts(cells, length)
    return whole.reshape(-1, 2, 2, 2), resampled.reshape(len(resampled), -1, 2, 2, 2)
