"""Points of the report's curves."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.report.axis import Point, thin

Floats = NDArray[np.float64]

BINS = 30
Z = 1.645
"""The normal quantile of two-sided 90 % intervals."""


def roc(scores: Any, labels: Any) -> list[Point]:
    """False positive rate to true positive rate, thinned to at most 200 points."""
    hits, alarms = _cumulated(scores, labels)
    rates = zip(
        (alarms / max(alarms[-1], 1)).tolist(), (hits / max(hits[-1], 1)).tolist(), strict=True
    )
    return [(0.0, 0.0), *thin(list(rates))]


def precision_recall(scores: Any, labels: Any) -> list[Point]:
    """Recall to precision, thinned to at most 200 points."""
    hits, alarms = _cumulated(scores, labels)
    recall = (hits / max(hits[-1], 1)).tolist()
    return thin(list(zip(recall, (hits / (hits + alarms)).tolist(), strict=True)))


def _cumulated(scores: Any, labels: Any) -> tuple[Floats, Floats]:
    """True and false positives at every distinct score, the greatest first."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    known = np.asarray(labels, dtype=np.float64)[order]
    return np.cumsum(known)[ends], np.cumsum(1 - known)[ends]


def calibration(scores: Any, labels: Any, bins: int = 10) -> list[Point]:
    """Mean score to observed share (or mean outcome), in bins of equal numbers of rows."""
    parts = np.array_split(np.argsort(scores, kind="stable"), bins)
    return [(float(scores[p].mean()), float(labels[p].mean())) for p in parts if len(p)]


def calibration_spans(scores: Any, labels: Any, bins: int = 10) -> list[tuple[float, float, float]]:
    """The same bins' mean score with the 90 % Wilson interval of the observed share."""
    parts = np.array_split(np.argsort(scores, kind="stable"), bins)
    return [
        (float(scores[p].mean()), *wilson(float(labels[p].sum()), len(p))) for p in parts if len(p)
    ]


def wilson(hits: float, rows: int) -> tuple[float, float]:
    """Wilson's (1927) 90 % score interval of a share."""
    rate, square = hits / rows, Z * Z
    middle = (rate + square / (2 * rows)) / (1 + square / rows)
    half = (
        Z * math.sqrt(rate * (1 - rate) / rows + square / (4 * rows * rows)) / (1 + square / rows)
    )
    return max(middle - half, 0.0), min(middle + half, 1.0)


def shares(values: Any, edges: Any) -> list[float]:
    """The share of the values in each bin; what lies beyond the edges is in the outermost."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    found: list[float] = (counts / max(len(values), 1)).tolist()
    return found


def even_edges(low: float, high: float, bins: int = BINS) -> list[float]:
    """The edges of equally wide bins."""
    found: list[float] = np.linspace(low, high if high > low else low + 1.0, bins + 1).tolist()
    return found


def confusion(decided: Any, actual: Any, classes: int) -> NDArray[np.int64]:
    """Rows by actual (first axis) and decided class."""
    places = np.asarray(actual).astype(np.int64) * classes + np.asarray(decided).astype(np.int64)
    counts: NDArray[np.int64] = np.bincount(places, minlength=classes * classes)
    return counts.reshape(classes, classes)


def auc(scores: Any, labels: Any) -> float:
    """The area under the ROC curve, ties counted half; NaN with one outcome only."""
    hits, alarms = _cumulated(scores, labels)
    if not hits[-1] or not alarms[-1]:
        return math.nan
    area = np.trapezoid(np.r_[0.0, hits] / hits[-1], np.r_[0.0, alarms] / alarms[-1])
    return float(area)
