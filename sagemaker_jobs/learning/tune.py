"""The search: each trial trained on train, stopped and ranked on validation; the best ships.

One Dataset serves all trials. No trial is pruned at equal iteration: slow learners would lose.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna

from dropforge.errors import NoTrainingData
from dropforge.metrics import HIGHER_IS_BETTER
from dropforge.project import ProjectSpec
from sagemaker_jobs.boosting.native import Floats
from sagemaker_jobs.judging.metrics import AT_THRESHOLD, metric
from sagemaker_jobs.learning.loading import Source
from sagemaker_jobs.learning.parameters import (
    FIRST_TRY,
    dataset_parameters,
    model_parameters,
    patience,
    searched_part,
    suggest,
)
from sagemaker_jobs.learning.threshold import choose_threshold

logger = logging.getLogger(__name__)

WARM_STARTS = 5


@dataclass(frozen=True)
class Trial:
    """What one trial reached on validation."""

    number: int
    chosen: dict[str, Any]
    rounds: int
    value: float


@dataclass(frozen=True)
class Tuned:
    """The best trial's model as LightGBM's text, what made it, and every trial."""

    model: str
    best: Trial
    parameters: dict[str, Any]
    trials: list[Trial]


class Search:
    """One search over a fixed pair of splits. `binned_rows` are those that bins are learnt from."""

    def __init__(
        self, spec: ProjectSpec, train: Source, validation: Source, binned_rows: int, threads: int
    ) -> None:
        self._spec, self._binned, self._threads = spec, binned_rows, threads
        fixed = dataset_parameters(spec, binned_rows, threads)
        self._train = train.dataset(fixed)
        self._validation = validation.dataset(fixed, self._train)
        self._labels = validation.labels
        self._higher = HIGHER_IS_BETTER[spec.metric]
        self._best: tuple[float, str] | None = None
        self._trials: list[Trial] = []

    def run(self, warm_start: Iterable[dict[str, Any]]) -> Tuned:
        """Try the project's number of parameter sets, the earlier models' best first.

        A time budget ends the search after the trial that is under way.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        tune = self._spec.tune
        study = optuna.create_study(
            direction="maximize" if self._higher else "minimize",
            sampler=optuna.samplers.TPESampler(seed=tune.seed),
        )
        earlier = [part for p in warm_start if (part := searched_part(p)) is not None]
        for chosen in [*earlier[:WARM_STARTS], FIRST_TRY]:
            study.enqueue_trial(chosen, skip_if_exists=True)
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
            self._best = (value, booster.model_to_string(num_iteration=rounds))
        return value

    def fit(self, chosen: dict[str, Any]) -> tuple[lgb.Booster, int, float]:
        """Train until validation's loss stops improving; answers model, rounds, and the metric.

        The metric is measured once, on the scores of the best round.
        """
        tune = self._spec.tune
        booster = lgb.Booster(self._parameters(chosen), self._train)
        booster.add_valid(self._validation, "validation")
        watched = _Watched()
        wait = patience(tune.early_stopping_rounds, chosen["learning_rate"])
        best, rounds, scores = np.inf, 0, np.empty(0)
        for round_ in range(1, tune.max_rounds + 1):
            finished = booster.update()
            loss = float(booster.eval_valid(watched)[0][2])
            if loss < best or rounds == 0:
                best, rounds, scores = loss, round_, watched.scores.copy()
            if finished or round_ - rounds >= wait:
                break
        return booster, rounds, self._value(scores)

    def _value(self, scores: Floats) -> float:
        """The project's metric; those of decisions at the threshold that its rule would choose."""
        spec = self._spec
        threshold = None
        if spec.task == "binary" and spec.metric in AT_THRESHOLD:
            threshold = choose_threshold(spec.threshold, scores, self._labels)
        value = metric(spec.metric, scores, self._labels, threshold=threshold)
        if not np.isfinite(value):
            raise NoTrainingData(
                f"Looked for parameters of {spec.name} by {spec.metric}, which is not defined on "
                f"its {len(scores):,} validation rows. No model was made; the champion and the "
                "history are unchanged. Choose another metric in project.yml, or drop more rows."
            )
        return value

    def _is_better(self, value: float, than: float) -> bool:
        return value > than if self._higher else value < than

    def _parameters(self, chosen: dict[str, Any]) -> dict[str, Any]:
        return model_parameters(self._spec, chosen, self._binned, self._threads)


class _Watched:
    """Hands out the validation scores that LightGBM has at hand: no second prediction is made.

    A custom metric is the one way to them; the array is LightGBM's, overwritten each round.
    """

    scores: Floats

    def __call__(self, scores: Floats, _: lgb.Dataset) -> tuple[str, float, bool]:
        self.scores = scores
        return "watched", 0.0, True


def fit_rounds(source: Source, parameters: dict[str, Any], rounds: int) -> str:
    """A model of exactly these parameters and rounds, as LightGBM's text, without any search.

    With a model's own rows and lineage, on the same image and architecture, byte for byte the same.
    """
    booster = lgb.Booster(parameters, source.dataset(parameters))
    for _ in range(rounds):
        booster.update()
    return booster.model_to_string(num_iteration=rounds)
