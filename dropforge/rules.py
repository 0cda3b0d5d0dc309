"""Row rules: conditions over a file's columns, parsed with `ast`; Python never evaluates them.

    age >= 18
    start <= end and total >= 0.9 * col("monthly charges")
    status in ["open", "closed"] or is_missing(status)
    length(postcode) == 5 and opened > "2020-10-01"

As in SQL's CHECK, a row breaks a rule only if the condition is false: a comparison with a missing
value is neither true nor false, and passes. A date may be compared with another date or with a
text like "2020-10-01"; the difference of two dates is a number of days.
"""

import ast
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ValueKind = Literal["text", "number", "date", "truth"]
"""What an operand is."""

MAX_LENGTH = 1000

KINDS: dict[str, ValueKind] = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "date": "date",
    "boolean": "truth",
}
"""A contract's type as an operand."""

_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}
_FUNCTIONS = ("abs", "col", "is_missing", "length")
_NAMES: dict[ValueKind, str] = {
    "text": "a text",
    "number": "a number",
    "date": "a date",
    "truth": "true or false",
}


class RuleError(ValueError):
    """An expression that is not understood; the message gives the position in it."""


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
    if len(text) > MAX_LENGTH:
        raise RuleError(f"longer than {MAX_LENGTH} characters")
    source = text.strip()
    try:
        body = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        # Where the text ends too early, Python names no place in it.
        place = error.offset if error.lineno == 1 and error.offset else len(source) + 1
        raise RuleError(f"character {place}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise RuleError("not an expression that is understood") from error
    parser = _Parser(source, kinds)
    tree = parser.node(body)
    if tree.kind != "truth":
        raise RuleError(f"character 1: a condition is needed, this is {_NAMES[tree.kind]}")
    if not parser.columns:
        raise RuleError("character 1: the condition reads no column")
    return Condition(source, tree, tuple(parser.columns))


class _Parser:
    def __init__(self, text: str, kinds: Mapping[str, str]) -> None:
        self._text, self._kinds = text, kinds
        self.columns: dict[str, None] = {}

    def node(self, node: ast.expr) -> Node:
        match node:
            case ast.Constant(value=bool() | str() as value):
                return Constant(value, "truth" if isinstance(value, bool) else "text")
            case ast.Constant(value=int() | float() as value):
                return Constant(float(value), "number")
            case ast.Name(id="true" | "false" as name) if name not in self._kinds:
                return Constant(name == "true", "truth")
            case ast.Name(id=name):
                return self._column(name, node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Call("not", (self._truth(operand),), "truth")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Call("negate", (self._number(operand),), "number")
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._number(operand)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _ARITHMETIC:
                return self._arithmetic(_ARITHMETIC[type(operator)], left, right)
            case ast.BoolOp(op=operator, values=values):
                operation = "and" if isinstance(operator, ast.And) else "or"
                return Call(operation, tuple(self._truth(v) for v in values), "truth")
            case ast.Compare():
                return self._chain(node)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._function(name, arguments, node)
        raise self._error(
            node,
            f"{type(node).__name__} is not allowed: there are + - * /, comparisons, and, or, not, "
            f"in, {', '.join(_FUNCTIONS)}",
        )

    def _column(self, name: str, at: ast.expr) -> Column:
        if name not in self._kinds:
            near = next((n for n in self._kinds if n.lower() == name.lower()), None)
            hint = f" (there is {near}: names are case-sensitive)" if near else ""
            raise self._error(at, f"the contract has no column {name}{hint}")
        self.columns[name] = None
        return Column(name, KINDS[self._kinds[name]])

    def _function(self, name: str, arguments: list[ast.expr], at: ast.expr) -> Node:
        if name not in _FUNCTIONS:
            raise self._error(at, f"there is no function {name}: {', '.join(_FUNCTIONS)}")
        if len(arguments) != 1:
            raise self._error(at, f"{name} takes one argument")
        argument = arguments[0]
        if name == "col":
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                return self._column(argument.value, argument)
            raise self._error(at, "col takes one quoted column name")
        if name == "abs":
            return Call("abs", (self._number(argument),), "number")
        operand = self.node(argument)
        if name == "length":
            self._expect(operand, "text", argument)
            return Call("length", (operand,), "number")
        return Call("is_missing", (operand,), "truth")

    def _arithmetic(self, operation: str, left: ast.expr, right: ast.expr) -> Node:
        first, second = self.node(left), self.node(right)
        if operation == "subtract" and first.kind == second.kind == "date":
            return Call(operation, (first, second), "number")
        self._expect(first, "number", left)
        self._expect(second, "number", right)
        return Call(operation, (first, second), "number")

    def _chain(self, node: ast.Compare) -> Node:
        terms = [node.left, *node.comparators]
        links = [
            self._compare(a, operator, b)
            for a, operator, b in zip(terms, node.ops, terms[1:], strict=False)
        ]
        return links[0] if len(links) == 1 else Call("and", tuple(links), "truth")

    def _compare(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Node:
        if isinstance(operator, ast.In | ast.NotIn):
            member = self._member(left, right)
            return member if isinstance(operator, ast.In) else Call("not", (member,), "truth")
        if type(operator) not in _COMPARISONS:
            raise self._error(right, "is not allowed: write is_missing(column)")
        first, second = self.node(left), self.node(right)
        if first.kind == "date":
            second = self._dated(second, right)
        elif second.kind == "date":
            first = self._dated(first, left)
        if first.kind != second.kind:
            raise self._error(right, f"{_NAMES[first.kind]} is compared with {_NAMES[second.kind]}")
        operation = _COMPARISONS[type(operator)]
        if first.kind == "truth" and operation not in ("equal", "not_equal"):
            raise self._error(right, "true and false have no order")
        return Call(operation, (first, second), "truth")

    def _member(self, left: ast.expr, right: ast.expr) -> Call:
        operand = self.node(left)
        if not isinstance(right, ast.List | ast.Tuple) or not right.elts:
            raise self._error(right, "in needs a list: [1, 2]")
        members = []
        for element in right.elts:
            item = self.node(element)
            if operand.kind == "date":
                item = self._dated(item, element)
            match item:
                case Call(operation="negate", operands=(Constant(value=float() as number),)):
                    item = Constant(-number, "number")
            if not isinstance(item, Constant):
                raise self._error(element, "the list of in holds constants only")
            self._expect(item, operand.kind, element)
            members.append(item.value)
        return Call("in", (operand,), "truth", tuple(members))

    def _dated(self, node: Node, at: ast.expr) -> Node:
        if isinstance(node, Constant) and isinstance(node.value, str):
            try:
                return Constant(float(days(node.value)), "date")
            except ValueError as error:
                raise self._error(at, 'a date is written "2020-10-01"') from error
        return node

    def _truth(self, node: ast.expr) -> Node:
        operand = self.node(node)
        self._expect(operand, "truth", node)
        return operand

    def _number(self, node: ast.expr) -> Node:
        operand = self.node(node)
        self._expect(operand, "number", node)
        return operand

    def _expect(self, operand: Node, kind: ValueKind, at: ast.expr) -> None:
        if operand.kind != kind:
            raise self._error(at, f"{_NAMES[kind]} is needed, this is {_NAMES[operand.kind]}")

    def _error(self, at: ast.expr, message: str) -> RuleError:
        return RuleError(f"character {at.col_offset + 1}: {message}")


def days(text: str) -> int:
    """Days from 1970-01-01 to a date like `2020-10-01`.

    Raises:
        ValueError: the text is no such date.
    """
    return (dt.date.fromisoformat(text) - dt.date(1970, 1, 1)).days
