"""LightGBM's parameters: what is fixed so that a model can be made again, and what is searched.

https://lightgbm.readthedocs.io/en/stable/Parameters.html
"""

import math
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from dropforge.metrics import Metric
from dropforge.project import ProjectSpec

THREADED_CELLS = 1_000_000
"""Below this many rows x features threads wait for each other longer than they work."""

FIRST_TRY: dict[str, Any] = {
    "learning_rate": 0.08,
    "num_leaves": 16,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "lambda_l1": 1e-3,
    "lambda_l2": 1e-3,
}
"""The first trial of a project without a champion."""

SPACE: dict[str, FloatDistribution | IntDistribution] = {
    "learning_rate": FloatDistribution(0.05, 0.2, log=True),
    "num_leaves": IntDistribution(8, 64, log=True),
    "min_data_in_leaf": IntDistribution(10, 300, log=True),
    "feature_fraction": FloatDistribution(0.4, 1.0),
    "bagging_fraction": FloatDistribution(0.5, 1.0),
    "lambda_l1": FloatDistribution(1e-3, 10.0, log=True),
    "lambda_l2": FloatDistribution(1e-3, 10.0, log=True),
}
"""What is searched, and within which bounds.

Learning rates from 0.02, up to 96 leaves and full patience took twice the processor time (48 s
against 23 s) for a validation AUC of 0.7494 against 0.7491: one search of 10 trials each, 197,000
training rows of 20 features.
"""

PATIENT_BELOW = 0.05
LEAST_PATIENCE = 10

REGRESSION: dict[Metric, tuple[str, str]] = {
    "rmse": ("regression", "rmse"),
    "mae": ("regression_l1", "l1"),
    "mape": ("mape", "mape"),
}
"""LightGBM's objective and metric for what a regression is judged by.

Its MAPE divides by at least 1, whatever the label.
"""


@dataclass(frozen=True)
class Objective:
    """What training minimises, and the smooth loss on validation rows that stops it early."""

    name: str
    stops: str
    classes: int | None = None


def objective(spec: ProjectSpec) -> Objective:
    """The objective of a project's task.

    Early stopping never looks at a ranking metric, or one at a threshold: of a few hundred rows
    they jump, and stop too early. Regression minimises what it is judged by.
    """
    if spec.task == "multiclass":
        return Objective("multiclass", "multi_logloss", len(spec.classes))
    if spec.task == "regression":
        return Objective(*REGRESSION[spec.metric])
    return Objective("binary", "binary_logloss")


def choose_threads(rows: int, features: int, available: int) -> int:
    """How many threads train; the lineage keeps it, because model.txt echoes it."""
    return available if rows * features >= THREADED_CELLS else 1


def dataset_parameters(spec: ProjectSpec, binned_rows: int, threads: int) -> dict[str, Any]:
    """How feature values are binned: fixed for the whole search, by a sample of `binned_rows`."""
    return {
        "feature_pre_filter": False,
        "bin_construct_sample_cnt": binned_rows,
        "data_random_seed": spec.tune.seed,
        "max_bin": 255,
        "num_threads": threads,
        "verbosity": -1,
    }


def model_parameters(
    spec: ProjectSpec, chosen: dict[str, Any], binned_rows: int, threads: int
) -> dict[str, Any]:
    """Everything a training needs; its echo in model.txt is among the bytes reproduced."""
    aim = objective(spec)
    return {
        **dataset_parameters(spec, binned_rows, threads),
        "objective": aim.name,
        **({"num_class": aim.classes} if aim.classes else {}),
        "metric": aim.stops,
        "boosting": "gbdt",
        "deterministic": True,
        "force_col_wise": True,
        "seed": spec.tune.seed,
        "bagging_freq": 1,
        "max_cat_threshold": 32,
        **chosen,
    }


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """One set of the searched parameters."""
    return {name: _suggest(trial, name, space) for name, space in SPACE.items()}


def _suggest(trial: optuna.Trial, name: str, space: BaseDistribution) -> int | float:
    if isinstance(space, IntDistribution):
        return trial.suggest_int(name, space.low, space.high, log=space.log)
    assert isinstance(space, FloatDistribution)  # there are no others in SPACE
    return trial.suggest_float(name, space.low, space.high, log=space.log)


def patience(rounds: int, learning_rate: float) -> int:
    """How many rounds without improvement end a trial, of the project's `early_stopping_rounds`.

    All of them up to a learning rate of 0.05; a faster learner gets as far in fewer rounds.
    """
    fewer = math.ceil(rounds * min(PATIENT_BELOW / learning_rate, 1.0))
    return min(rounds, max(fewer, LEAST_PATIENCE))


def searched_part(parameters: dict[str, Any]) -> dict[str, Any] | None:
    """The searched parameters of an earlier model, within today's bounds.

    None if it has not all of them.
    """
    if any(name not in parameters for name in SPACE):
        return None
    return {
        name: min(max(parameters[name], space.low), space.high) for name, space in SPACE.items()
    }
