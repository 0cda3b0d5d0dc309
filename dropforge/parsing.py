"""One parser for row rules and derived features: Python's `ast` into a typed tree.

Python never evaluates an expression: what is not in a `Grammar` is an error at a position.
"""

import ast
import warnings
from collections.abc import Mapping

from dropforge.syntax import (
    COMPARISONS,
    KIND_NAMES,
    KINDS,
    Call,
    Column,
    Constant,
    ExpressionError,
    Grammar,
    Node,
    ValueKind,
    days,
)

MAX_LENGTH = 1000
MAX_DEPTH = 300


def parse(
    text: str, kinds: Mapping[str, str] | None, grammar: Grammar
) -> tuple[Node, tuple[str, ...]]:
    """The tree of an expression over columns of the types in `kinds`, and the columns it reads.

    Without `kinds` any column may be there, and be whatever it is used as (its node says number).

    Raises:
        ExpressionError: a syntax error, an unknown column, operands that do not fit each other.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", MAX_LENGTH + 1)
    # A line's end is a space: a long expression may stand on several lines of YAML.
    source = "".join(" " if character.isspace() else character for character in text).strip()
    indent = len(text) - len(text.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            body = ast.parse(source, mode="eval").body
        if _depth(body) > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} deep", indent + 1)
        parser = _Parser(source, indent, kinds, grammar)
        return parser.node(body), tuple(parser.columns)
    except SyntaxError as error:
        # Where the text ends too early, Python names no place in it.
        place = error.offset if error.lineno == 1 and error.offset else len(source) + 1
        raise ExpressionError(error.msg, indent + place) from error
    except ExpressionError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError("not an expression that is understood") from error


def _depth(tree: ast.AST) -> int:
    """How many operations stand in each other at most."""
    level, depth = [tree], 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


class _Parser:
    def __init__(
        self, source: str, indent: int, kinds: Mapping[str, str] | None, grammar: Grammar
    ) -> None:
        self._bytes, self._indent = source.encode(), indent
        self._kinds, self._grammar = kinds, grammar
        self.columns: dict[str, None] = {}

    def node(self, node: ast.expr) -> Node:
        match node:
            case ast.Constant(value=bool() | str() as value):
                return Constant(value, "truth" if isinstance(value, bool) else "text")
            case ast.Constant(value=int() | float() as value):
                return self._constant(value, node)
            case ast.Name(id="true" | "false" as name) if name not in (self._kinds or ()):
                return Constant(name == "true", "truth")
            case ast.Name(id=name):
                return self._column(name, node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Call("not", (self._operand(operand, "truth"),), "truth")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Call("negate", (self._operand(operand, "number"),), "number")
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._operand(operand, "number")
            case ast.BinOp(op=operator) if type(operator) in self._grammar.operators:
                return self._arithmetic(self._grammar.operators[type(operator)], node)
            case ast.BoolOp(op=operator, values=values):
                operation = "and" if isinstance(operator, ast.And) else "or"
                return Call(operation, tuple(self._operand(v, "truth") for v in values), "truth")
            case ast.Compare():
                return self._chain(node)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._function(name, arguments, node)
        name = type(node).__name__
        raise self._error(node, f"{name} is not allowed: there are {self._grammar.says}")

    def _constant(self, value: float, at: ast.expr) -> Constant:
        try:
            return Constant(float(value), "number")
        except OverflowError as error:
            raise self._error(at, "the number is too large") from error

    def _column(self, name: str, at: ast.expr) -> Column:
        if self._kinds is None:
            self.columns[name] = None
            return Column(name, "number")
        if name not in self._kinds:
            near = next((n for n in self._kinds if n.lower() == name.lower()), None)
            hint = f" (there is {near}: names are case-sensitive)" if near else ""
            raise self._error(at, f"{self._grammar.unknown} {name}{hint}")
        kind = KINDS[self._kinds[name]]
        if self._grammar.numeric and kind == "text":
            raise self._error(at, f"{name} is text, not a number, a date or a boolean")
        self.columns[name] = None
        return Column(name, kind)

    def _function(self, name: str, arguments: list[ast.expr], at: ast.expr) -> Node:
        if name == "col":
            match arguments:
                case [ast.Constant(value=str() as column) as quoted]:
                    return self._column(column, quoted)
            raise self._error(at, "col takes one quoted column name")
        if (function := self._grammar.functions.get(name)) is None:
            known = ", ".join(sorted(["col", *self._grammar.functions]))
            raise self._error(at, f"there is no function {name}: {known}")
        count = len(function.operands)
        if len(arguments) != count:
            takes = "one argument" if count == 1 else f"{count} arguments"
            raise self._error(at, f"{name} takes {takes}")
        operands = [
            self.node(argument) if kind is None else self._operand(argument, kind)
            for argument, kind in zip(arguments, function.operands, strict=True)
        ]
        return Call(name, tuple(operands), function.gives)

    def _arithmetic(self, operation: str, node: ast.BinOp) -> Node:
        first, second = self.node(node.left), self.node(node.right)
        if not (operation == "subtract" and first.kind == second.kind == "date"):
            self._expect(first, "number", node.left)
            self._expect(second, "number", node.right)
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
        if type(operator) not in COMPARISONS:
            raise self._error(right, "is not allowed: write is_missing(column)")
        first, second = self.node(left), self.node(right)
        if self._datable(first):
            second = self._dated(second, right)
        elif self._datable(second):
            first = self._dated(first, left)
        if not self._comparable(first, second):
            pair = f"{KIND_NAMES[first.kind]} is compared with {KIND_NAMES[second.kind]}"
            raise self._error(right, pair)
        operation = COMPARISONS[type(operator)]
        if first.kind == second.kind == "truth" and operation not in ("equal", "not_equal"):
            raise self._error(right, "true and false have no order")
        return Call(operation, (first, second), "truth")

    def _member(self, left: ast.expr, right: ast.expr) -> Call:
        operand = self.node(left)
        if not isinstance(right, ast.List | ast.Tuple) or not right.elts:
            raise self._error(right, "in needs a list: [1, 2]")
        members = []
        for element in right.elts:
            item = self.node(element)
            if self._datable(operand):
                item = self._dated(item, element)
            match item:
                case Call(operation="negate", operands=(Constant(value=float() as number),)):
                    item = Constant(-number, "number")
            if not isinstance(item, Constant):
                raise self._error(element, "the list of in holds constants only")
            if not self._comparable(operand, item):
                raise self._error(element, _needed(operand.kind, item.kind))
            members.append(item.value)
        return Call("in", (operand,), "truth", tuple(members))

    def _datable(self, node: Node) -> bool:
        return node.kind == "date" or (self._grammar.numeric and self._untyped(node))

    def _dated(self, node: Node, at: ast.expr) -> Node:
        if isinstance(node, Constant) and isinstance(node.value, str):
            try:
                return Constant(float(days(node.value)), "date")
            except ValueError as error:
                raise self._error(at, 'a date is written "2020-10-01"') from error
        return node

    def _untyped(self, node: Node) -> bool:
        return self._kinds is None and isinstance(node, Column)

    def _comparable(self, first: Node, second: Node) -> bool:
        if first.kind == second.kind or self._untyped(first) or self._untyped(second):
            return True
        return self._grammar.numeric and {first.kind, second.kind} == {"truth", "number"}

    def _operand(self, node: ast.expr, kind: ValueKind) -> Node:
        operand = self.node(node)
        self._expect(operand, kind, node)
        return operand

    def _expect(self, operand: Node, kind: ValueKind, at: ast.expr) -> None:
        if operand.kind == kind or self._untyped(operand):
            return
        if self._grammar.numeric and kind == "number" and operand.kind in ("truth", "date"):
            return
        raise self._error(at, _needed(kind, operand.kind))

    def _error(self, at: ast.expr, message: str) -> ExpressionError:
        # `ast` counts bytes of UTF-8; people count characters.
        before = self._bytes[: at.col_offset].decode()
        return ExpressionError(message, self._indent + len(before) + 1)


def _needed(kind: ValueKind, found: ValueKind) -> str:
    return f"{KIND_NAMES[kind]} is needed, this is {KIND_NAMES[found]}"
