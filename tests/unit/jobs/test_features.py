"""What is fitted and made of the declared features; test_skew.py has the equality of all roads."""

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.errors import ArtifactBroken, ContractBroken, InvalidProject, InvalidRequest
from dropforge.expressions import GRAMMAR, parse_derived
from dropforge.project import FeaturesSpec
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.dates import BEFORE_PERIOD
from sagemaker_jobs.features.expression import compile_derivation
from sagemaker_jobs.features.fit import fit_features, write_features
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.python import FeaturesFailed
from sagemaker_jobs.features.rows import RowReader

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


def test_what_is_fitted() -> None:
    assert FITTED.features == ("a", "b", "flag", "day", "c", "d", "ratio", "twice", "odd")
    assert FITTED.fill == {"a": 2.0, "c": "y", "d": "(missing)"}
    assert FITTED.categorical == ["c", "d"]
    matrix = FITTED.matrix(frame_from_arrow(TRAIN, FITTED))
    np.testing.assert_array_equal(matrix[3, :7], [2.0, 40.0, 1.0, np.nan, 1.0, 3.0, 0.05])


def test_an_unseen_category_has_its_own_code() -> None:
    reader = RowReader(FITTED)
    row = {"a": 1, "b": 1, "flag": None, "day": None, "c": "new", "d": None}
    frame = reader.from_objects([row])
    assert frame.codes[0].tolist()[0] == 2.0
    assert math.isnan(frame.codes[0, 1])


def test_features_survive_their_json() -> None:
    again = FittedFeatures.from_json(FITTED.to_json())
    assert again == FITTED
    frame = frame_from_arrow(TRAIN, FITTED)
    np.testing.assert_array_equal(again.matrix(frame), FITTED.matrix(frame))


@pytest.mark.parametrize("rule", ["mean", "median", "most_frequent", 7.5])
def test_one_rule_for_all_numbers(rule: Any) -> None:
    spec = FeaturesSpec(keep=["b"], impute={"b": rule})
    expected = {"mean": 22.5, "median": 20.0, "most_frequent": 20.0, 7.5: 7.5}[rule]
    assert fit_features(spec, TRAIN).fill == {"b": expected}


def test_a_wrongly_typed_value_is_named() -> None:
    reader = RowReader(FITTED)
    good = {"a": 1, "b": 1, "flag": None, "day": None, "c": None, "d": None}
    for column, value, rule in [("a", "x", "number"), ("b", 1.5, "whole"), ("c", [1], "text")]:
        with pytest.raises(InvalidRequest, match=rf"Row 2, column {column}: must be .*{rule}"):
            reader.from_objects([good, {**good, column: value}])
    with pytest.raises(InvalidRequest, match="Row 1, column d: is missing"):
        reader.from_objects([{name: None for name in ["a", "b", "flag", "day", "c"]}])


def test_an_absent_column_and_a_changed_type_are_errors() -> None:
    with pytest.raises(ContractBroken, match="lack the model's columns d"):
        frame_from_arrow(TRAIN.drop_columns(["d"]), FITTED)
    text = TRAIN.set_column(0, "a", pa.array(["1"] * 4))
    with pytest.raises(ContractBroken, match="Column a holds string"):
        frame_from_arrow(text, FITTED)
    with pytest.raises(ContractBroken, match="Column c holds double"):
        frame_from_arrow(TRAIN.set_column(4, "c", pa.array([1.0] * 4)), FITTED)


def test_columns_only_derived_from_are_read() -> None:
    spec = FeaturesSpec(keep=["a"], derive={"r": 'a / col("b c")'})
    assert spec.source_columns == ["a", "b c"]


def expression(text: str, **columns: list[float]) -> list[float]:
    """An expression's values."""
    compute = compile_derivation(parse_derived(text))
    with np.errstate(all="ignore"):
        values = compute({name: np.array(column) for name, column in columns.items()})
    return np.broadcast_to(values, len(next(iter(columns.values()), [0]))).tolist()


