"""From raw scores to LightGBM's: what its objectives do in ConvertOutput, to the last bit.

Sums, products and quotients are the same anywhere. exp is not: it is the C library's, which
LightGBM calls; numpy has one of its own.
https://github.com/microsoft/LightGBM/tree/v4.6.0/src/objective
"""

from collections.abc import Callable

import numpy as np

from sagemaker_jobs.boosting.native import Floats
from sagemaker_jobs.serving.compiled.model_text import NotCompilable

Exponentials = Callable[[Floats], None]
"""Puts exp of every value in its place."""

Convert = Callable[[Floats, Exponentials], Floats]
"""Raw scores (outputs, rows), which may be overwritten, to scores (outputs, rows)."""

_AS_THEY_ARE = ("regression", "regression_l1", "mape")


def conversion(objective: str) -> Convert:
    """How the objective of a model text converts.

    Raises:
        NotCompilable: an objective that no project trains.
    """
    name, *settings = objective.split()
    if name in _AS_THEY_ARE and not settings:
        return lambda raw, exponentials: raw
    if name == "multiclass":
        return _softmax
    if name == "binary" and len(settings) == 1 and settings[0].startswith("sigmoid:"):
        return _sigmoid(float(settings[0].removeprefix("sigmoid:")))
    raise NotCompilable(f"its objective is {objective!r}")


def _sigmoid(scale: float) -> Convert:
    def convert(raw: Floats, exponentials: Exponentials) -> Floats:
        raw *= -scale
        exponentials(raw)
        raw += 1.0
        return np.divide(1.0, raw, out=raw)

    return convert


def _softmax(raw: Floats, exponentials: Exponentials) -> Floats:
    raw -= raw.max(axis=0)
    exponentials(raw)
    total = np.zeros(raw.shape[1])
    for output in raw:
        total += output
    raw /= total
    return raw
