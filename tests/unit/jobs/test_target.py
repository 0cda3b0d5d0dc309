"""Labels by task: what the target's text is to the learner."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.errors import NoTrainingData
from sagemaker_jobs import labels
from sagemaker_jobs.history.table import History
from sagemaker_jobs.snapshot.build import Snapshot, build_snapshot
from sagemaker_jobs.snapshot.rows import LABEL
from sagemaker_jobs.snapshot.target import NONE, encode, is_labelled, usable
from tests.unit.jobs.conftest import loans, make_spec, with_lines

GRADES: dict[str, Any] = {"task": "multiclass", "classes": ["low", "mid", 3]}
VALUES: dict[str, Any] = {"task": "regression"}
TODAY = dt.date(2022, 1, 1)


def test_binary_is_the_positive_one_against_the_other() -> None:
    found = encode(pa.array(["1", "0", None, "other"]), make_spec(positive=1))
    assert found.dtype == np.int8
    assert found.tolist() == [1, 0, NONE, 0]
    assert encode(pa.array([True, False, None]), make_spec(positive=True)).tolist() == [1, 0, NONE]
    assert encode(pa.array([1.0, 0.0]), make_spec(positive="1")).tolist() == [1, 0]


def test_classes_are_places_in_the_projects_order() -> None:
    found = encode(pa.array(["3", "low", "mid", None, "odd", "3"]), make_spec(**GRADES))
    assert found.dtype == np.int16
    assert found.tolist() == [2, 0, 1, NONE, NONE, 2]
    assert usable(found).tolist() == [True, True, True, False, False, True]


@given(
    st.lists(
        st.none()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.integers(-(2**60), 2**60)
        | st.sampled_from(["n/a", "x", "inf", "+7", " 1.50 ", "1e3", "1_0"])
    )
)
def test_values_read_back_as_the_same_double(written: list[Any]) -> None:
    texts = [labels.canonical(value) for value in written]
    found = encode(pa.array(texts, pa.string()), make_spec(**VALUES))
    assert found.dtype == np.float64
    known = {"+7": 7.0, " 1.50 ": 1.5, "1e3": 1000.0}
    for value, number in zip(written, found.tolist(), strict=True):
        if value is None or (isinstance(value, str) and value not in known):
            assert np.isnan(number)
        else:
            assert number == (known[value] if isinstance(value, str) else float(value))


def test_a_number_column_may_be_the_target() -> None:
    column = pa.array([1.5, None, float("nan"), float("inf")])
    assert is_labelled(column).to_pylist() == [True, False, False, True]
    assert usable(encode(column, make_spec(**VALUES))).tolist() == [True, False, False, False]


def snapshot(folder: Path, outcomes: pa.Array, **changes: Any) -> Snapshot:
    """A snapshot of one file of loans with these outcomes."""
    rows = loans(len(outcomes), 1, labelled=False).append_column("default", outcomes)
    history = History(str(folder / "history"))
    history.replace("initial", with_lines(rows), "drop-1")
    spec = make_spec(**changes)
    return build_snapshot(spec, history, None, folder / "s", "s3://x/", today=TODAY)


def labels_of(made: Snapshot) -> dict[str, pa.Table]:
    return {
        name: pq.ParquetFile(made.folder / f"{name}.parquet").read([LABEL, "default"])
        for name in ("train", "validation", "holdout")
    }


def test_a_snapshot_of_classes(tmp_path: Path) -> None:
    names = ["low"] * 120 + ["mid"] * 60 + ["3"] * 20 + [None] * 10
    made = snapshot(tmp_path, pa.array(names), **GRADES)
    document = json.loads((made.folder / "snapshot.json").read_text())
    assert (document["task"], document["classes"]) == ("multiclass", ["low", "mid", "3"])
    assert made.summary.holdout_positives is None
    parts = labels_of(made)
    assert [part.num_rows for part in parts.values()] == [128, 32, 40]
    for part in parts.values():
        assert part.schema.field(LABEL).type == pa.int16()
        for place, name in zip(
            *(part.column(n).to_pylist() for n in part.schema.names), strict=True
        ):
            assert ["low", "mid", "3"][place] == name


def test_a_snapshot_of_values(tmp_path: Path) -> None:
    numbers = [round(n * 1.7, 3) for n in range(200)]
    made = snapshot(tmp_path, pa.array([labels.canonical(n) for n in numbers]), **VALUES)
    parts = labels_of(made)
    assert [part.num_rows for part in parts.values()] == [128, 32, 40]
    found = sorted(v for part in parts.values() for v in part.column(LABEL).to_pylist())
    assert found == numbers
    assert made.summary.holdout_positives is None


@pytest.mark.parametrize(
    ("outcomes", "changes", "says"),
    [
        (["low", "mid", "3", "odd", "even"] * 20, GRADES, "In 40 of 100 labelled rows"),
        (["1.5", "2", "four"] * 20, VALUES, "In 20 of 60 labelled rows .* is no number"),
        (["mid"] * 100, GRADES, "one outcome of default only"),
        (["2.5"] * 100, VALUES, "one value of default only"),
        (["1"] * 100, {}, "one outcome of default only; positive is 1"),
    ],
)
def test_labels_that_teach_nothing_are_said(
    tmp_path: Path, outcomes: list[str], changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(NoTrainingData, match=says) as raised:
        snapshot(tmp_path, pa.array(outcomes), **changes)
    assert "unchanged" in str(raised.value)
    assert not any(word in str(raised.value) for word in ("odd", "even", "four", "2.5"))