NAN = math.nan
TWO = {"a": [0.0, 1.0, NAN, 2.0], "b": [1.0, NAN, NAN, 1.0]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * 2 - 1", [1, NAN, NAN, 3]),
        ("-a ** 2", [0, -1, NAN, -4]),
        ("1 / a", [NAN, 1, NAN, 0.5]),
        ("1e300 * 1e300 * a", [NAN, NAN, NAN, NAN]),
        ("log(a) + sqrt(-b)", [NAN, NAN, NAN, NAN]),
        ("exp(a - a) + log1p(a - a) + floor(a / 3)", [1, 1, NAN, 1]),
        ("abs(-a)", [0, 1, NAN, 2]),
        ("min(a, b)", [0, NAN, NAN, 1]),
        ("max(a, b)", [1, NAN, NAN, 2]),
        ("is_missing(a)", [0, 0, 1, 0]),
        ("if_missing(a, b)", [0, 1, NAN, 2]),
        ("if_missing(a, 7)", [0, 1, 7, 2]),
        ("a == b", [0, NAN, NAN, 0]),
        ("a != 1", [1, 0, NAN, 1]),
        ("a < 1", [1, 0, NAN, 0]),
        ("a <= 1", [1, 1, NAN, 0]),
        ("a > 1", [0, 0, NAN, 1]),
        ("a >= 1", [0, 1, NAN, 1]),
        ("0 < a <= 1", [0, 1, NAN, 0]),
        ("a in [0, -1, 2]", [1, 0, NAN, 1]),
        ("a not in [0]", [0, 1, NAN, 1]),
        ("not a == 1", [1, 0, NAN, 1]),
        ("a > 0 and b > 0", [0, NAN, NAN, 1]),
        ("a > 0 and b > 0 and a > 1", [0, 0, NAN, 1]),
        ("a > 5 and b > 0", [0, 0, NAN, 0]),
        ("a > 0 or b > 0", [1, 1, NAN, 1]),
        ("a > 5 or b > 5", [0, NAN, NAN, 0]),
        ("where(a > 0, b, 9)", [9, NAN, NAN, 1]),
        ("where(a > 0, 8, 9)", [9, 8, NAN, 8]),
        ("where(true, a, b)", [0, 1, NAN, 2]),
        ("2 * 3", [6, 6, 6, 6]),
    ],
)
def test_what_expressions_mean(text: str, expected: list[float]) -> None:
    np.testing.assert_array_equal(expression(text, **TWO), expected)


def test_every_operation_of_the_grammar_is_compiled() -> None:
    operations = {*GRAMMAR.operators.values(), *GRAMMAR.functions}
    arguments = {"is_missing": "a", "where": "a > 1, a, b", "col": "'a'"}
    for name in sorted(operations & set(GRAMMAR.functions)):
        count = len(GRAMMAR.functions[name].operands)
        inside = arguments.get(name, ", ".join("ab"[:count]))
        assert len(expression(f"{name}({inside})", **TWO)) == 4
    assert expression("a + a - a * a / a ** 1", a=[2.0]) == [2.0]


def test_derived_in_a_circle() -> None:
    with pytest.raises(InvalidProject, match="p, q are derived from each other"):
        fit_features(FeaturesSpec(keep=["a"], derive={"p": "q", "q": "p"}), TRAIN)


def test_deriving_from_text_is_refused() -> None:
    with pytest.raises(InvalidProject, match="c is text"):
        fit_features(FeaturesSpec(keep=["a"], derive={"p": "c + 1"}), TRAIN)


# Impute ----------------------------------------------------------------------------------------

GRADES = pa.table(
    {
        "grade": ["b", "a", "b", None, "c", "b", "", "a"],
        "amount": pa.array([1.0, 2.0, 2.0, None, 9.0, None, 6.0, 4.0]),
        "seen": pa.array([0, 31, None, 59, 31, 0, 31, 31], pa.date32()),
        "flag": pa.array([True, None, True, False, True, True, None, True]),
    }
)


def fitted(train: pa.Table = GRADES, **spec: Any) -> FittedFeatures:
    return fit_features(FeaturesSpec.model_validate(spec), train)


