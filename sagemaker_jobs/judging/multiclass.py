"""Metrics of a model of several classes, for many weighted resamples at once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dropforge.metrics import Metric

Floats = NDArray[np.float64]

_CLIP = 1e-15


def multiclass(scores: Floats, labels: Floats) -> Callable[[Floats], dict[Metric, Floats]]:
    """Every metric as a function of row weights (resamples x rows).

    `scores` is rows x classes, `labels` class positions. Decisions are the likeliest class, the
    first of equals. The macro averages are over the classes that are the outcome or the decision of
    a drawn row, as scikit-learn's.
    """
    rows, count = scores.shape
    truth = labels.astype(np.int64)
    decided = scores.argmax(axis=1)
    classes = np.arange(count)
    is_true = (truth[:, None] == classes).astype(np.float64)
    is_decided = (decided[:, None] == classes).astype(np.float64)
    parts = np.column_stack(
        [
            -np.log(np.clip(scores[np.arange(rows), truth], _CLIP, 1.0)),
            np.ones(rows),
            is_true,
            is_decided,
            is_true * is_decided,
        ]
    )

    def weighted(weights: Floats) -> dict[Metric, Floats]:
        sums = weights @ parts
        total = sums[:, 1]
        actual, decisions, hits = np.split(sums[:, 2:], 3, axis=1)
        return {
            "log_loss": sums[:, 0] / total,
            "accuracy": hits.sum(axis=1) / total,
            "f1": _macro(2 * hits, actual + decisions, actual + decisions),
            "recall": _macro(hits, actual, actual + decisions),
            "precision": _macro(hits, decisions, actual + decisions),
            "quadratic_kappa": kappa(
                weights @ ((truth - decided) ** 2.0), actual, decisions, total
            ),
        }

    return weighted


def kappa(disagreement: Floats, actual: Floats, decisions: Floats, total: Floats) -> Floats:
    """Cohen's kappa with squared weights; NaN where all is one class, both in truth and decision.

    kappa = 1 - sum(w O) / sum(w E) with w = (i - j)^2 and E = outer(actual, decisions) / total:
    the second sum unfolds into the classes' first and second moments.
    """
    position = np.arange(actual.shape[1], dtype=np.float64)
    expected = (
        actual @ position**2
        + decisions @ position**2
        - 2 * (actual @ position) * (decisions @ position) / total
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 1e-9 * total, 1.0 - disagreement / expected, np.nan)


def _macro(found: Floats, of: Floats, present: Floats) -> Floats:
    """The mean over present classes of found / of, 0 where a class has none of it."""
    share = np.divide(found, of, out=np.zeros_like(found), where=of > 0)
    mean: Floats = share.sum(axis=1) / (present > 0).sum(axis=1)
    return mean
