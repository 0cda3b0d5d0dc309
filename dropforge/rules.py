"""Row rules: conditions over a file's columns.

    age >= 18
    start <= end and total >= 0.9 * col("monthly charges")
    status in ["open", "closed"] or is_missing(status)
    length(postcode) == 5 and opened > "2020-10-01"

As in SQL's CHECK, a row breaks a rule only if the condition is false: a comparison with a missing
value is neither true nor false, and passes. A date may be compared with another date or with a
text like "2020-10-01"; the difference of two dates is a number of days.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dropforge.parsing import parse
from dropforge.syntax import ARITHMETIC, KIND_NAMES, ExpressionError, Function, Grammar
from dropforge.syntax import KINDS as KINDS
from dropforge.syntax import Call as Call
from dropforge.syntax import Column as Column
from dropforge.syntax import Constant as Constant
from dropforge.syntax import Node as Node
from dropforge.syntax import ValueKind as ValueKind
from dropforge.syntax import days as days

RuleError = ExpressionError

GRAMMAR = Grammar(
    operators=ARITHMETIC,
    functions={
        "abs": Function(("number",), "number"),
        "is_missing": Function((None,), "truth"),
        "length": Function(("text",), "number"),
    },
    numeric=False,
    unknown="the contract has no column",
)


@dataclass(frozen=True)
class Condition:
    """A parsed rule: its tree, and the columns that it reads."""

    text: str
    tree: Node
    columns: tuple[str, ...]


def parse_rule(text: str, kinds: Mapping[str, str]) -> Condition:
    """Parse a condition over columns of the types in `kinds`.

    Raises:
        RuleError: a syntax error, an unknown column, operands that do not fit each other.
    """
    tree, columns = parse(text, kinds, GRAMMAR)
    if tree.kind != "truth":
        raise RuleError(f"a condition is needed, this is {KIND_NAMES[tree.kind]}")
    if not columns:
        raise RuleError("the condition reads no column")
    return Condition(text.strip(), tree, columns)
