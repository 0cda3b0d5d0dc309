"""Metrics and bootstrap against slow references; fairness; drift."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropforge.metrics import Metric
from dropforge.project import Costs, Threshold
from sagemaker_jobs.judging.bootstrap import (
    Resampler,
    differences,
    lower_bound,
    resample,
)
from sagemaker_jobs.judging.curves import calibration, roc
from sagemaker_jobs.judging.drift import (
    category_profile,
    column_drift,
    drift,
    number_profile,
)
from sagemaker_jobs.judging.fairness import fairness
from sagemaker_jobs.judging.metrics import METRICS, metric, prepared
from sagemaker_jobs.learning.calibration import fit_sigmoid
from sagemaker_jobs.learning.threshold import choose_threshold


def slow_metric(name: Metric, scores: list[float], labels: list[int]) -> float:
    pairs = list(zip(scores, labels, strict=True))
    hits = [s for s, label in pairs if label == 1]
    misses = [s for s, label in pairs if label == 0]
    if name == "auc":
        if not hits or not misses:
            return math.nan
        won = sum((h > m) + 0.5 * (h == m) for h in hits for m in misses)
        return won / (len(hits) * len(misses))
    if name == "average_precision":
        if not hits:
            return math.nan
        total, found_before = 0.0, 0
        for threshold in sorted(set(scores), reverse=True):
            flagged = [label for s, label in pairs if s >= threshold]
            total += (sum(flagged) - found_before) / len(hits) * sum(flagged) / len(flagged)
            found_before = sum(flagged)
        return total
    if name == "log_loss":
        clipped = [(min(max(s, 1e-15), 1 - 1e-15), label) for s, label in pairs]
        return -sum(math.log(s if label else 1 - s) for s, label in clipped) / len(pairs)
    return sum((s - label) ** 2 for s, label in pairs) / len(pairs)


ROWS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.integers(0, 1), st.integers(0, 3)
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=300)
@given(ROWS, st.sampled_from(METRICS))
def test_weighted_metrics_are_those_of_the_repeated_rows(
    rows: list[tuple[float, int, int]], name: Metric
) -> None:
    scores, labels, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if not weights.sum():
        return
    repeated = [(s, int(label)) for s, label, weight in rows for _ in range(weight)]
    expected = slow_metric(name, [s for s, _ in repeated], [label for _, label in repeated])
    found = prepared(scores, labels)(weights[None, :])[name][0]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


def sample(rows: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.uniform(size=rows) < 0.3).astype(float)
    good = np.clip(0.3 * labels + rng.uniform(size=rows) * 0.7, 0, 1)
    worse = np.clip(good + rng.normal(0, 0.2, rows), 0, 1)
    return good, worse, labels


@pytest.mark.parametrize("grouped", [False, True])
def test_the_bootstrap_is_the_slow_one(grouped: bool) -> None:
    good, worse, labels = sample(60)
    groups = np.repeat(np.arange(20), 3) if grouped else None
    resampler = Resampler(60, 7, groups, resamples=50)
    fast = resample([good, worse], labels, resampler)
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
    better, lesser = resample([good, worse], labels, Resampler(2000, 1, resamples=400))
    for name in METRICS:
        assert lower_bound(better, lesser, name, 0.9) > 0
        assert lower_bound(lesser, better, name, 0.9) < 0
    assert lower_bound(better, better, "auc", 0.9) == 0


def test_the_interval_covers_and_is_seeded() -> None:
    good, _, labels = sample(1000)
    one, two = (resample([good], labels, Resampler(1000, 3))[0] for _ in range(2))
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


def test_fairness_assesses_groups_large_enough() -> None:
    groups = ["a"] * 400 + ["b"] * 400 + ["c"] * 199 + [None] * 300
    favourable = np.array([True] * 320 + [False] * 80 + [True] * 200 + [False] * 200 + [True] * 499)
    labels = np.array(([1.0] * 40 + [0.0] * 360) * 2 + [1.0] * 199 + [1.0] * 29 + [0.0] * 271)
    table = pa.table({"sex": pa.array(groups, pa.string())})
    (found,) = fairness(table, ["sex", "absent"], favourable, labels, features=["sex"])
    assert found.ratios["demographic_parity"].value == pytest.approx(0.5 / 0.8)
    assert found.is_feature
    assert {g.group: g.assessed for g in found.groups} == {
        "a": True, "b": True, "c": False, "(missing)": False,
    }  # fmt: skip
    notes = {g.group: g.note for g in found.groups}
    assert notes["c"] == "fewer than 200 rows"
    assert notes["(missing)"] == "fewer than 30 positives"


def test_one_group_alone_has_no_ratio() -> None:
    table = pa.table({"sex": ["a"] * 500})
    (found,) = fairness(table, ["sex"], np.ones(500, bool), np.ones(500))
    assert found.ratios == {}


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
