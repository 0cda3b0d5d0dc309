"""Sigmoid calibration (Platt 1999), fitted on validation log-odds by Newton's method.

Targets are smoothed as in Platt's paper; the iteration is Lin, Lin and Weng's (2007).
"""

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.boosting.scorer import Sigmoid

Floats = NDArray[np.float64]

MAX_STEPS = 100
RIDGE = 1e-12


def fit_sigmoid(log_odds: Floats, labels: Floats) -> Sigmoid:
    """Slope and intercept that make the scores probabilities."""
    positive, negative = labels.sum(), (1.0 - labels).sum()
    target = np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    slope, intercept = 1.0, 0.0
    loss = _loss(log_odds, target, slope, intercept)
    for _ in range(MAX_STEPS):
        score = 1.0 / (1.0 + np.exp(-(slope * log_odds + intercept)))
        error, weight = score - target, score * (1.0 - score)
        gradient = np.array([error @ log_odds, error.sum()])
        hessian = np.array(
            [[weight @ log_odds**2, weight @ log_odds], [weight @ log_odds, weight.sum()]]
        ) + RIDGE * np.eye(2)
        if np.abs(gradient).max() < 1e-8 * len(labels):
            break
        step = np.linalg.solve(hessian, gradient)
        scale = 1.0
        while scale > 1e-10:
            trial = slope - scale * step[0], intercept - scale * step[1]
            new = _loss(log_odds, target, *trial)
            if new < loss:
                break
            scale /= 2
        else:
            break
        (slope, intercept), loss = trial, new
    return Sigmoid(float(slope), float(intercept))


def _loss(log_odds: Floats, target: Floats, slope: float, intercept: float) -> float:
    margin = slope * log_odds + intercept
    return float(np.sum(np.logaddexp(0.0, margin) - target * margin))
