"""Models of every kind that LightGBM trains, and files that their trees are compiled into."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from sagemaker_jobs.boosting.native import Booster, Floats
from sagemaker_jobs.serving.compiled.code import CompiledTrees
from sagemaker_jobs.serving.compiled.compiler import compile_model

COMPILES = (sys.platform, platform.machine()) == ("linux", "x86_64")
needs_compiler = pytest.mark.skipif(not COMPILES, reason="trees are compiled on Linux on x86-64")

FEATURES, CATEGORIES = 7, (5, 6)


def matrix(rows: int, seed: int = 1) -> Floats:
    """Numbers with zeros and gaps, one column of counts, and two of categories."""
    random = np.random.default_rng(seed)
    found = random.normal(size=(rows, FEATURES))
    found[:, 4] = random.poisson(1.0, rows)
    found[:, 5] = random.integers(0, 300, rows)
    found[:, 6] = random.integers(0, 5, rows)
    found[random.random(found.shape) < 0.1] = np.nan
    found[random.random(found.shape) < 0.1] = 0.0
    return found


def train(target: Path, *, rounds: int = 40, **parameters: Any) -> Path:
    """Train and write a model; binary unless told otherwise."""
    rows = matrix(2_000)
    known = np.nan_to_num(rows)
    signal = known[:, 0] - known[:, 1] * known[:, 2] + known[:, 5] % 3 + (known[:, 6] == 2)
    chosen: dict[str, Any] = {
        "objective": "binary",
        "num_leaves": 15,
        "max_cat_to_onehot": 1,
        "min_data_per_group": 5,
        "cat_smooth": 1,
        "cat_l2": 0,
        "num_threads": 1,
        "verbosity": -1,
    } | parameters
    labels = {
        "binary": signal > 1,
        "multiclass": np.clip(signal, 0, 3).astype(int),
        "poisson": np.abs(signal),
    }.get(chosen["objective"], signal)
    dataset = lgb.Dataset(rows, labels, categorical_feature=list(CATEGORIES))
    lgb.train(chosen, dataset, rounds).save_model(target)
    return target


@contextmanager
def a_file() -> Iterator[int]:
    """An open file without a name."""
    file = os.memfd_create("trees", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        yield file
    finally:
        os.close(file)


def compiled(model: Path) -> tuple[CompiledTrees, Booster]:
    """The trees of a model as code, and by LightGBM."""
    with a_file() as file:
        compile_model(model, file)
        return CompiledTrees(file), Booster(model)