def made(features: FittedFeatures, table: pa.Table = GRADES) -> dict[str, list[float]]:
    """The matrix, by feature."""
    matrix = features.matrix(frame_from_arrow(table, features))
    return {name: matrix[:, place].tolist() for place, name in enumerate(features.features)}


@pytest.mark.parametrize(
    ("rule", "fill"),
    [
        ("none", {}),
        ("median", {"amount": 3.0}),
        ("mean", {"amount": 4.0}),
        ("most_frequent", {"amount": 2.0, "grade": "b"}),
        ("missing_category", {"grade": "(missing)"}),
        (-999.0, {"amount": -999.0, "grade": "-999"}),
        ("unknown", {"grade": "unknown"}),
        ({"amount": {"constant": 0}, "default": "most_frequent"}, {"amount": 0.0, "grade": "b"}),
        ({"both": "most_frequent", "number": "mean"}, {"amount": 2.0, "grade": "b"}),
        ({"string": "missing_category"}, {"grade": "(missing)"}),
    ],
)
def test_impute(rule: Any, fill: dict[str, float | str]) -> None:
    features = fitted(groups={"both": ["grade", "amount"]}, impute=rule)
    assert features.fill == fill
    matrix = made(features)
    for name in ("grade", "amount"):
        gaps = [3, 6] if name == "grade" else [3, 5]
        expected = fill.get(name, NAN)
        if isinstance(expected, str):
            expected = float(features.inputs[0].levels.index(expected))
        np.testing.assert_array_equal([matrix[name][i] for i in gaps], [expected] * 2)


def test_imputed_dates_and_booleans() -> None:
    features = fitted(keep=["seen", "flag"], impute="most_frequent", dates={"seen": ["month"]})
    assert features.fill == {"seen": 31.0, "flag": 1.0}
    assert made(features)["seen_month"] == [1, 2, 2, 3, 2, 1, 2, 2]
    with pytest.raises(InvalidProject, match=r"impute: constant 1e\+300 is no date for seen"):
        fitted(keep=["seen"], impute=1e300)


def test_a_column_without_values_stays_missing() -> None:
    empty = pa.table({"n": pa.array([None, None], pa.float64()), "t": pa.nulls(2, pa.string())})
    for rule in ("median", "mean", "most_frequent"):
        features = fitted(empty, keep=["n", "t"], impute=rule, encode="one_hot")
        assert features.fill == {}
        assert features.features == ("n", "t=(other)", "t=(missing)")


# Encode ----------------------------------------------------------------------------------------

ASKED = pa.table({"grade": ["a", "b", "c", "new", None, ""]})


def test_native_categories() -> None:
    features = fitted(keep=["grade"])
    assert features.categorical == ["grade"]
    np.testing.assert_array_equal(made(features, ASKED)["grade"], [0, 1, 2, 3, NAN, NAN])


def test_one_hot() -> None:
    features = fitted(keep=["grade"], encode="one_hot")
    assert features.categorical == []
    assert made(features, ASKED) == {
        "grade=a": [1, 0, 0, 0, 0, 0],
        "grade=b": [0, 1, 0, 0, 0, 0],
        "grade=c": [0, 0, 1, 0, 0, 0],
        "grade=(other)": [0, 0, 0, 1, 0, 0],
        "grade=(missing)": [0, 0, 0, 0, 1, 1],
    }


def test_one_hot_merges_rare_levels_with_unseen_ones() -> None:
    # Of 8 rows a and the missing ones have 2 each, b 3, c 1.
    features = fitted(keep=["grade"], encode={"grade": {"one_hot": 0.25}})
    assert made(features, ASKED) == {
        "grade=a": [1, 0, 0, 0, 0, 0],
        "grade=b": [0, 1, 0, 0, 0, 0],
        "grade=(other)": [0, 0, 1, 1, 0, 0],
        "grade=(missing)": [0, 0, 0, 0, 1, 1],
    }


