"""Derived features: arithmetic over columns, as a typed tree.

    AMT_CREDIT / AMT_INCOME_TOTAL
    log1p(balance) - 0.5 * col("late payments") ** 2
    if_missing(EXT_SOURCE_1, 0)
    where(tenure > 0, total / tenure, monthly)
    closed - opened

Every operand is a number; a boolean column is 0 or 1, a date its days since 1970-01-01 (so the
difference of two is a number of days), and a text column is an error. What the operations of
`Derivation.tree` mean, with missing values as NaN:

- `add subtract multiply divide power negate abs exp floor log log1p sqrt min max` and the
  comparisons `equal not_equal less less_equal greater greater_equal` and `in` (1 where the operand
  is one of `Call.values`, else 0): missing if an operand is missing;
- `is_missing` is 0 or 1, never missing; `if_missing(a, b)` is b where a is missing;
- `not`, `and`, `or` (two operands or more): three-valued, as SQL's: a false operand decides an
  `and`, a true one an `or`, whatever is missing;
- `where(condition, a, b)`: a where the condition holds, b where not; missing if it is neither.

The value of the whole is missing if it is not finite (a division by zero, an overflow).
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from dropforge.parsing import parse
from dropforge.syntax import ARITHMETIC, Function, Grammar
from dropforge.syntax import Call as Call
from dropforge.syntax import Column as Column
from dropforge.syntax import Constant as Constant
from dropforge.syntax import ExpressionError as ExpressionError
from dropforge.syntax import Node as Node

_ONE, _TWO = Function(("number",), "number"), Function(("number", "number"), "number")

GRAMMAR = Grammar(
    operators={**ARITHMETIC, ast.Pow: "power"},
    functions={
        **dict.fromkeys(("abs", "exp", "floor", "log", "log1p", "sqrt"), _ONE),
        **dict.fromkeys(("min", "max", "if_missing"), _TWO),
        "is_missing": Function((None,), "truth"),
        "where": Function(("truth", "number", "number"), "number"),
    },
    numeric=True,
    unknown="there is no column",
)


@dataclass(frozen=True)
class Derivation:
    """A parsed expression: its tree, and the columns that it reads."""

    text: str
    tree: Node
    columns: tuple[str, ...]


def parse_derived(text: str, kinds: Mapping[str, str] | None = None) -> Derivation:
    """Parse the expression of a derived feature over columns of the types in `kinds`.

    Types are a contract's (`string`, `integer`, `number`, `boolean`, `date`). Without `kinds` any
    column may be there and every one is taken for a number: enough to check the syntax, or where
    all are numbers.

    Raises:
        ExpressionError: a syntax error, an unknown column or function, a text column.
    """
    tree, columns = parse(text, kinds, GRAMMAR)
    if tree.kind == "text":
        raise ExpressionError("a number is needed, this is a text")
    return Derivation(text, tree, columns)
