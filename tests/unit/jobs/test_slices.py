"""Slices: the declared ones, the worst ones, and none of a personal column."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dropforge.evaluation import SliceFigures
from sagemaker_jobs.judging.bootstrap import Predictions, Resampler
from sagemaker_jobs.judging.levels import grouped
from sagemaker_jobs.judging.metrics import metric
from sagemaker_jobs.judging.slice_figures import Rows
from sagemaker_jobs.judging.slices import slices
from tests.unit.jobs.conftest import make_spec

COUNT = 6000
RNG = np.random.default_rng(5)
LABELS = (RNG.uniform(size=COUNT) < 0.3).astype(float)
SIGNAL = LABELS + RNG.normal(0, 1, COUNT)
NOISE = RNG.normal(0, 1, COUNT)
COLUMNS: dict[str, Any] = {
    "income": RNG.uniform(0, 100, COUNT),
    "amount": RNG.normal(size=COUNT),
    "age": RNG.integers(0, 60, COUNT),
    "job": RNG.choice(["clerk", "nurse", "smith"], COUNT),
    "region": np.where(np.arange(COUNT) < 150, "tiny", RNG.choice(["n", "s"], COUNT)),
    "sex": RNG.choice(["f", "m"], COUNT),
    "loan_id": [f"{n}" for n in range(COUNT)],
}
TABLE = pa.table(COLUMNS)
INPUTS = ["income", "amount", "age", "job"]


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def measure(
    challenger: np.ndarray, champion: np.ndarray | None = None, **changes: Any
) -> list[SliceFigures]:
    rows = Rows(
        TABLE,
        LABELS,
        Predictions(sigmoid(challenger), 0.5),
        Predictions(sigmoid(champion), 0.5) if champion is not None else None,
        Resampler.of(COUNT, 1),
    )
    return slices(make_spec(**changes), rows, INPUTS)


def test_declared_slices_are_measured_each() -> None:
    found = measure(SIGNAL, SIGNAL + 0.3 * NOISE, slices=["region", "income"])
    assert all(item.declared for item in found)
    by_name = {(item.column, item.value): item for item in found}
    assert [item.column for item in found] == ["region"] * 3 + ["income"] * 4
    tiny = by_name["region", "tiny"]
    assert (tiny.assessed, tiny.note, tiny.rows) == (False, "fewer than 200 rows", 150)
    south = by_name["region", "s"]
    member = COLUMNS["region"] == "s"
    assert south.rows == member.sum()
    assert south.positives == LABELS[member].sum()
    assert south.challenger is not None
    assert south.challenger.value == metric("auc", SIGNAL[member], LABELS[member])
    assert south.challenger.low < south.challenger.value < south.challenger.high
    assert south.difference is not None
    assert south.champion is not None
    assert south.difference.value == pytest.approx(south.challenger.value - south.champion)
    assert south.difference.low > 0


def test_where_it_works_worst_is_found() -> None:
    smith = COLUMNS["job"] == "smith"
    found = measure(np.where(smith, NOISE, SIGNAL))
    assert [(item.column, item.value, item.declared) for item in found] == [("job", "smith", False)]
    assert found[0].difference is None


def test_where_it_is_worse_than_the_champion_is_found() -> None:
    old = COLUMNS["income"] > 75
    found = measure(np.where(old, SIGNAL + 2 * NOISE, SIGNAL), SIGNAL)
    worst = found[0]
    assert worst.column == "income"
    assert worst.value.startswith("7")
    assert worst.difference is not None
    assert worst.difference.high < 0


def test_a_loss_turns_round() -> None:
    smith = COLUMNS["job"] == "smith"
    found = measure(np.where(smith, SIGNAL + 3 * NOISE, SIGNAL), SIGNAL, metric="log_loss")
    assert (found[0].column, found[0].value) == ("job", "smith")
    assert found[0].difference is not None
    assert found[0].difference.low > 0


def test_by_chance_next_to_nothing_is_found() -> None:
    """Six models that are alike everywhere, some 20 slices each, two ways: at 10 % a family."""
    false = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        one, two = (SIGNAL + rng.normal(0, 0.3, COUNT) for _ in range(2))
        false += bool(measure(one, two))
    assert false <= 3


def test_personal_columns_are_never_sliced_by() -> None:
    smith = COLUMNS["job"] == "smith"
    found = measure(np.where(smith, NOISE, SIGNAL), personal=["job"], slices=["job"])
    assert [(item.value, item.assessed, item.note) for item in found] == [
        ("(every)", False, "a personal column")
    ]
    assert measure(np.where(smith, NOISE, SIGNAL), personal=["job"]) == []


def test_protected_columns_are_looked_at_though_no_inputs() -> None:
    found = measure(np.where(COLUMNS["sex"] == "f", NOISE, SIGNAL))
    assert ("sex", "f") in {(item.column, item.value) for item in found}


def test_an_absent_column_is_said() -> None:
    (found,) = measure(SIGNAL, slices=["absent"])
    assert found.note == "the rows lack this column"


def test_values_of_few_people_are_not_named() -> None:
    names = np.where(np.arange(COUNT) < 29, "Jane Doe", "x")
    table = TABLE.append_column("name", pa.array(names))
    rows = Rows(table, LABELS, Predictions(sigmoid(SIGNAL), 0.5), None, Resampler.of(COUNT, 1))
    found = slices(make_spec(slices=["name"]), rows, INPUTS)
    assert [item.value for item in found] == ["x"]


def test_regressions_need_no_positives() -> None:
    spec = make_spec(task="regression", metric="rmse", slices=["region"], favourable=None)
    values = RNG.normal(10, 2, COUNT)
    rows = Rows(TABLE, values, Predictions(values + NOISE), None, Resampler.of(COUNT, 1))
    found = {item.value: item for item in slices(spec, rows, INPUTS)}
    assert found["s"].positives is None
    assert found["s"].challenger is not None
    assert found["s"].challenger.value == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pa.array([1, 2, 1, None]), ("(missing)", "1", "2")),
        (pa.array([True, False]), ("false", "true")),
        (pa.array(np.arange(100)), ("0 to 24", "24 to 49", "49 to 74", "74 to 99")),
        (pa.array([0.0] * 80 + [1.0, 2.0]), ("0 to 2",)),
        (pa.array([3.5, 3.5]), ("3.5",)),
        (pa.array([None, 1.5], pa.float64()), ("1.5", "(missing)")),
        (pa.array([None, None], pa.float64()), ("(missing)",)),
        (
            pa.array([dt.date(2020, 1, day) for day in range(1, 9)]),
            (
                "2020-01-01 to 2020-01-02",
                "2020-01-02 to 2020-01-04",
                "2020-01-04 to 2020-01-06",
                "2020-01-06 to 2020-01-08",
            ),
        ),
    ],
)
def test_levels(values: pa.Array, names: tuple[str, ...]) -> None:
    levels = grouped(pa.chunked_array([values]), "x")
    assert levels.names == names
    assert set(levels.codes.tolist()) == set(range(len(names)))