def test_one_hot_of_filled_in_values() -> None:
    rare = fitted(keep=["grade"], impute="zz", encode={"string": {"one_hot": 0.3}})
    assert made(rare, ASKED) == {"grade=b": [0, 1, 0, 0, 0, 0], "grade=(other)": [1, 0, 1, 1, 1, 1]}
    own = fitted(keep=["grade"], impute="missing_category", encode="one_hot")
    assert made(own, ASKED)["grade=(missing)"] == [0, 0, 0, 0, 1, 1]
    most = fitted(keep=["grade"], impute="most_frequent", encode="one_hot")
    assert made(most, ASKED)["grade=b"] == [0, 1, 0, 0, 1, 1]


def test_levels_that_are_named_like_ours() -> None:
    table = pa.table({"t": ["(other)", "(missing)", "x", None]})
    features = fitted(table, keep=["t"], encode="one_hot")
    assert made(features, table) == {
        "t=x": [0, 0, 1, 0],
        "t=(other)": [1, 1, 0, 0],
        "t=(missing)": [0, 0, 0, 1],
    }


def test_ordinal() -> None:
    listed = fitted(keep=["grade"], encode={"grade": {"ordinal": ["c", "b", "a"]}})
    assert listed.categorical == []
    np.testing.assert_array_equal(made(listed, ASKED)["grade"], [2, 1, 0, NAN, NAN, NAN])
    by_name = fitted(keep=["grade"], encode="ordinal", impute="missing_category")
    np.testing.assert_array_equal(made(by_name, ASKED)["grade"], [0, 1, 2, NAN, NAN, NAN])
    filled = fitted(keep=["grade"], encode="ordinal", impute="most_frequent")
    np.testing.assert_array_equal(made(filled, ASKED)["grade"], [0, 1, 2, NAN, 1, 1])


def test_a_constant_outside_the_order() -> None:
    encode = {"grade": {"ordinal": ["c", "b"]}}
    assert fitted(keep=["grade"], encode=encode, impute="zz").fill == {}
    with pytest.raises(InvalidProject, match=r"impute\.grade: constant zz has no place"):
        fitted(keep=["grade"], encode=encode, impute={"grade": "zz"})


def test_too_many_levels_for_one_hot() -> None:
    table = pa.table({"t": [str(number) for number in range(1001)]})
    with pytest.raises(InvalidProject, match="1,001 features of t, of at most 1,000"):
        fitted(table, keep=["t"], encode="one_hot")
    assert fitted(table, keep=["t"], encode={"t": {"one_hot": 0.5}}).features[0] == "t=(other)"


def test_two_features_of_one_name() -> None:
    table = pa.table({"a": ["b=c"], "a=b": ["c"]})
    with pytest.raises(InvalidProject, match="two features would have the name a=b=c"):
        fitted(table, keep=["a", "a=b"], encode="one_hot")


# Dates -----------------------------------------------------------------------------------------


@given(st.lists(st.none() | st.dates(), min_size=1), st.none() | st.dates())
def test_date_parts_are_the_calendars(days: list[dt.date | None], period: dt.date | None) -> None:
    parts = ["year", "month", "day", "weekday", "day_of_year", "days_before_period"]
    table = pa.table({"d": pa.array(days, pa.date32()),
                      "_period": pa.array([period] * len(days), pa.date32())})  # fmt: skip
    features = fitted(table, keep=["d_year"], dates={"d": parts})
    assert features.features == tuple(f"d_{part}" for part in parts)

    def expected(day: dt.date | None) -> list[float]:
        if day is None:
            return [NAN] * 6
        before = (period - day).days if period else NAN
        return [*day.timetuple()[:3], day.weekday(), day.timetuple().tm_yday, before]

    matrix = features.matrix(frame_from_arrow(table, features))
    np.testing.assert_array_equal(matrix, [expected(day) for day in days])


def test_dates_a_lake_can_hold_and_a_calendar_cannot() -> None:
    table = pa.table({"d": pa.array([-(2**31), 2**31 - 1], pa.date32())})
    found = made(fitted(table, keep=["d"], dates={"d": ["year", "weekday"]}), table)
    assert found["d_year"] == [-5877641, 5881580]
    assert found["d_weekday"] == [1, 4]


