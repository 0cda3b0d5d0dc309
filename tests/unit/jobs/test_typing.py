"""What a value means is the same in a file, in the lake and at the endpoint."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_jobs.reader.conversion import ARROW, convert
from sagemaker_jobs.reader.evidence import KindEvidence
from sagemaker_jobs.values import (
    FROM_TEXT,
    MISSING_WORDS,
    Kind,
    number_from_json,
    text_from_json,
)

NUMERIC: list[Kind] = ["number", "integer", "boolean", "date"]
SPELLINGS = st.one_of(
    st.sampled_from(sorted(MISSING_WORDS)),
    st.sampled_from(
        ["1_000", "0x10", "+1", "1.", ".5", "1e5", "1e999", "-inf", "１２", "1,5", "007"]
    ),
    st.sampled_from(["true", "F", "Yes", "2020-10-01", "20201001", "2020-02-30", "2020/10-01"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**70), 2**70).map(str),
    st.text(max_size=6),
).map(lambda text: text.replace("\0", ""))


def double(value: object, kind: Kind) -> float:
    if value is None:
        return math.nan
    if kind == "date":
        return float((np.datetime64(str(value)) - np.datetime64("1970-01-01")).astype(int))
    return float(value)  # type: ignore[arg-type]


@given(st.lists(SPELLINGS, min_size=1, max_size=20), st.sampled_from(NUMERIC))
def test_a_column_is_read_as_its_values_are_at_the_endpoint(texts: list[str], kind: Kind) -> None:
    column = pa.chunked_array([pa.array([text or None for text in texts], pa.string())])
    typed = convert(pa.table({"x": column}), {"x": kind})
    wrong = set(typed.faults.get("x", np.empty(0)).tolist())
    assert typed.table.schema.field("x").type == ARROW[kind]
    for index, (text, value) in enumerate(
        zip(texts, typed.table.column("x").to_pylist(), strict=True)
    ):
        try:
            expected = FROM_TEXT[kind](text)
        except ValueError:
            assert index in wrong, text
            continue
        if kind == "integer" and abs(expected) >= 2**53:
            continue  # beyond what a double tells apart: refused, or exact, never rounded
        assert index not in wrong, text
        np.testing.assert_equal(double(value, kind), expected)


def infer_kinds(table: pa.Table) -> dict[str, Kind]:
    """The kinds that a whole file would be given."""
    evidence = KindEvidence()
    evidence.update(table)
    return evidence.kinds()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2.5", None], "number"),
        (["1", "NA", ""], "number"),
        (["NA", "x"], "string"),
        (["NA", None], "string"),
        ([None, None], "string"),
        (["007", "008"], "string"),
        (["9007199254740993", "1"], "string"),
        (["1e300", "5"], "number"),
        (["2020-10-01"], "string"),
        (["inf", "1"], "string"),
    ],
)
def test_the_first_file_is_inferred(values: list[str | None], kind: Kind) -> None:
    table = pa.table({"x": pa.array([v or None for v in values], pa.string())})
    assert infer_kinds(table) == {"x": kind}


def test_typed_parquet_columns_are_taken_as_they_are() -> None:
    table = pa.table({"flag": [True], "whole": [1], "large": [2**60], "real": [1.5]})
    assert infer_kinds(table) == {
        "flag": "boolean",
        "whole": "number",
        "large": "string",
        "real": "number",
    }


def test_identifiers_survive() -> None:
    table = pa.table({"id": pa.array(["007", "12345678901234567890"], pa.string())})
    assert convert(table, {"id": "string"}).table.column("id").to_pylist() == [
        "007",
        "12345678901234567890",
    ]
    numbers = pa.table({"id": pa.array([1.0, 2.0**40, math.nan])})
    assert convert(numbers, {"id": "string"}).table.column("id").to_pylist() == [
        "1",
        "1099511627776",
        None,
    ]


def test_na_is_a_category_in_a_text_column() -> None:
    table = pa.table({"job": pa.array(["NA", "x", None], pa.string())})
    assert convert(table, {"job": "string"}).table.column("job").to_pylist() == ["NA", "x", None]


@pytest.mark.parametrize("spelling", ["true", "True", "YES", "1", "t"])
def test_booleans_in_five_spellings(spelling: str) -> None:
    table = pa.table({"x": pa.array([spelling, None], pa.string())})
    assert convert(table, {"x": "boolean"}).table.column("x").to_pylist() == [True, None]


def test_infinity_is_a_fault_in_parquet_too() -> None:
    typed = convert(pa.table({"x": [1.0, math.inf, math.nan]}), {"x": "number"})
    assert typed.faults["x"].tolist() == [1]
    assert typed.table.column("x").to_pylist() == [1.0, None, None]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, "number", math.nan),
        (1, "number", 1.0),
        ("2.5", "number", 2.5),
        (True, "boolean", 1.0),
        ("2020-10-01", "date", 18536.0),
        (3.0, "integer", 3.0),
    ],
)
def test_json_values(value: object, kind: Kind, expected: float) -> None:
    np.testing.assert_equal(number_from_json(value, kind), expected)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", "number"),
        ([1], "number"),
        ({}, "number"),
        (10**400, "number"),
        (1.5, "integer"),
        (2, "boolean"),
        (18536, "date"),
        (True, "date"),
    ],
)
def test_json_values_of_another_kind_are_refused(value: object, kind: Kind) -> None:
    with pytest.raises(ValueError, match=r"not|neither"):
        number_from_json(value, kind)


def test_json_texts() -> None:
    values = ["x", "", None, 1, 1.0, 1.5, True, math.nan]
    assert [text_from_json(value) for value in values] == [
        "x", None, None, "1", "1", "1.5", "true", None,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="single value"):
        text_from_json([])
