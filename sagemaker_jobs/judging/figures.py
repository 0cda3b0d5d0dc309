"""A model's figures and the difference of two models, from their scores and resamples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropforge.evaluation import Comparison, ModelFigures, SwapSet
from dropforge.metrics import Task
from dropforge.project import ProjectSpec
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.judging.bootstrap import Figures, Predictions, differences, lower_bound

Floats = NDArray[np.float64]
Decisions = NDArray[np.int8] | NDArray[np.int16]

BINS = 10


@dataclass(frozen=True)
class Scored:
    """One model's scores and decisions on the judged rows; a regression decides nothing."""

    version: str
    scorer: Scorer
    scores: Floats
    decisions: Decisions | None

    @property
    def task(self) -> Task:
        """What the model predicts."""
        return self.scorer.task

    @property
    def predictions(self) -> Predictions:
        """What its metrics are computed from."""
        return Predictions(self.scores, self.scorer.threshold)

    def among(self, rows: NDArray[np.int64]) -> "Scored":
        """The same model on some of the rows."""
        decisions = None if self.decisions is None else self.decisions[rows]
        return Scored(self.version, self.scorer, self.scores[rows], decisions)


def model_figures(model: Scored, found: Figures, labels: Floats, confidence: float) -> ModelFigures:
    """A model's metrics with intervals, and what it decides if it is a binary one."""
    metrics = found.intervals(confidence)
    if model.task != "binary" or model.decisions is None:
        return ModelFigures(version=model.version, metrics=metrics)
    flagged, hits = int(model.decisions.sum()), float(labels[model.decisions == 1].sum())
    return ModelFigures(
        version=model.version,
        metrics=metrics,
        flagged=float(model.decisions.mean()),
        recall=hits / labels.sum() if labels.sum() else None,
        precision=hits / flagged if flagged else None,
        threshold=model.scorer.threshold,
        calibration_error=calibration_error(model.scores, labels),
    )


def comparison(
    spec: ProjectSpec, new: Scored, old: Scored, resampled: tuple[Figures, Figures], labels: Floats
) -> Comparison:
    """Challenger minus another model, scored and resampled on the same rows."""
    confidence = spec.promotion.champion.confidence
    challenger, other = resampled
    changed, flagged = None, None
    if new.decisions is not None and old.decisions is not None:
        changed = int((new.decisions != old.decisions).sum())
        if new.task == "binary":
            flagged = float(new.decisions.mean() - old.decisions.mean())
    return Comparison(
        metric=spec.metric,
        confidence=confidence,
        lower=lower_bound(challenger, other, spec.metric, confidence),
        differences=differences(challenger, other, confidence),
        flagged_difference=flagged,
        decisions_changed=changed,
        swap=swap_set(new, old, labels),
        rows=len(labels),
        resamples=len(challenger.resampled[spec.metric]),
    )


def swap_set(new: Scored, old: Scored, labels: Floats) -> SwapSet | None:
    """The rows whose decision changes; None unless the task is binary."""
    if new.task != "binary" or new.decisions is None or old.decisions is None:
        return None
    newly = (new.decisions == 1) & (old.decisions == 0)
    no_longer = (new.decisions == 0) & (old.decisions == 1)
    return SwapSet(
        newly_flagged=int(newly.sum()),
        newly_flagged_positives=int(labels[newly].sum()),
        no_longer_flagged=int(no_longer.sum()),
        no_longer_flagged_positives=int(labels[no_longer].sum()),
    )


def calibration_error(scores: Floats, labels: Floats) -> float:
    """The expected calibration error over ten bins of equal numbers of rows.

    The mean over rows of |mean score - share of positives| of the row's bin (Naeini, Cooper and
    Hauskrecht 2015, there with bins of equal width).
    """
    bins = np.array_split(np.argsort(scores, kind="stable"), BINS)
    gaps = [
        abs(scores[rows].mean() - labels[rows].mean()) * len(rows) for rows in bins if len(rows)
    ]
    return float(sum(gaps) / len(scores))