def test_dates_of_another_type() -> None:
    with pytest.raises(InvalidProject, match=r"dates\.amount: the column's type is number"):
        fitted(keep=["grade"], dates={"amount": ["year"]})


@pytest.mark.parametrize(("unit", "days"), [("month", 11.0), ("day", 37.0)])
def test_rows_without_a_period_are_of_the_current_one(unit: Any, days: float) -> None:
    spec = FeaturesSpec.model_validate({"keep": ["seen"], "dates": {"seen": [BEFORE_PERIOD]}})
    features = fit_features(spec, GRADES, period_unit=unit)
    reader = RowReader(features, clock=lambda: dt.date(1970, 2, 27))
    assert reader.names == ("seen",)
    row = {"seen": "1970-01-21"}
    for frame in (reader.from_objects([row]), reader.from_text([[row["seen"]]])):
        assert features.matrix(frame)[0].tolist() == [20.0, days]
    for missing in (
        reader.from_objects([row | {"_period": None}]),
        reader.from_text([[row["seen"], ""]]),
    ):
        assert math.isnan(features.matrix(missing)[0, 1])
    later = reader.from_objects([row | {"_period": "1970-03-01"}])
    assert features.matrix(later)[0].tolist() == [20.0, 39.0]


# features.py -----------------------------------------------------------------------------------

GOOD = """import pandas as pd

def features(frame):
    out = pd.DataFrame(index=frame.index)
    out["x"] = frame["amount"] * 2
    return out
"""


def python(source: str, reads: list[str] | None = None, **spec: Any) -> FittedFeatures:
    declared = {"reads": reads or ["amount", "grade"], "gives": ["x"]}
    whole = FeaturesSpec.model_validate({"keep": ["amount"], "python": declared, **spec})
    return fit_features(whole, GRADES, files={"features.py": source})


def body(*lines: str) -> str:
    return "import pandas as pd\n\ndef features(frame):\n" + "".join(
        f"    {line}\n" for line in lines
    )


def test_features_py_gives_features() -> None:
    features = python(GOOD)
    assert features.features == ("amount", "x")
    assert [c.name for c in features.inputs] == ["amount", "grade"]
    np.testing.assert_array_equal(made(features)["x"], [2, 4, 4, NAN, 18, NAN, 12, 8])


def test_what_features_py_sees() -> None:
    checks = [
        "assert frame['grade'].tolist() == ['b', 'a', 'b', 'zz', 'c', 'b', 'zz', 'a']",
        "assert frame['flag'].dtype == 'float64' and frame['flag'].isna().sum() == 2",
        "assert frame['seen'].dtype == 'datetime64[s]' and frame['seen'].isna().sum() == 1",
        "assert str(frame['seen'][1]) == '1970-02-01 00:00:00'",
        "assert frame['seen_day'][1] == 1 and frame['double'][0] == 2",
        "assert frame['amount'].isna().sum() == 2",
        "return pd.DataFrame({'x': frame['amount']})",
    ]
    features = python(
        body(*checks),
        ["grade", "flag", "seen", "seen_day", "double", "amount"],
        impute="zz",
        dates={"seen": ["day"]},
        derive={"double": "2 * amount"},
    )
    assert len(made(features)["x"]) == 8
    none = body(
        "assert frame['grade'][3] is None", "return frame[['amount']].set_axis(['x'], axis=1)"
    )
    assert len(made(python(none))["x"]) == 8


