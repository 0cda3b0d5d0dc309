"""Metrics of a model of any task, for many weighted resamples at once.

Every figure is what scikit-learn gives for the repeated rows, with `zero_division=0`. NaN is what
rows of one outcome leave undefined: a binary model's AUC, average precision, recall and F1, and the
kappa. Two more are this product's own choice: log loss clips probabilities to [1e-15, 1 - 1e-15],
and MAPE leaves out rows whose target is 0.

Sources: https://scikit-learn.org/stable/modules/model_evaluation.html; AUC is the Mann-Whitney
statistic with ties counted half (Hanley and McNeil 1982); the quadratic kappa is Cohen's weighted
one (Cohen 1968) with weights (i - j) squared.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dropforge.metrics import TASK_METRICS, Metric, Task
from sagemaker_jobs.judging.multiclass import multiclass

Floats = NDArray[np.float64]
Resampled = Callable[[Floats], dict[Metric, Floats]]
"""Weights (resamples x rows) to one value per metric and resample."""

AT_THRESHOLD: tuple[Metric, ...] = ("f1", "recall", "precision")
"""Of a binary model these are of its decisions."""

_CLIP = 1e-15


def metric(
    name: Metric,
    scores: Floats,
    labels: Floats,
    *,
    threshold: float | None = None,
) -> float:
    """The metric on the rows as they are; NaN where it is undefined.

    `scores` is (rows,) of a binary model or a regression, (rows, classes) of a multiclass one;
    `labels` are 0/1, values, or class positions. `threshold` is where F1, recall and precision of a
    binary model are taken.

    Raises:
        ValueError: the metric is not of the scores' task, or needs a threshold.
    """
    task = task_of(name, scores)
    if name not in TASK_METRICS[task]:
        raise ValueError(f"{name} is no metric of {task} scores")
    if name in AT_THRESHOLD and task == "binary" and threshold is None:
        raise ValueError(f"{name} of a binary model needs a threshold")
    weighted = prepared(task, scores, labels, threshold)
    return float(weighted(np.ones((1, len(labels))))[name][0])


def task_of(name: Metric, scores: Floats) -> Task:
    """The task that a metric and the shape of scores belong to."""
    if scores.ndim == 2:
        return "multiclass"
    return "regression" if name in TASK_METRICS["regression"] else "binary"


def prepared(
    task: Task, scores: Floats, labels: Floats, threshold: float | None = None
) -> Resampled:
    """Every metric of the task as a function of row weights, with the sorting done once.

    Without a threshold nothing is flagged: a binary model's F1, recall and precision are 0.
    """
    if task == "multiclass":
        return multiclass(scores, labels)
    if task == "regression":
        return _regression(scores, labels)
    return _binary(scores, labels, np.inf if threshold is None else threshold)


def _binary(scores: Floats, labels: Floats, threshold: float) -> Resampled:
    clipped = np.clip(scores, _CLIP, 1 - _CLIP)
    flagged = scores >= threshold
    parts = np.column_stack(
        [
            -(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped)),
            (scores - labels) ** 2,
            np.ones(len(labels)),
            labels,
            flagged,
            flagged * labels,
        ]
    )
    rank = _ranking(scores, labels)

    def weighted(weights: Floats) -> dict[Metric, Floats]:
        log_loss, brier, total, positive, alarms, hits = (weights @ parts).T
        area, average = rank(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "auc": area,
                "average_precision": average,
                "log_loss": log_loss / total,
                "brier": brier / total,
                "f1": np.where(positive > 0, 2 * hits / (alarms + positive), np.nan),
                "recall": hits / positive,
                "precision": np.where(alarms > 0, hits / alarms, 0.0),
            }

    return weighted


def _regression(scores: Floats, labels: Floats) -> Resampled:
    error = np.abs(scores - labels)
    counted = labels != 0
    shares = np.divide(error, np.abs(labels), out=np.zeros_like(error), where=counted)
    parts = np.column_stack([error**2, error, np.ones(len(labels)), shares, counted])

    def weighted(weights: Floats) -> dict[Metric, Floats]:
        squares, absolute, total, share, rows = (weights @ parts).T
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "rmse": np.sqrt(squares / total),
                "mae": absolute / total,
                "mape": share / rows,
            }

    return weighted


def _ranking(scores: Floats, labels: Floats) -> Callable[[Floats], tuple[Floats, Floats]]:
    """AUC and average precision, both from what lies above each positive row.

    Only the negatives are summed up row by row, a resample at a time: a resample's rows fit in the
    processor's cache, a block of them does not.
    """
    positive, negative = np.flatnonzero(labels == 1), np.flatnonzero(labels != 1)
    positive = positive[np.argsort(-scores[positive], kind="stable")]
    negative = negative[np.argsort(-scores[negative], kind="stable")]
    falling, others = -scores[positive], -scores[negative]
    above = np.searchsorted(others, falling, side="left")
    not_below = np.searchsorted(others, falling, side="right")
    # Equal scores are one step: it holds all positives up to the last of them.
    last = np.searchsorted(falling, falling, side="right") - 1

    def one(weights: Floats) -> tuple[float, float]:
        hits = weights[positive]
        alarms = np.zeros(len(negative) + 1)
        np.cumsum(weights[negative], out=alarms[1:])
        found = np.cumsum(hits)[last]
        total, rest = hits.sum(), alarms[-1]
        if not total:
            return np.nan, np.nan
        flagged = found + alarms[not_below]
        precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
        average = float(hits @ precision / total)
        if not rest:
            return np.nan, average
        beaten = rest - (alarms[above] + alarms[not_below]) / 2.0
        return float(hits @ beaten / (total * rest)), average

    def rank(weights: Floats) -> tuple[Floats, Floats]:
        found = np.array([one(row) for row in weights])
        return found[:, 0], found[:, 1]

    return rank
