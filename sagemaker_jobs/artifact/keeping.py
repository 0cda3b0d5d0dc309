"""Golden rows that keep the contract's row rules: what the contract refuses meets no model.

A row that breaks a rule loses the values that may be missing, or gets those of another golden row,
or the value that the rule computes. What keeps the rules in none of these ways is left out.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dropforge.errors import ArtifactBroken
from dropforge.rules import Call, Column, Condition, Node, parse_rule
from sagemaker_jobs.artifact.conforming import conforming
from sagemaker_jobs.features.condition import Value, compile_condition, compile_node
from sagemaker_jobs.values import Kind, number_from_json, number_to_json, text_from_json

Row = Mapping[str, Any]
ROUNDED: dict[str, Callable[[float], float]] = {
    "equal": round,
    "less_equal": math.floor,
    "greater_equal": math.ceil,
}
"""What a whole number becomes that is compared so with a number."""

MIRRORED = {"less_equal": "greater_equal", "greater_equal": "less_equal"}


def keeping(rows: Sequence[Row], contract: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows within the rules of contract.json: of its columns, then of rows.

    Raises:
        ArtifactBroken: not one row can be made to keep the rules.
    """
    columns = contract["columns"]
    rules = Rules(contract)
    given = conforming(rows, columns)
    donors = [row for row in given if not rules.broken(row)]
    kept = []
    for row in given:
        for other in (row, *rules.repairs(row, donors)):
            (changed,) = conforming([other], columns)
            if not rules.broken(changed):
                kept.append(changed)
                break
    if not kept:
        raise ArtifactBroken(
            f"No golden row keeps the contract's rules {', '.join(rules.names)}, so the endpoint "
            "could not be tested. Nothing was deployed. Let a column of theirs be missing, or let "
            "one of them warn (on_break: warn), push, and train again."
        )
    return kept


class Rules:
    """The row rules that refuse, over rows as a request has them."""

    def __init__(self, contract: Mapping[str, Any]) -> None:
        columns = {column["name"]: column for column in contract["columns"]}
        self._kinds: dict[str, Kind] = {name: c["type"] for name, c in columns.items()}
        self._empty = {
            name: None
            for name, c in columns.items()
            if c.get("nullable", True) or c.get("on_break") == "warn"
        }
        asked = [r for r in contract.get("rules", ()) if r["asked"] and r["on_break"] != "warn"]
        self.names = [rule["name"] for rule in asked]
        conditions = [parse_rule(rule["expr"], self._kinds) for rule in asked]
        self._rules = [(condition, compile_condition(condition)) for condition in conditions]

    def broken(self, row: Row) -> list[Condition]:
        """The rules that a row breaks."""
        return [
            condition
            for condition, holds in self._rules
            if holds([self._value(row, name) for name in condition.columns]) is False
        ]

    def repairs(self, row: Row, donors: Sequence[Row]) -> Iterator[Row]:
        """Rows like this one that may keep the rules it breaks."""
        broken = self.broken(row)
        names = list(dict.fromkeys(name for condition in broken for name in condition.columns))
        empty = {name: None for name in names if name in self._empty}
        for name in empty:
            yield {**row, name: None}
        yield {**row, **empty}
        for donor in donors:
            yield {**row, **{name: donor[name] for name in names}}
        for condition in broken:
            yield {**row, **self._computed(condition.tree, row)}

    def _computed(self, node: Node, row: Row) -> dict[str, Any]:
        """Columns that a condition compares with something, as that: `total == a + b`."""
        match node:
            case Call(operation="and", operands=operands):
                changes: dict[str, Any] = {}
                for operand in operands:
                    changes |= self._computed(operand, {**row, **changes})
                return changes
            case Call(operation=operation, operands=(Column(name=name), other)):
                return self._as(name, operation, other, row)
            case Call(operation=operation, operands=(other, Column(name=name))):
                return self._as(name, MIRRORED.get(operation, operation), other, row)
        return {}

    def _as(self, name: str, operation: str, other: Node, row: Row) -> dict[str, Any]:
        if operation not in ROUNDED:
            return {}
        names = [column for column in row if column in self._kinds]
        compute = compile_node(other, {column: place for place, column in enumerate(names)})
        value = compute([self._value(row, column) for column in names])
        if isinstance(value, float):
            kind = self._kinds[name]
            value = ROUNDED[operation](value) if kind == "integer" else value
            return {name: number_to_json(value, kind)}
        return {name: value}

    def _value(self, row: Row, name: str) -> Value:
        """A column of a row as rules read it."""
        kind = self._kinds[name]
        if kind == "string":
            return text_from_json(row[name])
        value = number_from_json(row[name], kind)
        if value != value:
            return None
        return value == 1.0 if kind == "boolean" else value