def test_what_is_not_finite_or_of_another_numeric_type() -> None:
    infinite = python(body("return pd.DataFrame({'x': 1 / (frame['amount'] - 1)})"))
    assert math.isnan(made(infinite)["x"][0])
    for kind in ("bool", "int8", "Int64", "Float32", "boolean"):
        typed = body(f"return pd.DataFrame({{'x': (frame['amount'] == 2).astype('{kind}')}})")
        assert made(python(typed))["x"][:3] == [0, 1, 1]
    gap = body("x = frame['amount'].astype('Float64')", "return pd.DataFrame({'x': x})")
    assert math.isnan(made(python(gap))["x"][3])


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def features(frame)\n", r"features\.py, line 1: SyntaxError \(.*\) at `def features"),
        ("import no_such_thing\n", r"line 1: ModuleNotFoundError \(No module named"),
        ("def other(frame): pass\n", r"defines no function features\(frame\)"),
        ("features = 1\n", r"defines no function"),
        (
            body("a = 1", "return frame['ammount']"),
            r"line 5: KeyError at `return frame\['ammount'\]`",
        ),
        (
            body("return helper(frame)") + "\ndef helper(f):\n    return f.x.y\n",
            "line 7: Attribute",
        ),
        (body("return float(frame['grade'][4])"), r"line 4: ValueError at `return float\("),
        (body("return 1"), "must give a DataFrame, it gave int"),
        (body("return frame"), "must give the columns x .* it gave amount, grade"),
        (body("return pd.DataFrame({'x': [1, 2]})"), "keep the rows .*; of 8 rows it gave 2"),
        (
            body("return pd.DataFrame({'x': frame['amount']})[::-1]"),
            "keep the rows and their order",
        ),
        (body("return pd.DataFrame({'x': frame['grade']})"), "column x must hold numbers"),
        (body("return pd.DataFrame({'x': frame['amount'] * 1j})"), "must hold numbers, .* complex"),
    ],
)
def test_features_py_is_blamed_by_line(source: str, says: str) -> None:
    with pytest.raises(FeaturesFailed, match=says) as caught:
        made(python(source))
    assert "could not convert" not in caught.value.message  # a message may hold a person's value


def test_features_py_that_is_declared_must_be_there(tmp_path: Path) -> None:
    declared = {"reads": ["a"], "gives": ["x"]}
    spec = FeaturesSpec.model_validate({"keep": ["a"], "python": declared})
    with pytest.raises(InvalidProject, match=r"the project has no features\.py"):
        fit_features(spec, TRAIN)
    with pytest.raises(InvalidProject, match=r"python\.reads: x is what features\.py gives"):
        python(GOOD, ["amount", "x"])
    write_features(tmp_path, python(GOOD))
    assert FittedFeatures.load(tmp_path) == python(GOOD)
    (tmp_path / "features.py").unlink()
    with pytest.raises(ArtifactBroken, match=r"features\.py is absent"):
        FittedFeatures.load(tmp_path)


# Files -----------------------------------------------------------------------------------------


def test_another_format_is_not_read() -> None:
    document = json.loads(FITTED.to_json())
    assert document["format"] == 2
    old = json.dumps(document | {"format": 1})
    with pytest.raises(ArtifactBroken, match="format 1, this release reads 2 and 3: train"):
        FittedFeatures.from_json(old)
    del document["fill"]
    with pytest.raises(ArtifactBroken, match=r"features\.json cannot be read: KeyError: 'fill'"):
        FittedFeatures.from_json(json.dumps(document))


def test_aggregates_that_are_nowhere(tmp_path: Path) -> None:
    declared = {"n": {"by": "grade", "statistic": "count"}}
    features = fitted(keep=["amount"], aggregates=declared)
    with pytest.raises(ArtifactBroken, match=r"without the columns n need .*aggregates\.parquet"):
        frame_from_arrow(GRADES, features)
    write_features(tmp_path, features)
    loaded = FittedFeatures.load(tmp_path)  # a server without the file says so when it is asked
    with pytest.raises(ArtifactBroken, match=r"aggregates\.parquet cannot be read: FileNotFound"):
        RowReader(loaded).from_objects([{"amount": 1, "grade": "a"}])
    assert frame_from_arrow(GRADES.append_column("n", GRADES["amount"]), loaded).rows == 8


def test_made_features_may_be_dropped() -> None:
    features = fitted(
        keep=["amount"], derive={"half": "amount / 2", "quarter": "half / 2"}, drop=["half"]
    )
    assert features.features == ("amount", "quarter")
    assert made(features)["quarter"][0] == 0.25
