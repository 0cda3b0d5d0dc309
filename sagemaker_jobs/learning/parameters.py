"""LightGBM's parameters: what is fixed so that a model can be made again, and what is searched.

https://lightgbm.readthedocs.io/en/stable/Parameters.html
"""

from typing import Any

import optuna

from dropforge.metrics import Metric
from dropforge.project import ProjectSpec

OBJECTIVE_METRICS: dict[Metric, str] = {
    "auc": "auc",
    "average_precision": "average_precision",
    "log_loss": "binary_logloss",
    "brier": "l2",
}
"""Our metrics by LightGBM's names; `l2` of a probability is the Brier score."""

STOPS = "binary_logloss"
"""What early stopping looks at, whatever the project's metric."""

THREADED_CELLS = 1_000_000
"""Below this many rows x features threads wait for each other longer than they work."""

FIRST_TRY: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.9,
    "bagging_fraction": 0.9,
    "lambda_l1": 1e-3,
    "lambda_l2": 1e-3,
}
"""The first trial of a project without a champion."""

SEARCHED = tuple(FIRST_TRY)


def choose_threads(rows: int, features: int, available: int) -> int:
    """How many threads train; the lineage keeps it, because model.txt echoes it."""
    return available if rows * features >= THREADED_CELLS else 1


def dataset_parameters(spec: ProjectSpec, rows: int, threads: int) -> dict[str, Any]:
    """How feature values are binned: fixed for the whole search, on every row."""
    return {
        "feature_pre_filter": False,
        "bin_construct_sample_cnt": max(rows, 200_000),
        "data_random_seed": spec.tune.seed,
        "max_bin": 255,
        "num_threads": threads,
        "verbosity": -1,
    }


def model_parameters(
    spec: ProjectSpec, chosen: dict[str, Any], rows: int, threads: int
) -> dict[str, Any]:
    """Everything a training needs; its echo in model.txt is among the bytes reproduced."""
    return {
        **dataset_parameters(spec, rows, threads),
        "objective": "binary",
        "metric": list(dict.fromkeys([OBJECTIVE_METRICS[spec.metric], STOPS])),
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
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 8, 96, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 300, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "lambda_l1": trial.suggest_float("lambda_l1", 1e-3, 10.0, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 10.0, log=True),
    }


def searched_part(parameters: dict[str, Any]) -> dict[str, Any] | None:
    """The searched parameters of an earlier model; None if it has not all of them."""
    if any(name not in parameters for name in SEARCHED):
        return None
    return {name: parameters[name] for name in SEARCHED}
