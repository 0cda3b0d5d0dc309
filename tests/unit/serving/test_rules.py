"""The contract's rules on requests: what is refused, what is only counted, what is shown."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.frame import Input
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.rows import RowRefused
from sagemaker_jobs.serving.reading import Question
from sagemaker_jobs.serving.refusals import document_of
from sagemaker_jobs.serving.requests import CSV, JSON, RequestReader
from sagemaker_jobs.serving.rules import Rules

INPUTS = (
    Input("age", "integer"),
    Input("job", "string", ("clerk", "nurse")),
    Input("opened", "date"),
    Input("zip", "string", ("1000",)),
    Input("rooms", "number"),
)
FEATURES = FittedFeatures(INPUTS, {}, (), tuple(column.name for column in INPUTS))
ROW = {"age": 40, "job": "clerk", "opened": "2020-05-01", "zip": "1000", "rooms": 2}


def column(name: str, **rules: Any) -> dict[str, Any]:
    kind = next(c.kind for c in INPUTS if c.name == name)
    return {"name": name, "type": kind, "on_break": "reject_row", "personal": False, **rules}


def reader(*columns: dict[str, Any]) -> RequestReader:
    return RequestReader({"id": "id", "ignored": [], "columns": [*columns]}, FEATURES)


def ask(columns: list[dict[str, Any]], *rows: dict[str, Any]) -> Question:
    return reader(*columns).read(JSON, json.dumps([ROW | row for row in rows]).encode())


STRICT = [
    column("age", min=18, max=99, nullable=False),
    column("job", allowed=["clerk", "smith"]),
    column("opened", min="2020-01-01"),
    column("zip", pattern=r"\d{4}"),
    column("rooms", allowed=[1, 2, 3.5]),
]

BROKEN = [
    ({"age": 17}, "age", "range", "must be between 18 and 99", 17.0),
    ({"age": None}, "age", "nullable", "must not be empty", None),
    ({"job": "nurse"}, "job", "allowed", "must be one of clerk, smith", "nurse"),
    ({"job": "baker"}, "job", "allowed", "must be one of clerk, smith", "baker"),
    ({"opened": "2019-12-31"}, "opened", "range", "must be at least 2020-01-01", "2019-12-31"),
    ({"zip": "10000"}, "zip", "pattern", r"must have the form \d{4}", "10000"),
    ({"rooms": 3}, "rooms", "allowed", "must be one of 1, 2, 3.5", 3.0),
]

KEPT: list[dict[str, Any]] = [
    {},
    {"age": 18},
    {"age": 99},
    {"job": "smith"},
    {"job": None, "opened": None, "zip": None, "rooms": None},
    {"zip": "9999"},
    {"rooms": 3.5},
    {"opened": "2020-01-01"},
]


@pytest.mark.parametrize(("change", "name", "rule", "says", "value"), BROKEN)
@pytest.mark.parametrize("before", [0, 2])
def test_a_broken_rule_names_row_column_and_rule(
    change: dict[str, Any], name: str, rule: str, says: str, value: object, before: int
) -> None:
    with pytest.raises(RowRefused) as caught:
        ask(STRICT, *[{}] * before, change, change)
    error = caught.value
    assert error.message == f"Row {before + 1}, column {name}: {says}."
    assert (error.row, error.column, error.rule, error.value) == (before + 1, name, rule, value)


@pytest.mark.parametrize("change", KEPT)
def test_what_keeps_the_rules_is_read(change: dict[str, Any]) -> None:
    assert ask(STRICT, change).warnings == 0
    assert ask(STRICT, change, change).warnings == 0


@pytest.mark.parametrize("change", [change for change, *_ in BROKEN])
def test_rules_that_warn_are_counted(change: dict[str, Any]) -> None:
    warning = [{**rules, "on_break": "warn"} for rules in STRICT]
    assert ask(warning, change).warnings == 1
    assert ask(warning, change, {}, change).warnings == 2


def test_a_dropped_files_refusal_refuses_the_row_here() -> None:
    rules = [column("age", min=18, on_break="refuse_file")]
    with pytest.raises(RowRefused):
        ask(rules, {"age": 3})


def test_the_first_row_is_named_then_the_first_column() -> None:
    with pytest.raises(RowRefused, match="Row 2, column age"):
        ask(STRICT, {}, {"zip": "x", "job": "baker", "age": 1}, {"age": 2})


def test_csv_is_asked_the_same() -> None:
    ruled = reader(*STRICT)
    assert ruled.read(CSV, b"40,smith,2020-05-01,1000,2").warnings == 0
    for body in (b"40,baker,2020-05-01,1000,2", b'"40","baker",2020-05-01,1000,2'):
        with pytest.raises(RowRefused, match="Row 1, column job: must be one of") as caught:
            ruled.read(CSV, body)
        assert caught.value.value == "baker"


@pytest.mark.parametrize(
    ("columns", "shown"),
    [([], False), ([column("age")], True), ([column("age", personal=True)], False)],
)
def test_values_are_shown_of_columns_that_the_contract_calls_not_personal(
    columns: list[dict[str, Any]], shown: bool
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(columns, {"age": "forty" * 20})
    open_columns = frozenset(c["name"] for c in columns if c["personal"] is False)
    document = document_of(caught.value, open_columns)
    assert (document["row"], document["column"], document["rule"]) == (1, "age", "type")
    assert document.get("value") == ("forty" * 10 if shown else None)
    assert "forty" not in document["message"]


def test_a_missing_column_is_a_rule_too() -> None:
    with pytest.raises(RowRefused) as caught:
        reader().read(JSON, b'{"age": 1}')
    assert (caught.value.column, caught.value.rule) == ("job", "required")


def test_an_unknown_column_is_one_too() -> None:
    with pytest.raises(RowRefused, match=r"^Row 2, column rom: is unknown\.$") as caught:
        ask([], {}, {"rom": 5})
    document = document_of(caught.value, frozenset())
    assert (document["row"], document["column"], document["rule"]) == (2, "rom", "unknown")
    assert "value" not in document


NUMBER = st.none() | st.integers(15, 102)
TEXT = st.none() | st.sampled_from(["clerk", "nurse", "smith", "baker", "1000", "12"])


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "age": NUMBER,
                "job": TEXT,
                "zip": TEXT,
                "rooms": st.sampled_from([None, 1, 2, 3, 3.5]),
            }
        ),
        min_size=1,
        max_size=5,
    ),
    warns=st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_a_single_row_and_many_are_judged_alike(
    rows: list[dict[str, Any]], warns: list[bool]
) -> None:
    columns = [
        {**rules, "on_break": "warn" if warn else "reject_row"}
        for rules, warn in zip(STRICT, warns, strict=True)
    ]

    def outcome(*asked: dict[str, Any]) -> int | tuple[str, str]:
        try:
            return ask(columns, *asked).warnings
        except RowRefused as error:
            return (error.column, error.rule)

    single = [outcome(row) for row in rows]
    refused = [found for found in single if isinstance(found, tuple)]
    together = outcome(*rows)
    if refused:
        assert together == refused[0]
    else:
        assert together == sum(found for found in single if isinstance(found, int))


def test_no_row_is_suspected_without_rules() -> None:
    rules = Rules([{"name": "age", "type": "integer"}], INPUTS)
    assert not rules.suspect([float("nan")] * 3, [9.0, 9.0])
