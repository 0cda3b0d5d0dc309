"""Training–serving skew is impossible: one row and many give the same bits."""

import datetime as dt
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropforge.errors import ContractBroken, InvalidProject, InvalidRequest
from dropforge.project import FeaturesSpec
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.expression import parse_expression
from sagemaker_jobs.features.fit import fit_features, source_columns
from sagemaker_jobs.features.frame import RowReader
from sagemaker_jobs.features.pipeline import FittedFeatures
from tests.unit.jobs.conftest import Made

TRAIN = pa.table(
    {
        "a": pa.array([1.0, 2.0, 4.0, None]),
        "b": pa.array([10, 20, 20, 40], pa.int64()),
        "flag": pa.array([True, False, None, True]),
        "day": pa.array([0, 1, 2, None], pa.date32()),
        "c": pa.array(["x", "y", "y", None]),
        "d": pa.array(["NA", "p", "p", "q"]),
    }
)
SPEC = FeaturesSpec(
    groups={"numbers": ["a", "b", "flag", "day"], "texts": ["c", "d"]},
    keep=["numbers", "texts"],
    impute={"a": "median", "c": "most_frequent", "d": "missing_category"},
    derive={
        "ratio": "a / b",
        "twice": "2 * ratio",
        "odd": "log1p(abs(a)) ** 1.5 - sqrt(b) + exp(a / 1e3) + if_missing(day, -1)",
    },
)
FITTED = fit_features(SPEC, TRAIN)

NUMBERS = st.one_of(
    st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 99)
)
TEXTS = st.one_of(st.none(), st.sampled_from(["x", "y", "NA", "p", "q", "unseen", "(missing)"]))
ROWS = st.fixed_dictionaries(
    {
        "a": NUMBERS,
        "b": st.one_of(st.none(), st.integers(-(2**52), 2**52)),
        "flag": st.one_of(st.none(), st.booleans()),
        "day": st.one_of(st.none(), st.dates().map(str)),
        "c": TEXTS,
        "d": TEXTS,
    }
)


def as_table(rows: list[dict[str, Any]]) -> pa.Table:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    days = [None if day is None else dt.date.fromisoformat(day) for day in columns["day"]]
    return pa.table(
        {
            "a": pa.array([None if v is None else float(v) for v in columns["a"]], pa.float64()),
            "b": pa.array(columns["b"], pa.int64()),
            "flag": pa.array(columns["flag"], pa.bool_()),
            "day": pa.array(days, pa.date32()),
            "c": pa.array(columns["c"], pa.string()),
            "d": pa.array(columns["d"], pa.string()),
        }
    )


def as_fields(row: dict[str, Any]) -> list[str]:
    return ["" if row[c.name] is None else str(row[c.name]) for c in FITTED.inputs]


@settings(max_examples=200)
@given(st.lists(ROWS, min_size=1, max_size=40))
def test_table_json_csv_and_single_rows_give_equal_features(rows: list[dict[str, Any]]) -> None:
    reader = RowReader(FITTED.inputs)
    bulk = FITTED.matrix(frame_from_arrow(as_table(rows), FITTED.inputs))
    np.testing.assert_array_equal(bulk, FITTED.matrix(reader.from_objects(rows)))
    np.testing.assert_array_equal(
        bulk, FITTED.matrix(reader.from_text([as_fields(r) for r in rows]))
    )
    single = [FITTED.matrix(reader.from_objects([row])) for row in rows]
    np.testing.assert_array_equal(bulk, np.vstack(single))


LOANS = st.fixed_dictionaries(
    {
        "income": NUMBERS,
        "amount": st.one_of(NUMBERS, st.sampled_from([1e308, -1e308, 5e-324])),
        "age": st.one_of(st.none(), st.integers(-(2**52), 2**52)),
        "job": st.one_of(st.none(), st.sampled_from(["clerk", "nurse", "NA", "unseen"])),
    }
)


@settings(max_examples=100)
@given(rows=st.lists(LOANS, min_size=1, max_size=30))
def test_scores_do_not_depend_on_the_rows_beside(made: Made, rows: list[dict[str, Any]]) -> None:
    scorer = Scorer.load(made.artifact)
    reader = RowReader(scorer.features.inputs)
    bulk = scorer.scores(reader.from_objects(rows))
    single = [scorer.scores(reader.from_objects([row]))[0] for row in rows]
    backwards = scorer.scores(reader.from_objects(rows[::-1]))[::-1]
    assert bulk.tolist() == single
    assert bulk.tolist() == backwards.tolist()
    assert ((bulk > 0) & (bulk < 1)).all()


