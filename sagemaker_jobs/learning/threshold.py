"""The decision threshold: the score from which a row is flagged, by the project's one rule."""

import numpy as np
from numpy.typing import NDArray

from dropforge.project import Threshold

Floats = NDArray[np.float64]


def choose_threshold(rule: Threshold, scores: Floats, labels: Floats) -> float:
    """The threshold on validation rows: flagged is `score >= threshold`.

    recall, precision: the highest threshold that reaches recall; the lowest that reaches precision.
    flagged: the share of rows flagged comes closest. cost: the total cost is least.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(labels[order])
    # A threshold lies at the end of each run of equal scores: equal scores are decided alike.
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    ranked, hits, flagged = ranked[ends], hits[ends], ends + 1.0
    total = labels.sum()
    if rule.recall is not None:
        place = int(np.argmax(hits >= rule.recall * total))
    elif rule.precision is not None:
        reached = np.flatnonzero(hits / flagged >= rule.precision)
        # Nothing precise enough: flag as few as can be flagged.
        place = int(reached[-1]) if len(reached) else 0
    elif rule.flagged is not None:
        place = int(np.argmin(np.abs(flagged / len(scores) - rule.flagged)))
    else:
        assert rule.cost is not None  # the project names exactly one rule
        cost = rule.cost.false_positive * (flagged - hits)
        cost += rule.cost.false_negative * (total - hits)
        place = int(np.argmin(cost))
    return float(ranked[place])
