"""What a usual endpoint does with a row: `import lightgbm`, a booster, doubles in, scores out.

Rows are the features as numbers already: what ours makes of a caller's values (categories, missing
values, derived columns, the contract's checks) the others are spared.
"""

import csv
import io
import os
from collections.abc import Sequence
from functools import cache

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

PATH = "BENCH_MODEL"
"""The environment variable with the path of model.txt."""

Floats = NDArray[np.float64]


@cache
def booster() -> lgb.Booster:
    """The model, loaded once. One thread: more of them make single rows' worst times 80 times
    longer."""
    return lgb.Booster(params={"num_threads": 1}, model_file=os.environ[PATH])


def predict(rows: Floats) -> list[float]:
    """The rows' scores."""
    scores: list[float] = np.asarray(booster().predict(rows, num_threads=1)).tolist()
    return scores


def from_csv(text: str) -> Floats:
    """Rows of CSV as SageMaker's containers read them, as doubles (they take singles).

    https://github.com/aws/sagemaker-containers/blob/master/src/sagemaker_containers/_encoders.py
    """
    reader = csv.reader(io.StringIO(text), strict=True)
    return np.array(list(reader)).astype(np.float64)


def from_values(rows: Sequence[Sequence[float | None]]) -> Floats:
    """Rows of JSON: null is missing."""
    return np.array(rows, dtype=object).astype(np.float64)
