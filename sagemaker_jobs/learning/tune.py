"""The search: each trial trained on train, stopped and ranked on validation; the best ships.

One Dataset serves all trials. No trial is pruned at equal iteration: slow learners would lose.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna

from dropforge.metrics import HIGHER_IS_BETTER
from dropforge.project import ProjectSpec
from sagemaker_jobs.learning.dataset import Rows
from sagemaker_jobs.learning.parameters import (
    FIRST_TRY,
    OBJECTIVE_METRICS,
    STOPS,
    dataset_parameters,
    model_parameters,
    searched_part,
    suggest,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """What one trial reached on validation."""

    number: int
    chosen: dict[str, Any]
    rounds: int
    value: float


@dataclass(frozen=True)
class Tuned:
    """The best trial's model, and every trial."""

    booster: lgb.Booster
    best: Trial
    parameters: dict[str, Any]
    trials: list[Trial]


class Search:
    """One search over a fixed pair of splits."""

    def __init__(
        self,
        spec: ProjectSpec,
        train: Rows,
        validation: Rows,
        names: list[str],
        categorical: list[int],
        threads: int,
    ) -> None:
        self._spec, self._rows, self._threads = spec, len(train.labels), threads
        fixed = dataset_parameters(spec, self._rows, threads)
        self._train = lgb.Dataset(
            train.matrix,
            label=train.labels,
            feature_name=names,
            categorical_feature=categorical,
            params=fixed,
            free_raw_data=True,
        )
        self._validation = lgb.Dataset(
            validation.matrix, label=validation.labels, reference=self._train, params=fixed
        )
        self._higher = HIGHER_IS_BETTER[spec.metric]
        self._best: tuple[float, lgb.Booster] | None = None
        self._trials: list[Trial] = []

    def run(self, warm_start: list[dict[str, Any]]) -> Tuned:
        """Try the project's number of parameter sets, the champion's first."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        tune = self._spec.tune
        study = optuna.create_study(
            direction="maximize" if self._higher else "minimize",
            sampler=optuna.samplers.TPESampler(seed=tune.seed),
        )
        for earlier in [searched_part(p) for p in warm_start] or []:
            if earlier is not None:
                study.enqueue_trial(earlier, skip_if_exists=True)
        study.enqueue_trial(FIRST_TRY, skip_if_exists=True)
        study.optimize(self._objective, n_trials=tune.trials, timeout=tune.time_budget_seconds)
        assert self._best is not None  # optimize runs at least one trial, or raises
        best = self._trials[study.best_trial.number]
        return Tuned(self._best[1], best, self._parameters(best.chosen), self._trials)

    def _objective(self, trial: optuna.Trial) -> float:
        chosen = suggest(trial)
        started = time.perf_counter()
        booster, rounds, value = self.fit(chosen)
        self._trials.append(Trial(trial.number, chosen, rounds, value))
        logger.info(
            "trial %d: %s %.5f after %d rounds, %.2f s",
            trial.number,
            self._spec.metric,
            value,
            rounds,
            time.perf_counter() - started,
        )
        if self._best is None or self._is_better(value, self._best[0]):
            self._best = (value, booster)
        return value

    def fit(self, chosen: dict[str, Any]) -> tuple[lgb.Booster, int, float]:
        """Train until validation's log loss stops improving; answers model, rounds, and the metric.

        Log loss stops because it is smooth: ranking metrics of a few hundred rows stop too early.
        """
        tune = self._spec.tune
        booster = lgb.Booster(self._parameters(chosen), self._train)
        booster.add_valid(self._validation, "validation")
        best, rounds, value = np.inf, 0, np.nan
        for round_ in range(1, tune.max_rounds + 1):
            finished = booster.update()
            now = {name: float(figure) for _, name, figure, *_ in booster.eval_valid()}
            if now[STOPS] < best or rounds == 0:
                best, rounds, value = now[STOPS], round_, now[OBJECTIVE_METRICS[self._spec.metric]]
            if finished or round_ - rounds >= tune.early_stopping_rounds:
                break
        return booster, rounds, value

    def _is_better(self, value: float, than: float) -> bool:
        return value > than if self._higher else value < than

    def _parameters(self, chosen: dict[str, Any]) -> dict[str, Any]:
        return model_parameters(self._spec, chosen, self._rows, self._threads)


def save(booster: lgb.Booster, rounds: int, target: Path) -> None:
    """Write the first `rounds` trees as LightGBM's text."""
    target.write_text(booster.model_to_string(num_iteration=rounds), encoding="utf-8")


def replay(
    train: Rows, names: list[str], categorical: list[int], parameters: dict[str, Any], rounds: int
) -> str:
    """Train again with parameters and rounds from a lineage, without any search.

    On the same image and architecture the text is byte-identical to the model's.
    """
    dataset = lgb.Dataset(
        train.matrix,
        label=train.labels,
        feature_name=names,
        categorical_feature=categorical,
        params=parameters,
    )
    booster = lgb.Booster(parameters, dataset)
    for _ in range(rounds):
        booster.update()
    return booster.model_to_string(num_iteration=rounds)
