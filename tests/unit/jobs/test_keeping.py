"""Golden rows that keep the contract's rules over rows."""

from typing import Any

import pytest

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.artifact.keeping import Rules, keeping

KINDS: dict[str, Any] = {
    "a": "number", "b": "number", "n": "integer", "day": "date", "end": "date", "job": "string",
    "free": "boolean",
}  # fmt: skip
ROW: dict[str, Any] = {
    "a": 3.0, "b": 5.0, "n": 2, "day": "2020-01-01", "end": "2020-02-01", "job": "clerk",
    "free": True,
}  # fmt: skip


def contract(*expressions: str, on_break: str = "reject_row", **columns: Any) -> dict[str, Any]:
    return {
        "columns": [
            {"name": name, "type": kind, "on_break": "reject_row", **columns.get(name, {})}
            for name, kind in KINDS.items()
        ],
        "rules": [
            {"name": text, "expr": text, "on_break": on_break, "asked": True}
            for text in expressions
        ],
    }


def test_rows_that_keep_the_rules_stay_as_they_are() -> None:
    rows = [ROW, ROW | {"a": None, "job": "x"}]
    assert keeping(rows, contract("a < b", "day <= end", "not (job == 'y')", "free")) == rows
    assert keeping(rows, contract()) == rows


def test_a_row_loses_what_may_be_missing_and_no_more() -> None:
    (row,) = keeping([ROW | {"a": 7.0}], contract("a < b or n > 5"))
    assert row == ROW | {"a": None}


def test_a_row_gets_what_another_has_if_nothing_may_be_missing() -> None:
    whole: dict[str, Any] = {name: {"nullable": False} for name in KINDS}
    rows = [ROW, ROW | {"a": 7.0, "job": "nurse"}]
    assert keeping(rows, contract("a < b", **whole)) == [ROW, ROW | {"job": "nurse"}]


@pytest.mark.parametrize(
    ("expression", "change"),
    [
        ("a == b * n", {"a": 10.0}),
        ("b + 1 <= n and 0 < a", {"n": 6}),
        ("day >= end", {"day": "2020-02-01"}),
        ("b == a * 2 and a == b + n", {"b": 6.0, "a": 8.0}),
        ("job == 'smith'", {"job": "smith"}),
        ("free == false", {"free": False}),
        ("n >= a * 1.5", {"n": 5}),
        ("a / 2 >= n", {"n": 1}),
    ],
)
def test_a_row_gets_what_the_rule_computes(expression: str, change: dict[str, Any]) -> None:
    whole: dict[str, Any] = {name: {"nullable": False} for name in KINDS}
    rules = Rules(contract(expression, **whole))
    *_, computed = rules.repairs(ROW, [])
    assert computed == ROW | change
    if not rules.broken(computed):
        assert keeping([ROW], contract(expression, **whole)) == [ROW | change]


def test_what_cannot_keep_a_rule_is_left_out_and_one_row_must_stay() -> None:
    whole: dict[str, Any] = {name: {"nullable": False} for name in KINDS}
    asked = contract("a * a == -1 or job == 'clerk' and n == 2", **whole)
    assert keeping([ROW, ROW | {"a": 1.0}], asked) == [ROW, ROW | {"a": 1.0}]
    with pytest.raises(ArtifactBroken, match="No golden row keeps the contract's rules a"):
        keeping([ROW], contract("a * a == -1", **whole))


def test_rules_that_warn_or_are_not_asked_are_left_to_be_broken() -> None:
    rows = [ROW | {"a": 7.0}]
    assert keeping(rows, contract("a < b", on_break="warn")) == rows
    unasked = contract("a < b")
    unasked["rules"][0] |= {"asked": False, "expr": "target < b"}
    assert keeping(rows, unasked) == rows


def test_what_is_only_clamped_stays() -> None:
    rows = [ROW | {"a": 1e9}]
    assert keeping(rows, contract(a={"max": 4, "clamp": True})) == rows
    assert keeping(rows, contract(a={"max": 4})) == [ROW | {"a": 4}]
