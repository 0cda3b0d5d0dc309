"""Metrics of a yes-or-no model, each for one sample and for many weighted resamples at once.

AUC is the Mann-Whitney statistic with ties counted half; average precision steps over distinct
scores; log loss clips scores to [1e-15, 1 - 1e-15]; Brier is the mean squared error.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dropforge.project import Metric

Floats = NDArray[np.float64]
Resampled = Callable[[Floats], Floats]
"""Weights (resamples x rows) to one value per resample."""

_CLIP = 1e-15


def metric(name: Metric, scores: Floats, labels: Floats) -> float:
    """The metric on the rows as they are; NaN where one outcome is absent and it is undefined."""
    return float(prepared(name, scores, labels)(np.ones((1, len(labels))))[0])


def prepared(name: Metric, scores: Floats, labels: Floats) -> Resampled:
    """The metric as a function of row weights, with the sorting done once."""
    if name == "auc":
        return _auc(scores, labels)
    if name == "average_precision":
        return _average_precision(scores, labels)
    if name == "log_loss":
        clipped = np.clip(scores, _CLIP, 1 - _CLIP)
        return _mean(-(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped)))
    return _mean((scores - labels) ** 2)


def _mean(values: Floats) -> Resampled:
    return lambda weights: (weights @ values) / weights.sum(axis=1)


def _ranked(scores: Floats, labels: Floats) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Rows by falling score, their labels, and where each run of equal scores ends."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    return order, labels[order], ends


def _auc(scores: Floats, labels: Floats) -> Resampled:
    order, hits, ends = _ranked(scores, labels)

    def area(weights: Floats) -> Floats:
        ordered = weights[:, order]
        above = np.cumsum(ordered * hits, axis=1)[:, ends]
        below = np.cumsum(ordered * (1.0 - hits), axis=1)[:, ends]
        start = np.zeros((len(weights), 1))
        height = (above + np.hstack([start, above[:, :-1]])) / 2.0
        width = np.diff(below, axis=1, prepend=0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (height * width).sum(axis=1) / (above[:, -1] * below[:, -1])

    return area


def _average_precision(scores: Floats, labels: Floats) -> Resampled:
    order, hits, ends = _ranked(scores, labels)

    def average(weights: Floats) -> Floats:
        ordered = weights[:, order]
        found = np.cumsum(ordered * hits, axis=1)[:, ends]
        flagged = np.cumsum(ordered, axis=1)[:, ends]
        with np.errstate(invalid="ignore", divide="ignore"):
            # A run without weight flags nothing and finds nothing.
            precision = np.where(flagged > 0, found / flagged, 0.0)
            gained = np.diff(found, axis=1, prepend=0.0)
            return (precision * gained).sum(axis=1) / found[:, -1]

    return average
