"""Explanations of every task add up to what they explain."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropforge.metrics import Task
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.rows import RowReader
from sagemaker_jobs.serving.model import ServedModel
from tests.unit.jobs.tasks import Trained, make_trained, task_spec

TASKS: tuple[Task, ...] = ("multiclass", "regression")
ROWS: list[dict[str, Any]] = [
    {"income": 20000.5, "amount": 30000, "age": 41, "job": "smith"},
    {"income": None, "amount": 100.0, "age": 18, "job": None},
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Trained]:
    return {task: make_trained(tmp_path_factory.mktemp(task), task_spec(task)) for task in TASKS}


def explained(artifact: Path) -> list[dict[str, Any]]:
    model = ServedModel.load(artifact, "7")
    question = model.read("application/json", json.dumps(ROWS).encode())
    body = model.reply(question, "application/json", None, explain=True)
    predictions: list[dict[str, Any]] = json.loads(body)["predictions"]
    return predictions


def test_a_regressions_contributions_are_in_the_targets_unit(models: dict[Task, Trained]) -> None:
    for row in explained(models["regression"].artifact):
        contributions = row["explanation"]["contributions"]
        total = row["explanation"]["base"] + sum(item["value"] for item in contributions)
        assert total == pytest.approx(row["score"])
        assert all(item.keys() == {"feature", "value"} for item in contributions)


def test_a_multiclass_models_are_of_the_decided_class(models: dict[Task, Trained]) -> None:
    artifact = models["multiclass"].artifact
    scorer = Scorer.load(artifact)
    frame = RowReader(scorer.features).from_objects(ROWS)
    raw = scorer.contributions(frame)
    for index, row in enumerate(explained(artifact)):
        place = scorer.classes.index(row["decision"])
        totals = raw[index].sum(axis=1)
        assert row["explanation"]["base"] == raw[index, place, -1]
        for item in row["explanation"]["contributions"]:
            feature = scorer.features.features.index(item["feature"])
            assert item["log_odds"] == raw[index, place, feature]
            without = totals.copy()
            without[place] -= item["log_odds"]
            share = math.exp(without[place]) / np.exp(without).sum()
            assert item["probability_change"] == pytest.approx(row["score"] - share, abs=1e-9)
