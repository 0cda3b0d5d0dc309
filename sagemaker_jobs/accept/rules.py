"""Row rules over a batch: the tree of `dropforge.rules` as Arrow's vectorised functions.

Numbers are doubles and dates are days as doubles; what is missing is null, and so is a result that
is not finite. Truth is three-valued (Kleene): only a rule that is false is broken.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.rules import Call, Column, Condition, Constant, Node, ValueKind
from sagemaker_jobs.reader.conversion import convert
from sagemaker_jobs.values import Kind

Values: TypeAlias = "pa.Array | pa.Scalar"

_STORED: dict[ValueKind, Kind] = {"number": "number", "date": "date", "truth": "boolean"}

_BINARY: dict[str, Callable[..., Values]] = {
    "add": pc.add,
    "subtract": pc.subtract,
    "multiply": pc.multiply,
    "divide": pc.divide,
}
_COMPARE: dict[str, Callable[..., Values]] = {
    name: getattr(pc, name)
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
}


def breaking(condition: Condition, rows: pa.RecordBatch) -> NDArray[np.int64]:
    """The indices of the rows that break the condition."""
    truth = _value(condition.tree, rows)
    if isinstance(truth, pa.Scalar):
        broken = truth.is_valid and not truth.as_py()
        return np.arange(rows.num_rows if broken else 0, dtype=np.int64)
    return indices(pc.invert(truth))


def indices(flags: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """Where the flags are true; null is not."""
    if not pc.any(flags, min_count=0).as_py():
        return np.empty(0, dtype=np.int64)
    filled = pc.fill_null(flags, False)
    if isinstance(filled, pa.ChunkedArray):
        filled = filled.combine_chunks()
    return np.flatnonzero(filled.to_numpy(zero_copy_only=False))


def operand(column: pa.Array, kind: ValueKind) -> pa.Array:
    """A column as its kind of operand. An id or a target is text in the lake, whatever it says."""
    if kind == "text":
        return column
    if pa.types.is_string(column.type):
        table = pa.table({"": column})
        column = convert(table, {"": _STORED[kind]}).table.column(0).combine_chunks()
    if kind == "truth":
        return column
    if pa.types.is_date(column.type):
        column = pc.cast(column, pa.int32())
    return pc.cast(column, pa.float64(), safe=False)


def is_member(values: Values, members: pa.Array) -> Values:
    """Whether each value is one of the members. To Arrow's `is_in` alone -0.0 would not be 0."""
    if pa.types.is_floating(members.type):
        values, members = pc.add(values, 0.0), pc.add(members, 0.0)
    return pc.is_in(values, value_set=members)


def _value(node: Node, rows: pa.RecordBatch) -> Values:
    match node:
        case Constant():
            return pa.scalar(node.value)
        case Column():
            return operand(rows.column(node.name), node.kind)
        case Call():
            return _call(node, rows)


def _call(node: Call, rows: pa.RecordBatch) -> Values:
    operands = [_value(operand, rows) for operand in node.operands]
    first = operands[0]
    if node.operation in _BINARY:
        return _finite(_BINARY[node.operation](*operands))
    if node.operation in _COMPARE:
        return _COMPARE[node.operation](*operands)
    match node.operation:
        case "not":
            return pc.invert(first)
        case "and" | "or":
            join = pc.and_kleene if node.operation == "and" else pc.or_kleene
            for other in operands[1:]:
                first = join(first, other)
            return first
        case "in":
            nothing = pa.scalar(None, pa.bool_())
            found = is_member(first, pa.array(node.values, first.type))
            return pc.if_else(pc.is_null(first), nothing, found)
        case "is_missing":
            return pc.is_null(first)
        case "length":
            return pc.cast(pc.utf8_length(first), pa.float64())
        case "negate":
            return pc.negate(first)
        case "abs":
            return pc.abs(first)
    raise AssertionError(f"the parser knows no {node.operation}")


def _finite(values: Values) -> Values:
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))
