"""Metrics of a yes-or-no model, for many weighted resamples at once.

AUC is the Mann-Whitney statistic with ties counted half; average precision steps over distinct
scores; log loss clips scores to [1e-15, 1 - 1e-15]; Brier is the mean squared error.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dropforge.metrics import Metric

Floats = NDArray[np.float64]
Resampled = Callable[[Floats], dict[Metric, Floats]]
"""Weights (resamples x rows) to one value per metric and resample."""

METRICS: tuple[Metric, ...] = ("auc", "average_precision", "log_loss", "brier")

_CLIP = 1e-15


def metric(name: Metric, scores: Floats, labels: Floats) -> float:
    """The metric on the rows as they are; NaN where one outcome is absent and it is undefined."""
    return float(prepared(scores, labels)(np.ones((1, len(labels))))[name][0])


def prepared(scores: Floats, labels: Floats) -> Resampled:
    """Every metric as a function of row weights, with the sorting done once."""
    clipped = np.clip(scores, _CLIP, 1 - _CLIP)
    losses = np.column_stack(
        [
            -(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped)),
            (scores - labels) ** 2,
            np.ones(len(labels)),
        ]
    )
    rank = _ranking(scores, labels)

    def weighted(weights: Floats) -> dict[Metric, Floats]:
        log_loss, brier, total = (weights @ losses).T
        area, precision = rank(weights)
        return {
            "auc": area,
            "average_precision": precision,
            "log_loss": log_loss / total,
            "brier": brier / total,
        }

    return weighted


def _ranking(scores: Floats, labels: Floats) -> Callable[[Floats], tuple[Floats, Floats]]:
    """AUC and average precision from the same two running sums by falling score."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], labels[order]
    # Equal scores are one step: the running sums are read at the end of each run of them.
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))

    def rank(weights: Floats) -> tuple[Floats, Floats]:
        ordered = weights[:, order]
        flagged = np.cumsum(ordered, axis=1)[:, ends]
        found = np.cumsum(np.multiply(ordered, hits, out=ordered), axis=1)[:, ends]
        gained = np.diff(found, axis=1, prepend=0.0)
        alarms = np.diff(flagged, axis=1, prepend=0.0) - gained
        positive, negative = found[:, -1], flagged[:, -1] - found[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            area = ((found - gained / 2.0) * alarms).sum(axis=1) / (positive * negative)
            # A run without weight flags nothing and finds nothing.
            precision = np.where(flagged > 0, found / flagged, 0.0)
            return area, (precision * gained).sum(axis=1) / positive

    return rank
