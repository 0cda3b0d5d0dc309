"""What experiment tracking is told of a run."""

import datetime as dt
from typing import Any

from dropforge.tracking import RUN_TAG, TrackedRun, tracked_run
from dropforge.verdict import decide
from tests.unit.domain.figures import compared, evaluation, project

ENDED = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
LINEAGE: dict[str, Any] = {
    "lake_version": 7,
    "parameters": {"num_leaves": 31, "learning_rate": 0.05},
    "rounds": 120,
    "seed": 42,
    "validation": {"metric": "auc", "value": 0.81},
    "model_sha256": "ab" * 32,
    "trials": [
        {"number": 0, "value": 0.80, "rounds": 90, "num_leaves": 15, "learning_rate": 0.1},
        {"number": 1, "value": 0.81, "rounds": 120, "num_leaves": 31, "learning_rate": 0.05},
    ],
}


def tracked(**changes: Any) -> TrackedRun:
    found = compared(0.004)
    verdict = decide(project(), found)
    return tracked_run(found, verdict, LINEAGE | changes, stage="prod", ended=ENDED)


def test_a_run_says_what_it_was_made_from_and_what_came_of_it() -> None:
    run = tracked(commit="0123abc")
    assert run.experiment == "churn-prod"
    assert run.params == {
        "num_leaves": "31", "learning_rate": "0.05", "rounds": "120", "seed": "42",
    }  # fmt: skip
    assert run.metrics["holdout.auc"] == 0.80
    assert run.metrics["champion.auc"] == 0.79
    assert run.metrics["difference.lower_bound"] == 0.004
    assert run.tags[RUN_TAG] == "churn-202010-01234567-1"
    assert run.tags["dropforge.period"] == "202010"
    assert run.tags["dropforge.data_version"] == "7"
    assert run.tags["dropforge.commit"] == "0123abc"
    assert run.tags["dropforge.verdict"] == "PROMOTE"
    assert run.ended_ms == 1_795_262_400_000


def test_every_trial_is_a_run_of_its_own() -> None:
    first, second = tracked().trials
    assert first.params == {"num_leaves": "15", "learning_rate": "0.1"}
    assert second.metrics == {"validation.auc": 0.81, "rounds": 120.0}


def test_what_is_not_there_is_not_told() -> None:
    found = evaluation()
    run = tracked_run(found, decide(project(), found), LINEAGE, stage="dev", ended=ENDED)
    assert not [name for name in run.metrics if name.startswith(("champion", "difference"))]
    assert "dropforge.commit" not in run.tags


def test_figures_that_are_not_numbers_are_left_out() -> None:
    broken = [LINEAGE["trials"][0] | {"value": float("nan")}]
    assert tracked(trials=broken).trials == []
