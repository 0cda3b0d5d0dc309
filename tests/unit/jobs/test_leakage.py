"""Leakage: columns that tell the outcome, and rows on both sides of the split."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dropforge.metrics import Task
from sagemaker_jobs.features.fit import fit_features
from sagemaker_jobs.judging.leakage import Found, correlation, leakage, telling_columns
from sagemaker_jobs.snapshot.columns import LABEL
from tests.unit.jobs.conftest import make_spec

COUNT = 2000
RNG = np.random.default_rng(3)
LABELS = (RNG.uniform(size=COUNT) < 0.2).astype(float)
POSITIVE = LABELS == 1
NOISE = RNG.normal(size=COUNT)


def told(task: Task, labels: np.ndarray, **columns: Any) -> dict[str, Found]:
    return telling_columns(task, pa.table(columns), labels)


def test_a_column_that_tells_the_outcome() -> None:
    found = told(
        "binary",
        LABELS,
        honest=LABELS + NOISE,
        paid=np.where(POSITIVE, 1.0, 100.0) + NOISE,
        status=np.where(POSITIVE, "written off", np.where(NOISE > 0, "open", "closed")),
    )
    assert found.keys() == {"paid", "status"}
    assert all(sign.severe and sign.kind == "predicts_alone" for sign in found.values())
    assert found["paid"].observed == 1.0


@pytest.mark.parametrize(("share", "severe"), [(0.3, False), (1.0, True)])
def test_a_column_written_once_the_outcome_is_known(share: float, severe: bool) -> None:
    """Recoveries: some or all of those who defaulted have a value, nobody else."""
    written = POSITIVE & (RNG.uniform(size=COUNT) <= share)
    found = told("binary", LABELS, recovered=pa.array(NOISE, mask=~written))
    assert (found["recovered"].kind, found["recovered"].severe) == ("appears_with_label", severe)
    expected = 0.5 + 0.5 * written.sum() / POSITIVE.sum()
    assert found["recovered"].observed == pytest.approx(expected)


def test_missing_at_random_is_no_sign() -> None:
    missing = RNG.uniform(size=COUNT) < 0.5
    assert told("binary", LABELS, x=pa.array(NOISE, mask=missing)) == {}


def test_one_of_several_classes() -> None:
    classes = RNG.integers(0, 3, COUNT).astype(float)
    found = told("multiclass", classes, last=(classes == 2) * 10 + NOISE, honest=classes + NOISE)
    assert found.keys() == {"last"}
    assert found["last"].severe


def test_a_number_that_goes_with_the_number() -> None:
    values = RNG.lognormal(0, 1, COUNT)
    region = np.floor(values.argsort().argsort() / COUNT * 90)
    found = told(
        "regression",
        values,
        taxed=-(values**2) * 1.19,
        near=values + 0.2 * NOISE,
        mostly=pa.array(values, mask=RNG.uniform(size=COUNT) < 0.5),
        hardly=pa.array(values, mask=np.arange(COUNT) >= 40),
    )
    assert found.keys() == {"taxed", "mostly"}
    assert found["taxed"].observed == pytest.approx(1)
    texts = pa.chunked_array([pa.array([f"r{r}" for r in region])])
    assert correlation(texts, "region", region) == pytest.approx(1)
    ids = pa.chunked_array([pa.array([f"{n}" for n in range(COUNT)])])
    assert correlation(ids, "id", values) == 0
    assert correlation(pa.chunked_array([pa.array(np.ones(COUNT))]), "one", values) == 0


def test_the_rank_correlation_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    x, y = RNG.integers(0, 20, 300).astype(float), RNG.normal(size=300).round(1)
    found = correlation(pa.chunked_array([pa.array(x)]), "x", y)
    assert found == pytest.approx(abs(stats.spearmanr(x, y).statistic))


def split(identities: list[str], **columns: Any) -> pa.Table:
    rows = {"loan_id": identities, "income": NOISE, "amount": LABELS + NOISE, **columns}
    return pa.table({**rows, LABEL: LABELS.astype(np.int8)})


SPEC = make_spec(
    features={
        "groups": {"money": ["income", "amount"]},
        "keep": ["money"],
        "derive": {"difference": "amount - income"},
    }
)
FRESH = [f"{n}" for n in range(COUNT)]
OTHERS = [f"{n + COUNT}" for n in range(COUNT)]


def found(train: pa.Table, holdout: pa.Table, shared: int = 0, same: int = 0) -> list[Any]:
    features = fit_features(SPEC.features, train, files={}, period_unit="month")
    snapshot = {"shared_ids": {"train_holdout": shared}}
    return leakage(SPEC, train, holdout, features, snapshot, same)


def test_a_derived_feature_may_leak_though_its_columns_do_not() -> None:
    """Both columns here are noise, their difference is the label."""
    (leak,) = found(split(FRESH), split(OTHERS))
    assert (leak.column, leak.kind, leak.severe) == ("difference", "predicts_alone", True)
    assert leak.message.startswith("difference alone tells the outcome (AUC 1.0000)")


HONEST = {"amount": NOISE[::-1]}


def test_rows_that_the_model_has_learnt_from_are_severe() -> None:
    (leak,) = found(split(FRESH, **HONEST), split(OTHERS, **HONEST), shared=9, same=7)
    assert (leak.kind, leak.severe, leak.observed) == ("shared_ids", True, 7 / COUNT)
    assert "7 of the holdout's 2,000 rows" in leak.message


def test_ids_in_both_are_named_unless_ids_recur_anyway() -> None:
    holdout = split(OTHERS, **HONEST)
    (leak,) = found(split(FRESH, **HONEST), holdout, shared=50)
    assert (leak.kind, leak.severe, leak.observed) == ("shared_ids", False, 50 / COUNT)
    assert found(split([f"{n // 2}" for n in range(COUNT)], **HONEST), holdout, shared=50) == []
    assert found(split(FRESH, **HONEST), holdout) == []
