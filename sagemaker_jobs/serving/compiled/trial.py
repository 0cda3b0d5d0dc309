"""Rows to try compiled trees by: at, just beside and far from every split."""

import numpy as np

from sagemaker_jobs.boosting.native import Floats
from sagemaker_jobs.serving.compiled.model_text import Forest

ROWS = 2_000
SEED = 20

_ANYWHERE = (
    *(np.nan, 0.0, -0.0, np.inf, -np.inf, 1e300, -1e300, 0.5, -0.5, 2.0**31, -(2.0**31)),
    *(1e-35, -1e-35, 5e-324, float(np.float32(1e-35)), -float(np.float32(1e-35))),
)


def trial_rows(forest: Forest, rows: int = ROWS) -> Floats:
    """A matrix of features: every column drawn by itself from the values that may matter in it."""
    values: list[list[float]] = [[*_ANYWHERE] for _ in range(forest.features)]
    for tree in forest.trees:
        for node, feature in enumerate(tree.features):
            if tree.decisions[node] & 1:
                place = int(tree.thresholds[node])
                words = tree.boundaries[place + 1] - tree.boundaries[place]
                values[feature] += [*map(float, range(32 * words + 2))]
            else:
                values[feature].append(tree.thresholds[node])
    random = np.random.default_rng(SEED)
    matrix = np.empty((rows, forest.features))
    for feature, known in enumerate(values):
        points = np.unique(known)
        beside = (points, np.nextafter(points, np.inf), np.nextafter(points, -np.inf))
        matrix[:, feature] = random.choice(np.concatenate(beside), rows)
        special = random.random(rows) < 0.2
        matrix[special, feature] = random.choice(_ANYWHERE, special.sum())
    return matrix
