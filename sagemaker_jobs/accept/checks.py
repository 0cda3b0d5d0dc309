"""A contract's row rules as checks over typed batches. Without rules there are none, at no cost."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.contract import ColumnSpec, OnBreak
from dropforge.project import ProjectSpec
from dropforge.rule_words import NOT_EMPTY, pattern_says
from dropforge.rules import KINDS, Condition, days
from sagemaker_jobs import labels
from sagemaker_jobs.accept.faults import Fault
from sagemaker_jobs.accept.rules import breaking, indices, is_member, operand

Rows = NDArray[np.int64]
NONE: Rows = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Check:
    """One rule: which rows of a batch break it, and what is said of them."""

    code: str
    column: str | None
    says: str
    on_break: OnBreak
    find: Callable[[pa.RecordBatch], Rows]

    def fault(self) -> Fault:
        """A new count of the rows that break it."""
        return Fault(self.code, self.column, self.says, self.on_break)


def row_checks(spec: ProjectSpec, names: set[str]) -> list[Check]:
    """The checks of the contract on the columns that the file has."""
    if spec.contract is None:
        return []
    checks: list[Check] = []
    for name, column in spec.contract.columns.items():
        if name in names and column.role != "ignored":
            checks += _column_checks(spec, name, column)
    for rule in spec.contract.rules:
        condition = spec.contract.condition(rule)
        if set(condition.columns) <= names:
            says = spec.contract.sentence(rule)
            checks.append(Check("rule", None, says, rule.on_break, _rule(condition)))
    return checks


def _column_checks(spec: ProjectSpec, name: str, column: ColumnSpec) -> list[Check]:
    def check(code: str, says: str, find: Callable[[pa.Array], Rows]) -> Check:
        return Check(code, name, says, column.on_break, lambda rows: find(rows.column(name)))

    found = []
    if not column.nullable and name not in (spec.id, spec.target):
        found.append(check("null", NOT_EMPTY, _missing))
    if column.clamp:
        outside, says = _outside(column), f"{column.range_says}; models take the bound for it"
        found.append(Check("clamped", name, says, "warn", lambda rows: outside(rows.column(name))))
    elif column.min is not None or column.max is not None:
        found.append(check("range", column.range_says, _outside(column)))
    if column.allowed is not None:
        find = _not_allowed(column, is_target=name == spec.target)
        found.append(check("not_allowed", column.allowed_says, find))
    if column.pattern is not None:
        find = _not_matching(column.pattern)
        found.append(check("pattern", pattern_says(column.pattern), find))
    return found


def _rule(condition: Condition) -> Callable[[pa.RecordBatch], Rows]:
    return lambda rows: breaking(condition, rows)


def _missing(values: pa.Array) -> Rows:
    return indices(pc.is_null(values)) if values.null_count else NONE


def _outside(column: ColumnSpec) -> Callable[[pa.Array], Rows]:
    kind = KINDS[column.type]
    low = -np.inf if column.min is None else _number(column.min)
    high = np.inf if column.max is None else _number(column.max)

    def find(values: pa.Array) -> Rows:
        numbers = operand(values, kind)
        ends = pc.min_max(numbers)
        if not ends["min"].is_valid or (ends["min"].as_py() >= low and ends["max"].as_py() <= high):
            return NONE
        return indices(pc.or_(pc.less(numbers, low), pc.greater(numbers, high)))

    return find


def _not_allowed(column: ColumnSpec, *, is_target: bool) -> Callable[[pa.Array], Rows]:
    allowed = column.allowed or []
    kind = KINDS[column.type]
    if is_target or kind == "text":
        # The target is compared in its one spelling, whatever type the contract gives it.
        kind = "text"
        texts = [labels.canonical(value) if is_target else str(value) for value in allowed]
        members = pa.array(texts, pa.string())
    elif kind == "truth":
        members = pa.array(allowed, pa.bool_())
    else:
        members = pa.array([_number(value) for value in allowed], pa.float64())

    def find(values: pa.Array) -> Rows:
        compared = operand(values, kind)
        known = is_member(compared, members)
        return indices(pc.and_(pc.invert(known), pc.is_valid(compared)))

    return find


def _not_matching(pattern: str) -> Callable[[pa.Array], Rows]:
    """Python's own `re`, which checked the pattern at push, once for each distinct value."""
    matches = re.compile(pattern).fullmatch

    def find(values: pa.Array) -> Rows:
        encoded = pc.dictionary_encode(values)
        wrong = [matches(value) is None for value in encoded.dictionary.to_pylist()]
        return indices(pa.array(wrong, pa.bool_()).take(encoded.indices)) if any(wrong) else NONE

    return find


def _number(bound: object) -> float:
    return float(days(bound)) if isinstance(bound, str) else float(bound)  # type: ignore[arg-type]
