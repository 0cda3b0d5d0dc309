"""features.yml as a document: what is selected, made, ordered, and which rule is nearest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dropforge.contract import ColumnType
from dropforge.errors import InvalidProject
from dropforge.features import FeaturesSpec, Fill, find_circle, in_order

SPEC = FeaturesSpec.model_validate(
    {
        "groups": {"money": ["income", "debt"], "person": ["city", "opened"]},
        "keep": ["money", "city", "burden"],
        "drop": ["debt", "tmp"],
        "derive": {"burden": "tmp / days", "tmp": "debt / income", "days": "opened_month * 30"},
        "dates": {"opened": ["month", "days_before_period"]},
        "aggregates": {
            "mean_debt": {"by": "shop", "statistic": "mean", "column": "loss"},
            "seen": {"by": "customer", "statistic": "count"},
        },
        "python": {"reads": ["notes", "burden", "seen"], "gives": ["score_1"]},
    }
)


def test_what_is_selected_made_and_read() -> None:
    assert SPEC.selected == ["income", "city"]
    assert SPEC.made == [
        "opened_month",
        "opened_days_before_period",
        "burden",
        "tmp",
        "days",
        "mean_debt",
        "seen",
        "score_1",
    ]
    assert SPEC.model_columns == ["income", "city", *(n for n in SPEC.made if n != "tmp")]
    assert SPEC.source_columns == ["income", "city", "debt", "opened", "shop", "customer", "notes"]
    assert SPEC.history_columns == [*SPEC.source_columns, "loss"]
    assert SPEC.date_parts["opened_month"] == ("opened", "month")
    assert SPEC.needs_period
    assert not FeaturesSpec(keep=["a"], dates={"d": ["month"]}).needs_period


def test_derived_columns_come_after_those_they_read() -> None:
    assert list(SPEC.ordered_derivations()) == ["tmp", "days", "burden"]
    with pytest.raises(InvalidProject, match=r"derive\.tmp: .*character 1: debt is text"):
        SPEC.ordered_derivations({"debt": "string", "income": "number", "opened": "date"})


def test_a_circle_is_those_who_read_each_other() -> None:
    derive = {"p": "q + a", "q": "r", "r": "p", "t": "p", "u": "a"}
    with pytest.raises(InvalidProject, match="derive: p, q, r are derived from each other"):
        FeaturesSpec(keep=["a"], derive=derive).ordered_derivations()


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefxy")).map(tuple)))
def test_an_order_holds_all_but_circles(reads: dict[str, tuple[str, ...]]) -> None:
    ordered, circle = in_order(reads), find_circle(reads)
    for place, name in enumerate(ordered):
        assert {c for c in reads[name] if c in reads} <= set(ordered[:place])
    assert bool(circle) == (set(ordered) != set(reads))
    for name in circle:
        assert set(reads[name]) & set(circle)
        assert any(name in reads[other] for other in circle)


@pytest.mark.parametrize(
    ("impute", "kind", "found"),
    [
        ("median", "number", "median"),
        ("median", "string", "none"),
        (-999.0, "integer", Fill(constant=-999.0)),
        (-999.0, "string", Fill(constant="-999")),
        ({"default": "mean", "number": 0}, "integer", Fill(constant=0.0)),
        ({"default": "mean", "number": 0, "integer": "most_frequent"}, "integer", "most_frequent"),
        ({"default": "mean", "integer": 0}, "number", "mean"),
        ({"default": "mean", "g": "median", "number": 0}, "number", "median"),
        ({"g": "median", "x": "none"}, "number", "none"),
        ({"x": "unknown"}, "string", Fill(constant="unknown")),
        ({"x": {"constant": "median"}}, "string", Fill(constant="median")),
        ({"g": {"constant": "unknown"}}, "number", "none"),
        ({"other": "median"}, "number", "none"),
        ("missing_category", "string", "missing_category"),
        ("missing_category", "date", "none"),
    ],
)
def test_the_nearest_impute_rule_wins(impute: object, kind: ColumnType, found: object) -> None:
    spec = FeaturesSpec.model_validate({"groups": {"g": ["x"], "h": ["other"]}, "impute": impute})
    assert spec.impute_rule("x", kind) == found


def test_a_columns_own_rule_must_fit_it() -> None:
    spec = FeaturesSpec(keep=["x"], impute={"x": "unknown"})
    with pytest.raises(InvalidProject, match=r"impute\.x: constant unknown is not for type number"):
        spec.impute_rule("x", "number")


def test_the_nearest_encode_rule_wins_and_is_for_texts() -> None:
    spec = FeaturesSpec.model_validate(
        {
            "groups": {"g": ["x"]},
            "keep": ["g", "y"],
            "encode": {"x": {"ordinal": ["low", "high"]}, "g": "native", "string": "one_hot"},
        }
    )
    assert spec.encode_rule("x", "string").model_dump() == {"ordinal": ["low", "high"]}  # type: ignore[union-attr]
    assert spec.encode_rule("y", "string") == "one_hot"
    assert spec.encode_rule("y", "number") == "native"
    assert FeaturesSpec(keep=["y"]).encode_rule("y", "string") == "native"


def test_a_made_feature_alone_is_enough_and_none_is_not() -> None:
    assert FeaturesSpec(derive={"r": "a / b"}).model_columns == ["r"]
    with pytest.raises(ValidationError, match="selects no column"):
        FeaturesSpec(keep=["a"], drop=["a"])
    with pytest.raises(ValidationError, match="nothing is no group or column"):
        FeaturesSpec(keep=["a"], drop=["nothing"])
