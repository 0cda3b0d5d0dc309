"""Derived features as numpy calls: the compiler of the trees of dropforge/expressions.py.

Truths are 0, 1 or NaN. A missing operand makes the result missing, and so does a result that is not
finite (a division by zero, an overflow).
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropforge.expressions import Call, Column, Constant, Derivation, Node

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]
Compute = Callable[[Columns], Any]


def _comparison(compare: Callable[..., Any]) -> Callable[..., Any]:
    def compute(first: Floats, second: Floats) -> Any:
        return np.where(np.isnan(first) | np.isnan(second), np.nan, compare(first, second))

    return compute


def _and(*operands: Floats) -> Any:
    false = reduce(np.logical_or, [operand == 0 for operand in operands])
    return np.where(false, 0.0, reduce(np.multiply, operands))


def _or(*operands: Floats) -> Any:
    true = reduce(np.logical_or, [operand == 1 for operand in operands])
    return np.where(true, 1.0, reduce(np.add, operands))


def _where(condition: Floats, first: Floats, second: Floats) -> Any:
    chosen = np.where(condition == 0, second, first)
    return np.where(np.isnan(condition), np.nan, chosen)


def _if_missing(value: Floats, instead: Floats) -> Any:
    return np.where(np.isnan(value), instead, value)


def _is_missing(value: Floats) -> Any:
    return np.isnan(value).astype(np.float64)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "negate": np.negative,
    "abs": np.abs,
    "exp": np.exp,
    "floor": np.floor,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "min": np.minimum,
    "max": np.maximum,
    "equal": _comparison(np.equal),
    "not_equal": _comparison(np.not_equal),
    "less": _comparison(np.less),
    "less_equal": _comparison(np.less_equal),
    "greater": _comparison(np.greater),
    "greater_equal": _comparison(np.greater_equal),
    "not": lambda value: 1.0 - value,
    "and": _and,
    "or": _or,
    "where": _where,
    "is_missing": _is_missing,
    "if_missing": _if_missing,
}


def compile_derivation(derivation: Derivation) -> Compute:
    """A function from columns (contiguous arrays of equal length) to the feature's value per row.

    NaN where the value is missing or not finite; a number if the expression reads no column. Call
    it with numpy's floating point errors ignored. The columns must be contiguous because numpy's
    vector and scalar loops may differ in the last bit.
    """
    compute = _node(derivation.tree)

    def finite(columns: Columns) -> Any:
        values = compute(columns)
        return np.where(np.isfinite(values), values, np.nan)

    return finite


def _node(node: Node) -> Compute:
    match node:
        case Constant(value=value):
            constant = np.float64(value)
            return lambda _: constant
        case Column(name=name):
            return lambda columns: columns[name]
        case Call(operation="in", operands=(operand,), values=values):
            return _member(_node(operand), [np.float64(value) for value in values])
        case Call(operation=operation, operands=operands):
            return _apply(_OPERATIONS[operation], [_node(operand) for operand in operands])


def _apply(operation: Callable[..., Any], operands: list[Compute]) -> Compute:
    match operands:
        case [only]:
            return lambda columns: operation(only(columns))
        case [first, second]:
            return lambda columns: operation(first(columns), second(columns))
    return lambda columns: operation(*(operand(columns) for operand in operands))


def _member(operand: Compute, members: list[np.float64]) -> Compute:
    def compute(columns: Columns) -> Any:
        value = operand(columns)
        found = reduce(np.logical_or, [np.equal(value, member) for member in members])
        return np.where(np.isnan(value), np.nan, found)

    return compute
