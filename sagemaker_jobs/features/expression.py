"""Arithmetic over columns, parsed with `ast` into numpy calls; Python never evaluates it.

    AMT_CREDIT / AMT_INCOME_TOTAL
    log1p(balance) - 0.5 * col("late payments") ** 2
    if_missing(EXT_SOURCE_1, 0)

A missing operand makes the result missing, and so does a result that is not finite (a division by
zero, an overflow).
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dropforge.errors import InvalidProject

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]
Node = Callable[[Columns], Floats]

MAX_LENGTH = 1000

_OPERATORS: dict[type[ast.operator], Callable[..., Floats]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}


def _is_missing(value: Floats) -> Floats:
    return np.isnan(value).astype(np.float64)


def _if_missing(value: Floats, instead: Floats) -> Floats:
    return np.asarray(np.where(np.isnan(value), instead, value))


_FUNCTIONS: dict[str, tuple[Callable[..., Floats], int]] = {
    "abs": (np.abs, 1),
    "exp": (np.exp, 1),
    "floor": (np.floor, 1),
    "log": (np.log, 1),
    "log1p": (np.log1p, 1),
    "sqrt": (np.sqrt, 1),
    "min": (np.minimum, 2),
    "max": (np.maximum, 2),
    "is_missing": (_is_missing, 1),
    "if_missing": (_if_missing, 2),
}


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its text, the columns it reads, and how to compute it."""

    text: str
    columns: tuple[str, ...]
    _compute: Node = field(repr=False, compare=False)

    def __call__(self, columns: Columns, rows: int) -> Floats:
        """The expression's value for every row; NaN where it is missing or not finite."""
        # Contiguous operands: numpy's vector and scalar loops may differ in the last bit.
        operands = {name: np.ascontiguousarray(columns[name]) for name in self.columns}
        with np.errstate(all="ignore"):
            values = np.broadcast_to(self._compute(operands), (rows,))
        return np.where(np.isfinite(values), values, np.nan)


def parse_expression(name: str, text: str) -> Expression:
    """Parse the expression of a derived column.

    Raises:
        InvalidProject: a syntax error, or anything but arithmetic over columns.
    """
    try:
        if len(text) > MAX_LENGTH:
            raise ValueError(f"longer than {MAX_LENGTH} characters")
        tree = ast.parse(text.strip(), mode="eval")
        columns: dict[str, None] = {}
        compute = _node(tree.body, columns)
    except (SyntaxError, ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InvalidProject(
            f"features.yml, derive.{name}: {text!r} is not an expression that is understood: "
            f"{reason}. Allowed: + - * / **, numbers, column names, col('any name'), "
            f"{', '.join(sorted(_FUNCTIONS))}."
        ) from error
    return Expression(text, tuple(columns), compute)


def _node(node: ast.expr, columns: dict[str, None]) -> Node:
    match node:
        case ast.Constant(value=bool()):
            raise ValueError("true and false are not numbers")
        case ast.Constant(value=int() | float() as value):
            constant = np.float64(value)
            return lambda _: constant  # type: ignore[return-value]
        case ast.Name(id=name):
            return _column(name, columns)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _node(operand, columns)
            return lambda data: np.negative(inner(data))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _node(operand, columns)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            return _apply(_OPERATORS[type(operator)], _node(left, columns), _node(right, columns))
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
            return _call(function, arguments, columns)
    raise ValueError(f"{type(node).__name__} is not allowed")


def _call(function: str, arguments: list[ast.expr], columns: dict[str, None]) -> Node:
    if function == "col":
        match arguments:
            case [ast.Constant(value=str() as name)]:
                return _column(name, columns)
        raise ValueError("col takes one quoted column name")
    if function not in _FUNCTIONS:
        raise ValueError(f"there is no function {function}")
    compute, count = _FUNCTIONS[function]
    if len(arguments) != count:
        raise ValueError(f"{function} takes {count} argument{'s' if count > 1 else ''}")
    return _apply(compute, *(_node(argument, columns) for argument in arguments))


def _apply(compute: Callable[..., Floats], *operands: Node) -> Node:
    return lambda data: compute(*(operand(data) for operand in operands))


def _column(name: str, columns: dict[str, None]) -> Node:
    columns[name] = None
    return lambda data: data[name]
