"""Every metric against its definition, on rows that are drawn several times or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropforge.metrics import TASK_METRICS, Metric, Task
from sagemaker_jobs.judging.metrics import metric, prepared
from tests.unit.jobs.slow_metrics import slow_metric, slow_multiclass, slow_regression

WEIGHTS = st.integers(0, 3)
THRESHOLD = 0.3
SCORE = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])
BINARY = st.lists(st.tuples(SCORE, st.integers(0, 1), WEIGHTS), min_size=1, max_size=30)
CHANCES = st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any)
CLASSES = st.lists(st.tuples(CHANCES, st.integers(0, 3), WEIGHTS), min_size=1, max_size=20)
NUMBER = st.floats(-100, 100).map(lambda value: round(value, 1))
VALUES = st.lists(st.tuples(NUMBER, NUMBER, WEIGHTS), min_size=1, max_size=20)


def weighted(task: Task, scores: np.ndarray, rows: list, name: Metric) -> float:
    labels, weights = (
        np.array(column, dtype=float) for column in list(zip(*rows, strict=True))[1:]
    )
    # The same rows beside other draws: a resample's figure is its own.
    block = np.vstack([np.ones(len(rows)), weights, np.arange(len(rows)) + 1])
    return float(prepared(task, scores, labels, THRESHOLD)(block)[name][1])


def repeated(rows: list) -> list:
    return [row for row in rows for _ in range(row[2])]


@settings(max_examples=300)
@given(BINARY.filter(lambda rows: any(row[2] for row in rows)))
def test_binary(rows: list) -> None:
    scores = np.array([row[0] for row in rows])
    drawn = repeated(rows)
    for name in TASK_METRICS["binary"]:
        expected = slow_metric(name, [r[0] for r in drawn], [r[1] for r in drawn], THRESHOLD)
        found = weighted("binary", scores, rows, name)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name


@settings(max_examples=200)
@given(CLASSES.filter(lambda rows: any(row[2] for row in rows)))
def test_multiclass(rows: list) -> None:
    rows = [(tuple(np.array(row[0]) / sum(row[0])), *row[1:]) for row in rows]
    scores = np.array([row[0] for row in rows])
    drawn = repeated(rows)
    for name in TASK_METRICS["multiclass"]:
        expected = slow_multiclass(name, [r[0] for r in drawn], [r[1] for r in drawn])
        found = weighted("multiclass", scores, rows, name)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name


@settings(max_examples=200)
@given(VALUES.filter(lambda rows: any(row[2] for row in rows)))
def test_regression(rows: list) -> None:
    scores = np.array([row[0] for row in rows])
    drawn = repeated(rows)
    for name in TASK_METRICS["regression"]:
        expected = slow_regression(name, [r[0] for r in drawn], [r[1] for r in drawn])
        found = weighted("regression", scores, rows, name)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name


LABELS = np.array([1.0, 0.0, 1.0, 0.0])
SCORES = np.array([0.9, 0.8, 0.4, 0.1])


def test_one_metric_by_name() -> None:
    assert metric("auc", SCORES, LABELS) == 0.75
    assert metric("recall", SCORES, LABELS, threshold=0.5) == 0.5
    assert metric("mae", np.array([1.0, 3.0]), np.array([2.0, 5.0])) == 1.5
    chances = np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]])
    assert metric("accuracy", chances, np.array([2.0, 1.0])) == 0.5


def test_mape_leaves_out_targets_of_zero() -> None:
    assert metric("mape", np.array([5.0, 3.0]), np.array([0.0, 2.0])) == 0.5
    assert np.isnan(metric("mape", np.array([5.0]), np.array([0.0])))


def test_metrics_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="f1 of a binary model needs a threshold"):
        metric("f1", SCORES, LABELS)
    with pytest.raises(ValueError, match="auc is no metric of multiclass scores"):
        metric("auc", np.ones((4, 3)) / 3, LABELS)
