"""The project's metric on parts of the rows: the declared slices, and the worst ones found.

A slice is assessed from 200 rows on, with 30 of either outcome in a binary project. Found are
slices of one column among the model's inputs and the protected columns on which the challenger is
worse than on all rows, or worse than the champion, beyond what looking at so many slices gives by
chance: the gap exceeds the normal quantile at (1 - confidence) / slices looked at (Bonferroni)
times the bootstrap's standard error. The gap to all rows takes these as fixed, which errs towards
finding less: a slice and all rows vary together.
"""

from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

from dropforge.evaluation import SliceFigures
from dropforge.project import ProjectSpec
from sagemaker_jobs.features.frame import PERIOD
from sagemaker_jobs.judging.slice_figures import (
    MIN_ROWS,
    Gap,
    Measured,
    Rows,
    Slice,
    SliceJudge,
)

MIN_NAMED = 30
"""Values of fewer rows are not named: they could be of one person."""

MAX_FOUND = 10
CANDIDATES = 8
"""Of the slices looked at, how many the bootstrap looks at again, each way of being worst."""

GLANCE_ROWS = 4_000
"""So many of a slice's rows, evenly, settle whether it is a candidate."""


def slices(spec: ProjectSpec, rows: Rows, inputs: Sequence[str]) -> list[SliceFigures]:
    """The declared slices in the project's order, then at most ten found ones, the worst first.

    Personal columns are never sliced by: a slice names values.
    """
    judge, names = SliceJudge(spec, rows), rows.table.schema.names
    personal = spec.personal_columns
    measured: list[Measured] = []
    for column in spec.slices:
        if column in personal or column not in names:
            note = "a personal column" if column in personal else "the rows lack this column"
            measured.append(judge.listed(_every(column), note))
        else:
            measured += _declared(judge, column)
    hidden = {*personal, *spec.slices, spec.target, PERIOD}
    columns = [c for c in dict.fromkeys([*inputs, *spec.protected_columns]) if c not in hidden]
    measured += _found(spec, judge, [column for column in columns if column in names])
    return [item.figures for item in measured]


def _every(column: str) -> Slice:
    return Slice(column, "(every)", np.empty(0, dtype=np.int32))


def _declared(judge: SliceJudge, column: str) -> list[Measured]:
    measured = []
    for part in judge.levels(column, MIN_NAMED):
        note = judge.too_small(part)
        measured.append(judge.listed(part, note) if note else judge.measure(part))
    return measured


def _found(spec: ProjectSpec, judge: SliceJudge, columns: Sequence[str]) -> list[Measured]:
    """The worst slices; two ways of being worst, at most half of the places each."""
    parts = (part for column in columns for part in judge.levels(column, MIN_ROWS))
    looked = [part for part in parts if not judge.too_small(part)]
    if not looked:
        return []
    family = 1.0 - spec.promotion.champion.confidence
    limit = NormalDist().inv_cdf(1.0 - family / len(looked))
    measured = [judge.measure(part, declared=False) for part in _candidates(judge, looked)]
    worst = [
        *_worst(measured, lambda item: item.below_champion, limit),
        *_worst(measured, lambda item: item.below_all, limit),
    ]
    return list({(m.figures.column, m.figures.value): m for m in worst}.values())


def _worst(
    measured: Sequence[Measured], gap: Callable[[Measured], Gap], limit: float
) -> list[Measured]:
    beyond = [item for item in measured if gap(item).errors > limit]
    return sorted(beyond, key=lambda item: -gap(item).worse)[: MAX_FOUND // 2]


def _candidates(judge: SliceJudge, looked: Sequence[Slice]) -> list[Slice]:
    """The slices that look worst at a glance, gaps weighed by the slice's size."""
    glances = np.array([judge.glance(part, GLANCE_ROWS) for part in looked])
    glances *= np.sqrt([[len(part.member)] for part in looked])
    chosen: dict[int, None] = {}
    for gaps in glances.T:
        # NaN is never above zero.
        worst = sorted((-gap, place) for place, gap in enumerate(gaps.tolist()) if gap > 0)
        chosen |= dict.fromkeys(place for _, place in worst[:CANDIDATES])
    return [looked[place] for place in chosen]
