"""What a reader of the OpenAPI document learns of a contract's rules."""

from typing import Any

import pytest

from sagemaker_jobs.serving.openapi import document

OUTPUT = {"task": "regression", "target": "y", "threshold": None, "calibration": None}


def row_of(*columns: dict[str, Any], rules: Any = None) -> dict[str, Any]:
    contract = {"project": "p", "id": "id", "ignored": [], "columns": columns, "output": OUTPUT}
    whole = document(contract | ({"rules": rules} if rules else {}), "3")
    row: dict[str, Any] = whole["components"]["schemas"]["Row"]
    return row


@pytest.mark.parametrize(
    ("column", "schema"),
    [
        (
            {"type": "number", "min": 0, "max": 9},
            {"type": ["number", "null"], "minimum": 0, "maximum": 9},
        ),
        (
            {"type": "integer", "min": 0, "max": 9, "clamp": True, "nullable": False},
            {
                "type": "integer",
                "description": "Counts as the bound where it is beyond: "
                "{'minimum': 0, 'maximum': 9}",
                "x-dropforge-clamp": {"minimum": 0, "maximum": 9},
            },
        ),
        (
            {"type": "number", "max": 9, "on_break": "warn"},
            {
                "type": ["number", "null"],
                "description": "Expected, and counted where it is not so: {'maximum': 9}",
            },
        ),
        (
            {"type": "date", "min": "2020-01-01", "nullable": False},
            {
                "type": "string",
                "format": "date",
                "description": "Within: {'minimum': '2020-01-01'}",
            },
        ),
        (
            {"type": "string", "allowed": ["a"], "pattern": "a|b"},
            {"type": ["string", "null"], "enum": ["a", None], "pattern": "^(?:a|b)$"},
        ),
    ],
)
def test_a_columns_rules(column: dict[str, Any], schema: dict[str, Any]) -> None:
    assert row_of({"name": "x", **column})["properties"]["x"] == schema


def test_rules_over_rows_are_told_with_what_they_do() -> None:
    rule = {"says": "must", "columns": ["a", "b"], "asked": True, "on_break": "reject_row"}
    rules = [
        {**rule, "name": "order", "expr": "a <= b"},
        {**rule, "name": "soft", "expr": "a > 0", "on_break": "warn"},
        {**rule, "name": "later", "expr": "y > 0", "asked": False},
    ]
    row = row_of({"name": "a", "type": "number"}, rules=rules)
    assert row["x-dropforge-rules"] == rules
    assert row["description"].splitlines() == [
        "Rule order: a <= b. A row that breaks it is refused.",
        "Rule soft: a > 0. A row that breaks it is counted in warnings.",
        "Rule later: y > 0. It is not asked here: a row does not carry all of its columns.",
    ]
    error = document(
        {"project": "p", "id": "i", "ignored": [], "columns": [], "output": OUTPUT}, "1"
    )
    assert {"row", "rule", "columns", "values"} <= {
        *error["components"]["schemas"]["Error"]["properties"]
    }
    assert "description" not in row_of({"name": "a", "type": "number"})
