"""Row rules over the values of a row: the compiler of the trees of dropforge/rules.py.

What `accept.rules` is over Arrow's batches, for requests: both give the same verdicts. Numbers are
doubles, dates are days; None is missing, and so is a result that is not finite. Truth is
three-valued (Kleene): only a rule that is false is broken.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from dropforge.rules import Call, Column, Condition, Constant, Node

Value: TypeAlias = float | str | bool | None
Result = TypeVar("Result")
Holds = Callable[[Sequence[Value]], Value]
"""From the values of a condition's columns, in their order, to true, false or missing."""


def compile_condition(condition: Condition) -> Holds:
    """The condition as a function of a row's values."""
    places = {name: place for place, name in enumerate(condition.columns)}
    return compile_node(condition.tree, places)


def compile_node(node: Node, places: Mapping[str, int]) -> Holds:
    """A part of a condition as a function of a row's values; `places` are those of the columns."""
    match node:
        case Constant(value=value):
            return lambda row: value
        case Column(name=name):
            return operator.itemgetter(places[name])
        case Call(operation="in", operands=(operand,), values=values):
            return _member(compile_node(operand, places), frozenset(values))
        case Call(operation=operation, operands=operands):
            return applied(_OPERATIONS[operation], [compile_node(o, places) for o in operands])


def applied(
    operation: Callable[..., Result], operands: Sequence[Callable[[Any], Result]]
) -> Callable[[Any], Result]:
    """An operation on what its operands are for a row; of one or two without a list."""
    if len(operands) == 1:
        (only,) = operands
        return lambda row: operation(only(row))
    if len(operands) == 2:
        first, second = operands
        return lambda row: operation(first(row), second(row))
    return lambda row: operation(*(operand(row) for operand in operands))


def _member(operand: Holds, members: frozenset[Any]) -> Holds:
    def compute(row: Sequence[Value]) -> Value:
        value = operand(row)
        return None if value is None else value in members

    return compute


def _of_one(operation: Callable[[Any], Value]) -> Callable[[Value], Value]:
    return lambda value: None if value is None else operation(value)


def _of_two(operation: Callable[[Any, Any], Value]) -> Callable[[Value, Value], Value]:
    def compute(first: Value, second: Value) -> Value:
        return None if first is None or second is None else operation(first, second)

    return compute


def _finite(operation: Callable[[Any, Any], float]) -> Callable[[Value, Value], Value]:
    def compute(first: Any, second: Any) -> float | None:
        value = operation(first, second)
        return value if value - value == 0.0 else None

    return _of_two(compute)


def _divide(first: Any, second: Any) -> float | None:
    if second == 0.0:
        return None
    value: float = first / second
    return value if value - value == 0.0 else None


def _and(*operands: Value) -> Value:
    if False in operands:
        return False
    return None if None in operands else True


def _or(*operands: Value) -> Value:
    if True in operands:
        return True
    return None if None in operands else False


_OPERATIONS: dict[str, Callable[..., Value]] = {
    "add": _finite(operator.add),
    "subtract": _finite(operator.sub),
    "multiply": _finite(operator.mul),
    "divide": _of_two(_divide),
    "negate": _of_one(operator.neg),
    "abs": _of_one(abs),
    "length": _of_one(lambda text: float(len(text))),
    "is_missing": lambda value: value is None,
    "equal": _of_two(operator.eq),
    "not_equal": _of_two(operator.ne),
    "less": _of_two(operator.lt),
    "less_equal": _of_two(operator.le),
    "greater": _of_two(operator.gt),
    "greater_equal": _of_two(operator.ge),
    "not": _of_one(operator.not_),
    "and": _and,
    "or": _or,
}
