"""Warm start: which earlier parameter sets are tried again."""

import datetime as dt
import json
from typing import Any

import pytest

from dropforge.ledger import Champion, RegisteredModel
from sagemaker_jobs.snapshot.earlier import MODELS, earlier_artifacts, earlier_parameters

NOW = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/loans/1"


def lineage(
    leaves: int, value: float, trials: dict[int, float], *, metric: str = "auc", **more: Any
) -> dict[str, Any]:
    """A lineage whose model has `leaves`, and the trials' values by their leaves."""
    return {
        "parameters": {"objective": "binary", "seed": 42, "num_leaves": leaves},
        "validation": {"metric": metric, "value": value},
        "trials": [
            {"number": number, "value": reached, "rounds": 5, "num_leaves": of}
            for number, (of, reached) in enumerate(trials.items())
        ],
        **more,
    }


def found(artifacts: dict[str, Any], task: str = "binary", metric: str = "auc") -> list[int]:
    """The leaves of the parameter sets, in order."""
    store = {f"s3://models/{name}/lineage.json": json.dumps(d) for name, d in artifacts.items()}

    def read(uri: str) -> bytes | None:
        text = store.get(uri)
        return None if text is None else text.encode()

    uris = [f"s3://models/{name}/" for name in [*artifacts, "deleted"]]
    sets = earlier_parameters(uris, task, metric, read)  # type: ignore[arg-type]
    assert all(list(one) == ["num_leaves"] for one in sets)
    return [one["num_leaves"] for one in sets]


def test_models_parameters_come_before_other_trials_and_the_best_first() -> None:
    artifacts = {
        "b": lineage(20, 0.71, {20: 0.71, 21: 0.70}),
        "a": lineage(10, 0.75, {10: 0.75, 11: 0.74, 12: 0.60, 13: 0.72, 14: 0.5}),
    }
    assert found(artifacts) == [10, 20, 11, 13, 21]


def test_a_loss_is_better_when_it_is_smaller() -> None:
    artifacts = {
        "a": lineage(10, 0.30, {10: 0.30}, metric="log_loss"),
        "b": lineage(20, 0.20, {20: 0.20}, metric="log_loss"),
    }
    assert found(artifacts, metric="log_loss") == [20, 10]


def test_the_same_set_is_tried_once() -> None:
    artifacts = {name: lineage(10, 0.7, {10: 0.7, 11: 0.6}) for name in ("a", "b", "c")}
    assert found(artifacts) == [10, 11]


def test_at_most_five() -> None:
    artifacts = {str(n): lineage(n, n / 100, {n: n / 100}) for n in range(10, 19)}
    assert found(artifacts) == [18, 17, 16, 15, 14]


@pytest.mark.parametrize(
    "other",
    [
        lineage(10, 0.7, {10: 0.7}, metric="average_precision"),
        lineage(10, 0.7, {10: 0.7}, task="multiclass"),
        lineage(10, float("nan"), {10: float("nan")}),
        [],
        {},
    ],
)
def test_what_was_tuned_for_something_else_is_left_out(other: Any) -> None:
    assert found({"a": other, "b": lineage(20, 0.6, {20: 0.6}, task="binary")}) == [20]


def test_the_newest_models_are_looked_at_and_the_champion() -> None:
    models = [
        RegisteredModel(
            version=str(n),
            model_package_arn=ARN,
            artifact_uri=f"s3://models/{n}/",
            run=f"run-{n}",
            project_version="0",
            verdict="HOLD",
            status="Rejected",
            registered_at=NOW,
        )
        for n in range(1, 31)
    ]
    champion = Champion(
        version="2",
        model_package_arn=ARN,
        artifact_uri="s3://models/2/",
        run="run-2",
        promoted_at=NOW,
    )
    uris = earlier_artifacts(models, champion)
    assert uris == [f"s3://models/{n}/" for n in range(30, 30 - MODELS, -1)] + ["s3://models/2/"]
    assert earlier_artifacts(models[:3], champion) == [f"s3://models/{n}/" for n in (3, 2, 1)]
    assert earlier_artifacts([], None) == []