def test_what_is_fitted() -> None:
    assert FITTED.features == ("a", "b", "flag", "day", "c", "d", "ratio", "twice", "odd")
    assert FITTED.fill == {"a": 2.0, "c": "y", "d": "(missing)"}
    assert FITTED.categorical == ["c", "d"]
    matrix = FITTED.matrix(frame_from_arrow(TRAIN, FITTED.inputs))
    np.testing.assert_array_equal(matrix[3, :7], [2.0, 40.0, 1.0, np.nan, 1.0, 3.0, 0.05])


def test_an_unseen_category_has_its_own_code() -> None:
    reader = RowReader(FITTED.inputs)
    row = {"a": 1, "b": 1, "flag": None, "day": None, "c": "new", "d": None}
    frame = reader.from_objects([row])
    assert frame.codes[0].tolist()[0] == 2.0
    assert math.isnan(frame.codes[0, 1])


def test_features_survive_their_json() -> None:
    again = FittedFeatures.from_json(FITTED.to_json())
    assert again == FITTED
    frame = frame_from_arrow(TRAIN, FITTED.inputs)
    np.testing.assert_array_equal(again.matrix(frame), FITTED.matrix(frame))


@pytest.mark.parametrize("rule", ["mean", "median", "most_frequent", 7.5])
def test_one_rule_for_all_numbers(rule: Any) -> None:
    spec = FeaturesSpec(keep=["b"], impute={"b": rule})
    expected = {"mean": 22.5, "median": 20.0, "most_frequent": 20.0, 7.5: 7.5}[rule]
    assert fit_features(spec, TRAIN).fill == {"b": expected}


def test_a_wrongly_typed_value_is_named() -> None:
    reader = RowReader(FITTED.inputs)
    good = {"a": 1, "b": 1, "flag": None, "day": None, "c": None, "d": None}
    for column, value, rule in [("a", "x", "number"), ("b", 1.5, "whole"), ("c", [1], "text")]:
        with pytest.raises(InvalidRequest, match=rf"Row 2, column {column}: must be .*{rule}"):
            reader.from_objects([good, {**good, column: value}])
    with pytest.raises(InvalidRequest, match="Row 1: column d is missing"):
        reader.from_objects([{name: None for name in ["a", "b", "flag", "day", "c"]}])


def test_an_absent_column_and_a_changed_type_are_errors() -> None:
    with pytest.raises(ContractBroken, match="lack the model's columns d"):
        frame_from_arrow(TRAIN.drop_columns(["d"]), FITTED.inputs)
    text = TRAIN.set_column(0, "a", pa.array(["1"] * 4))
    with pytest.raises(ContractBroken, match="Column a holds string"):
        frame_from_arrow(text, FITTED.inputs)
    with pytest.raises(ContractBroken, match="Column c holds double"):
        frame_from_arrow(TRAIN.set_column(4, "c", pa.array([1.0] * 4)), FITTED.inputs)


def test_columns_only_derived_from_are_read() -> None:
    spec = FeaturesSpec(keep=["a"], derive={"r": 'a / col("b c")'})
    assert source_columns(spec) == ["a", "b c"]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "a.real",
        "a[0]",
        "[a]",
        "a if a else 1",
        "lambda: 1",
        "log(a, 2)",
        "unknown(a)",
        "'a'",
        "True",
        "a <",
        "a @ a",
        "abs(x=1)",
        "col(a)",
        "(" * 300 + "a" + ")" * 300,
        "a + " * 400 + "a",
    ],
)
def test_anything_but_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(InvalidProject, match=r"derive\.new"):
        parse_expression("new", text)


def test_derived_in_a_circle() -> None:
    with pytest.raises(InvalidProject, match="p, q are derived from each other"):
        fit_features(FeaturesSpec(keep=["a"], derive={"p": "q", "q": "p"}), TRAIN)


def test_deriving_from_text_is_refused() -> None:
    with pytest.raises(InvalidProject, match="c is text"):
        fit_features(FeaturesSpec(keep=["a"], derive={"p": "c + 1"}), TRAIN)


def test_not_finite_is_missing() -> None:
    expression = parse_expression("x", "1 / a + log(b)")
    values = expression({"a": np.array([0.0, 1.0, 2.0]), "b": np.array([1.0, -1.0, 1.0])}, 3)
    np.testing.assert_array_equal(values, [np.nan, np.nan, 0.5])
