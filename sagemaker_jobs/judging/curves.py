"""Points of the report's curves."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Point = tuple[float, float]

MAX_POINTS = 200
BINS = 20


def roc(scores: Floats, labels: Floats) -> list[Point]:
    """False positive rate to true positive rate, thinned to at most 200 points."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(labels[order])[ends] / max(labels.sum(), 1)
    alarms = np.cumsum(1 - labels[order])[ends] / max((1 - labels).sum(), 1)
    places = np.unique(np.linspace(0, len(ends) - 1, MAX_POINTS).astype(int))
    points = zip(alarms[places].tolist(), hits[places].tolist(), strict=True)
    return [(0.0, 0.0), *points]


def calibration(scores: Floats, labels: Floats, bins: int = 10) -> list[Point]:
    """Mean score to observed share, in bins of equal numbers of rows."""
    parts = np.array_split(np.argsort(scores, kind="stable"), bins)
    return [(float(scores[p].mean()), float(labels[p].mean())) for p in parts if len(p)]


def score_shares(scores: Floats) -> list[float]:
    """The share of rows in each of 20 equal bins of the score."""
    counts, _ = np.histogram(scores, bins=BINS, range=(0.0, 1.0))
    shares: list[float] = (counts / max(len(scores), 1)).tolist()
    return shares
