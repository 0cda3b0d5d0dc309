"""Bootstrap against a slow reference; drift; thresholds; curves."""

import math

import numpy as np
import pyarrow as pa
import pytest

from dropforge.metrics import TASK_METRICS
from dropforge.project import Costs, Threshold
from sagemaker_jobs.judging.bootstrap import (
    Predictions,
    Resampler,
    differences,
    lower_bound,
    resample,
)
from sagemaker_jobs.judging.drift import (
    category_profile,
    column_drift,
    drift,
    number_profile,
)
from sagemaker_jobs.judging.figures import calibration_error
from sagemaker_jobs.judging.metrics import metric
from sagemaker_jobs.learning.calibration import fit_sigmoid
from sagemaker_jobs.learning.threshold import choose_threshold
from sagemaker_jobs.report.curves import calibration, roc
from tests.unit.jobs.slow_metrics import slow_metric

METRICS = TASK_METRICS["binary"]
THRESHOLD = 0.5


def sample(rows: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.uniform(size=rows) < 0.3).astype(float)
    good = np.clip(0.3 * labels + rng.uniform(size=rows) * 0.7, 0, 1)
    worse = np.clip(good + rng.normal(0, 0.2, rows), 0, 1)
    return good, worse, labels


def models(*scores: np.ndarray) -> list[Predictions]:
    return [Predictions(one, THRESHOLD) for one in scores]


@pytest.mark.parametrize("grouped", [False, True])
def test_the_bootstrap_is_the_slow_one(grouped: bool) -> None:
    good, worse, labels = sample(60)
    groups = np.repeat(np.arange(20), 3) if grouped else None
    resampler = Resampler(60, 7, groups, resamples=50)
    fast = resample("binary", models(good, worse), labels, resampler)
    draws = np.vstack(list(resampler.weights()))
    assert draws.shape == (50, 60)
    if grouped:
        assert (draws.reshape(50, 20, 3) == draws.reshape(50, 20, 3)[:, :, :1]).all()
    else:
        assert (draws.sum(axis=1) == 60).all()
    for name in METRICS:
        for model, scores in enumerate((good, worse)):
            slow = [
                slow_metric(
                    name,
                    np.repeat(scores, draw.astype(int)).tolist(),
                    np.repeat(labels, draw.astype(int)).astype(int).tolist(),
                    THRESHOLD,
                )
                for draw in draws
            ]
            np.testing.assert_allclose(fast[model].resampled[name], slow, rtol=1e-9)
        paired = fast[0].resampled[name] - fast[1].resampled[name]
        low, high = np.quantile(paired, [0.05, 0.95])
        found = differences(fast[0], fast[1], 0.9)[name]
        assert (found.low, found.high) == pytest.approx((low, high))


def test_the_lower_bound_turns_losses_round() -> None:
    good, worse, labels = sample(2000)
    better, lesser = resample(
        "binary", models(good, worse), labels, Resampler(2000, 1, resamples=400)
    )
    for name in ("auc", "average_precision", "log_loss", "brier", "f1"):
        assert lower_bound(better, lesser, name, 0.9) > 0
        assert lower_bound(lesser, better, name, 0.9) < 0
    assert lower_bound(better, better, "auc", 0.9) == 0


def test_the_interval_covers_and_is_seeded() -> None:
    good, _, labels = sample(1000)
    one, two = (resample("binary", models(good), labels, Resampler(1000, 3))[0] for _ in range(2))
    interval = one.interval("auc", 0.9)
    assert interval == two.interval("auc", 0.9)
    assert interval.low < interval.value == metric("auc", good, labels) < interval.high
    # Hanley and McNeil's standard error, within a fifth.
    area, hits = interval.value, labels.sum()
    misses = len(labels) - hits
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (hits - 1) * (q1 - area**2) + (misses - 1) * (q2 - area**2)
    error = math.sqrt(variance / (hits * misses))
    assert (interval.high - interval.low) / (2 * 1.645 * error) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(("rows", "resamples"), [(500, 2000), (50_000, 800), (1_000_000, 500)])
def test_large_holdouts_take_fewer_resamples(rows: int, resamples: int) -> None:
    assert Resampler.of(rows, 1).resamples == resamples


def numbers(rows: int, seed: int, shift: float = 0.0) -> pa.ChunkedArray:
    values = np.random.default_rng(seed).normal(shift, 1, rows)
    return pa.chunked_array([pa.array(values)])


