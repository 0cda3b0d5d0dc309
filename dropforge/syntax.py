"""What expressions are made of: the typed trees of row rules and of derived features.

The trees are data; sagemaker_jobs turns them into Arrow's functions (rules over files), Python's
(rules over requests) or numpy's (features).
"""

import ast
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ValueKind = Literal["text", "number", "date", "truth"]
"""What an operand is."""

KINDS: dict[str, ValueKind] = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "date": "date",
    "boolean": "truth",
}
"""A contract's type as an operand."""

ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}
KIND_NAMES: dict[ValueKind, str] = {
    "text": "a text",
    "number": "a number",
    "date": "a date",
    "truth": "true or false",
}


class ExpressionError(ValueError):
    """An expression that is not understood. `character` is the place in it, from 1."""

    def __init__(self, message: str, character: int = 1) -> None:
        super().__init__(f"character {character}: {message}")
        self.message, self.character = message, character


@dataclass(frozen=True)
class Column:
    """A column's values."""

    name: str
    kind: ValueKind


@dataclass(frozen=True)
class Constant:
    """A number, a text, true or false; a date is its number of days since 1970-01-01."""

    value: float | str | bool
    kind: ValueKind


@dataclass(frozen=True)
class Call:
    """An operation on operands. `values` are the members that `in` compares with."""

    operation: str
    operands: tuple["Node", ...]
    kind: ValueKind
    values: tuple[float | str | bool, ...] = ()


Node = Column | Constant | Call


@dataclass(frozen=True)
class Function:
    """What a function takes (None: anything) and gives."""

    operands: tuple[ValueKind | None, ...]
    gives: ValueKind


@dataclass(frozen=True)
class Grammar:
    """What an expression may hold beside comparisons, `and`, `or`, `not` and `in`.

    In a `numeric` one there are no texts, and a date (its days since 1970-01-01) or a truth (0 or
    1) stands for a number where one is needed.
    """

    operators: Mapping[type[ast.operator], str]
    functions: Mapping[str, Function]
    numeric: bool
    unknown: str

    @property
    def says(self) -> str:
        """What there is, for messages."""
        signs = "+ - * / **" if ast.Pow in self.operators else "+ - * /"
        return f"{signs}, comparisons, and, or, not, in, col, {', '.join(self.functions)}"


def days(text: str) -> int:
    """Days from 1970-01-01 to a date like `2020-10-01`.

    Raises:
        ValueError: the text is no such date.
    """
    return (dt.date.fromisoformat(text) - dt.date(1970, 1, 1)).days
