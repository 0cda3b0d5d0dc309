"""Golden rows that the contract lets pass: they are asked through the endpoint, as any row is.

A value that breaks a rule becomes the nearest one that does not; rules that only warn are left to
be broken. What the contract refuses never meets the model, so no answer to it is needed.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def conforming(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The rows within the rules of contract.json's columns."""
    ruled = [column for column in columns if column.get("on_break", "warn") != "warn"]
    given = [dict(row) for row in rows]
    for column in ruled:
        name = column["name"]
        known = [row[name] for row in given if row.get(name) is not None]
        for number, row in enumerate(given):
            if name in row:
                row[name] = _within(row[name], column, known, number)
    return given


def _within(value: Any, column: Mapping[str, Any], known: Sequence[Any], number: int) -> Any:
    """The value, or another: `known` are those of the other rows, `number` picks among equals.

    What is only clamped breaks nothing: it stays, so that a model is asked for that too.
    """
    if value is None:
        if column.get("nullable", True):
            return None
        passing = [other for other in known if _passes(other, column)]
        value = passing[number % len(passing)] if passing else _any(column)
    allowed = column.get("allowed")
    if allowed is not None and not _is_allowed(value, column):
        return allowed[number % len(allowed)]
    if not _matches(value, column):
        passing = [other for other in known if _passes(other, column)]
        return passing[number % len(passing)] if passing else value
    return value if column.get("clamp") else _clamped(value, column)


def _passes(value: Any, column: Mapping[str, Any]) -> bool:
    return (
        ("allowed" not in column or _is_allowed(value, column))
        and _matches(value, column)
        and (column.get("clamp", False) or _clamped(value, column) == value)
    )


def _is_allowed(value: Any, column: Mapping[str, Any]) -> bool:
    allowed = column["allowed"]
    return value in (map(str, allowed) if column["type"] == "string" else allowed)


def _matches(value: Any, column: Mapping[str, Any]) -> bool:
    pattern = column.get("pattern")
    return pattern is None or re.fullmatch(pattern, str(value)) is not None


def _clamped(value: Any, column: Mapping[str, Any]) -> Any:
    """Within the bounds. Dates are texts that sort as dates do; whole numbers stay whole."""
    low, high = column.get("min"), column.get("max")
    whole = column["type"] == "integer"
    if low is not None and value < low:
        return math.ceil(low) if whole else low
    if high is not None and value > high:
        return math.floor(high) if whole else high
    return value


def _any(column: Mapping[str, Any]) -> Any:
    """A value of the column's type, where no other row has one."""
    return {"string": "any", "date": "2020-01-01", "boolean": True}.get(column["type"], 0)
