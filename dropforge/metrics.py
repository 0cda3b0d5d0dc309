"""The tasks, their metrics, and which way each metric is better."""

from typing import Literal

Task = Literal["binary", "multiclass", "regression"]

Metric = Literal[
    "auc",
    "average_precision",
    "log_loss",
    "brier",
    "f1",
    "recall",
    "precision",
    "accuracy",
    "quadratic_kappa",
    "rmse",
    "mae",
    "mape",
]

TASK_METRICS: dict[Task, tuple[Metric, ...]] = {
    "binary": ("auc", "average_precision", "log_loss", "brier", "f1", "recall", "precision"),
    "multiclass": ("log_loss", "accuracy", "f1", "recall", "precision", "quadratic_kappa"),
    "regression": ("rmse", "mae", "mape"),
}
"""Every metric measured of a task's model; the first is the default one to judge by.

F1, recall and precision are at the decision threshold of a binary model, and macro averages of a
multiclass one. The quadratic kappa takes the project's `classes` as an order.
"""

HIGHER_IS_BETTER: dict[Metric, bool] = {
    "auc": True,
    "average_precision": True,
    "log_loss": False,
    "brier": False,
    "f1": True,
    "recall": True,
    "precision": True,
    "accuracy": True,
    "quadratic_kappa": True,
    "rmse": False,
    "mae": False,
    "mape": False,
}

METRIC_NAMES: dict[Metric, str] = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier",
    "f1": "F1",
    "recall": "Recall",
    "precision": "Precision",
    "accuracy": "Accuracy",
    "quadratic_kappa": "Quadratic kappa",
    "rmse": "RMSE",
    "mae": "MAE",
    "mape": "MAPE",
}
"""The metrics in people's words, for mails and reports."""
