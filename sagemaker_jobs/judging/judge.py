"""One challenger against its holdout, and against champion and reference on the same rows.

The rows are those of the holdout that the champion was not made from. The challenger has learnt
from none of them: the snapshot's split keeps them apart. Of these rows the reference model is
compared on those that it was not made from, which is all of them unless it is newer than the
holdout.
"""

import logging
import os
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.errors import ArtifactBroken, DropforgeError, NoTrainingData
from dropforge.evaluation import Comparison, ModelFigures
from dropforge.metrics import METRIC_NAMES, Task
from dropforge.project import ProjectSpec
from sagemaker_jobs.artifact.twin import JUDGED, MODEL
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.judging.bootstrap import Figures, Resampler, resample
from sagemaker_jobs.judging.figures import Scored, comparison, model_figures
from sagemaker_jobs.judging.unseen import (
    Contender,
    Mask,
    Twin,
    clean_rows,
    judgeable,
    seen_all,
    unseen_rows,
)
from sagemaker_jobs.reader.conversion import as_text
from sagemaker_jobs.snapshot.columns import LABEL

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Opponent:
    """Another model on the judged rows, or why there is none.

    `model` says which of its two models was compared: the deployed one, or its judged twin.
    """

    scored: Scored | None = None
    figures: ModelFigures | None = None
    comparison: Comparison | None = None
    problem: str | None = None
    model: Twin = "deployed"


@dataclass(frozen=True)
class Judged:
    """Everything measured on one set of rows."""

    task: Task
    table: pa.Table
    labels: Floats
    seen_rows: int
    challenger: Scored
    figures: ModelFigures
    against_champion: Opponent
    against_reference: Opponent
    resampler: Resampler

    @property
    def champion(self) -> Scored | None:
        """The champion on these rows."""
        return self.against_champion.scored

    @property
    def reference(self) -> Scored | None:
        """The reference model on these rows; None if it was judged on some of them only."""
        scored = self.against_reference.scored
        return scored if scored and len(scored.scores) == len(self.labels) else None


def judge(
    spec: ProjectSpec,
    holdout: pa.Table,
    challenger: Scorer,
    run: str,
    champion: Contender | None = None,
    reference: Contender | None = None,
) -> Judged:
    """Measure the models on the holdout's rows that the champion has not seen.

    Raises:
        NoTrainingData: the project's metric is undefined on these rows.
    """
    unseen, model = clean_rows(spec, holdout, champion)
    problem = None if judgeable(spec.task, holdout.filter(pa.array(unseen))) else seen_all(spec)
    table = holdout if problem else holdout.filter(pa.array(unseen))
    labels = table.column(LABEL).to_numpy().astype(np.float64)
    resampler = _resampler(spec, table)
    new = _score(challenger, run, table)
    old = None
    if champion and not problem:
        old, problem = _load(champion, new, table, model)
    other, other_rows, other_problem = _reference(spec, reference, new, table)
    # The reference model shares the draws of the champion where it is judged on the same rows.
    joint = other is not None and bool(other_rows.all())
    models = [new, *([old] if old else []), *([other] if joint and other else [])]
    resampled = resample(spec.task, [m.predictions for m in models], labels, resampler)
    if spec.metric not in resampled[0].values:
        raise NoTrainingData(
            f"{METRIC_NAMES[spec.metric]} is undefined on the holdout of {spec.name} "
            f"({len(labels):,} rows): no model can be judged by it. Name another metric in "
            "project.yml; the champion and the history are unchanged."
        )
    confidence = spec.promotion.champion.confidence
    against = Opponent(problem=problem, model=model)
    if old:
        against = _opponent(spec, new, old, (resampled[0], resampled[1]), labels, model)
    beside = Opponent(problem=other_problem)
    if other and joint:
        beside = _opponent(spec, new, other, (resampled[0], resampled[-1]), labels)
    elif other:
        some = np.flatnonzero(other_rows)
        beside = _apart(spec, new.among(some), other, labels[some], resampler.among(some))
    figures = model_figures(new, resampled[0], labels, confidence)
    seen = int((~unseen).sum())
    return Judged(spec.task, table, labels, seen, new, figures, against, beside, resampler)


def threads() -> int:
    """How many threads score many rows; the scores do not depend on it."""
    return os.cpu_count() or 1


def _score(scorer: Scorer, version: str, table: pa.Table) -> Scored:
    scores = scorer.scores(frame_from_arrow(table, scorer.features))
    return Scored(version, scorer, scores, scorer.decisions(scores))


def _load(
    contender: Contender, new: Scored, table: pa.Table, model: Twin = "deployed"
) -> tuple[Scored | None, str | None]:
    """A model on the judged rows; one that cannot score them is said, not raised."""
    file = MODEL if model == "deployed" else f"{JUDGED}/{MODEL}"
    try:
        scorer = Scorer.load(contender.folder, threads(), file)
        _check_same_outcomes(scorer, new.scorer)
        return _score(scorer, contender.version, table), None
    except DropforgeError as error:
        logger.warning("version %s cannot be scored: %s", contender.version, error.message)
        return None, error.message


def _check_same_outcomes(other: Scorer, new: Scorer) -> None:
    if other.task != new.task:
        raise ArtifactBroken(
            f"It predicts a {other.task} outcome, the new model a {new.task} one: their figures "
            "cannot be compared."
        )
    if other.classes != new.classes:
        raise ArtifactBroken(
            f"It knows {len(other.classes)} classes, the new model {len(new.classes)}, or in "
            "another order: their figures cannot be compared."
        )


def _reference(
    spec: ProjectSpec, reference: Contender | None, new: Scored, table: pa.Table
) -> tuple[Scored | None, Mask, str | None]:
    """The reference model, the rows that it is judged on, or why it is not."""
    every = np.ones(table.num_rows, dtype=bool)
    if reference is None:
        return None, every, None
    rows = unseen_rows(table, reference.folder)
    clean = table.filter(pa.array(rows))
    if not judgeable(spec.task, clean):
        return None, rows, seen_all(spec)
    scored, problem = _load(reference, new, clean)
    return scored, rows, problem


def _apart(
    spec: ProjectSpec, new: Scored, other: Scored, labels: Floats, resampler: Resampler
) -> Opponent:
    models = [new.predictions, other.predictions]
    one, two = resample(spec.task, models, labels, resampler)
    if spec.metric not in one.values:
        return Opponent(problem=f"{METRIC_NAMES[spec.metric]} is undefined on rows new to it")
    return _opponent(spec, new, other, (one, two), labels)


def _opponent(
    spec: ProjectSpec,
    new: Scored,
    old: Scored,
    resampled: tuple[Figures, Figures],
    labels: Floats,
    model: Twin = "deployed",
) -> Opponent:
    return Opponent(
        scored=old,
        figures=model_figures(old, resampled[1], labels, spec.promotion.champion.confidence),
        comparison=comparison(spec, new, old, resampled, labels),
        model=model,
    )


def _resampler(spec: ProjectSpec, table: pa.Table) -> Resampler:
    groups = None
    if spec.group and spec.group in table.schema.names:
        text = pc.fill_null(as_text(table.column(spec.group)), "").combine_chunks()
        groups = pc.dictionary_encode(text).indices.to_numpy().astype(np.int64)
    return Resampler.of(table.num_rows, spec.tune.seed, groups)