def test_drift_is_seen_where_there_is_some() -> None:
    profile = number_profile(numbers(5000, 1).to_numpy())
    same = column_drift("x", profile, numbers(2000, 2), 20, 0.2)
    moved = column_drift("x", profile, numbers(2000, 3, shift=1.0), 20, 0.2)
    few = column_drift("x", profile, numbers(499, 3, shift=1.0), 20, 0.2)
    assert (same.alarm, moved.alarm) == (False, True)
    assert same.psi is not None
    assert same.psi < 0.02
    assert few.psi is None
    assert few.note == "not assessed: fewer than 500 rows"


def test_missing_values_and_new_categories_drift() -> None:
    profile = category_profile(pa.chunked_array([["x", "y"] * 1000]))
    for values in (["x", None] * 500, ["x", "new"] * 500):
        found = column_drift("c", profile, pa.chunked_array([pa.array(values)]), 1, 0.2)
        assert found.alarm
    assert drift(pa.table({"x": [1.0]}), None) == []


def test_false_alarms_are_rare() -> None:
    profile = number_profile(numbers(600, 1).to_numpy())
    alarms = sum(column_drift("x", profile, numbers(500, s), 1, 0.0).alarm for s in range(2, 502))
    assert alarms <= 25  # one in a hundred is asked for, and the baseline itself is a sample


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Threshold(recall=0.5), 0.8),
        (Threshold(recall=1.0), 0.2),
        (Threshold(precision=0.65), 0.2),
        (Threshold(precision=1.0), 0.8),
        (Threshold(flagged=0.4), 0.8),
        (Threshold(cost=Costs(false_positive=1, false_negative=10)), 0.2),
        (Threshold(cost=Costs(false_positive=10, false_negative=1)), 0.8),
    ],
)
def test_thresholds(rule: Threshold, expected: float) -> None:
    scores = np.array([0.9, 0.8, 0.6, 0.4, 0.4, 0.2])
    labels = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0])
    assert choose_threshold(rule, scores, labels) == expected


def test_calibration_recovers_the_line() -> None:
    rng = np.random.default_rng(0)
    log_odds = rng.normal(0, 2, 50_000)
    labels = (rng.uniform(size=50_000) < 1 / (1 + np.exp(-(0.5 * log_odds - 1)))).astype(float)
    sigmoid = fit_sigmoid(log_odds, labels)
    assert (sigmoid.slope, sigmoid.intercept) == pytest.approx((0.5, -1), abs=0.03)


def test_curves() -> None:
    scores, labels = np.array([0.9, 0.7, 0.7, 0.1]), np.array([1.0, 0.0, 1.0, 0.0])
    assert roc(scores, labels) == [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]
    points = calibration(scores, labels, bins=2)
    assert [x for x, _ in points] == pytest.approx([0.4, 0.8])


def test_draws_of_some_rows_keep_their_groups_whole() -> None:
    resampler = Resampler(6, 1, np.array([0, 0, 1, 2, 2, 2]), resamples=50)
    some = resampler.among(np.array([0, 1, 4, 5]))
    draws = np.vstack(list(some.weights()))
    assert draws.shape == (50, 4)
    assert (draws[:, 0] == draws[:, 1]).all()
    assert (draws[:, 2] == draws[:, 3]).all()
    assert ((draws[:, 0] + draws[:, 2]) == 2).all()
    assert some.fewer(20).resamples == 20
    assert some.fewer(500).resamples == 50


@pytest.mark.parametrize("grouped", [False, True])
def test_counts_of_cells_are_those_of_drawn_rows(grouped: bool) -> None:
    cells = np.repeat([0, 1, 3], [100, 200, 300])
    groups = np.arange(600) if grouped else None
    counts = Resampler(600, 1, groups).counts(cells, 5)
    assert counts.shape == (2000, 5)
    assert (counts.sum(axis=1) == 600).all()
    np.testing.assert_allclose(counts.mean(axis=0), [100, 200, 0, 300, 0], atol=1)
    # A multinomial's standard deviation.
    expected = np.sqrt(600 * np.array([1 / 6, 1 / 3, 0, 1 / 2, 0]) * [5 / 6, 2 / 3, 1, 1 / 2, 1])
    np.testing.assert_allclose(counts.std(axis=0), expected, rtol=0.06)


def test_the_calibration_error() -> None:
    labels = np.tile([1.0, 0.0], 500)
    assert calibration_error(np.full(1000, 0.5), labels) == pytest.approx(0)
    assert calibration_error(np.full(1000, 0.8), labels) == pytest.approx(0.3)
    # Half of the bins too high by 0.1, half too low: it does not cancel out.
    scores = np.where(np.arange(1000) < 500, 0.4, 0.6)
    assert calibration_error(scores, labels) == pytest.approx(0.1)
