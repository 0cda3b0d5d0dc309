"""The contract's rules on a column's values: what contract.json says of each.

They look at the numbers and category codes that a row was read into: a value at a time in a single
row, a column at a time in more. A text itself is looked at only where training has not seen it: the
verdicts on known ones are made at load.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropforge.rule_words import NOT_EMPTY, allowed_says, pattern_says, range_says
from sagemaker_jobs.features.frame import PERIOD, Floats, Input
from sagemaker_jobs.serving.row_rules import WARN
from sagemaker_jobs.values import FROM_TEXT, Kind


@dataclass
class Rule:
    """One rule of a column: its place in the frame's block, what breaks it, and what is said."""

    name: str
    column: str
    kind: Kind
    place: int
    says: str
    warns: bool
    breaks: Callable[[float], bool]
    broken: Callable[[Floats], NDArray[np.bool_]]
    allows: Callable[[str], bool] | None = field(default=None)
    unseen: float = math.inf
    """Categories only: whether a text is allowed, and the code of texts that training never saw."""


def numeric_rules(column: Input, place: int, said: Mapping[str, Any]) -> Iterable[Rule]:
    """The rules of a number, a date or a boolean; `said` is what contract.json says, by column."""
    rules = said.get(column.name, {}) if column.name != PERIOD else {}
    common = (column.name, column.kind, place)
    warns = rules.get("on_break") == WARN
    if rules.get("nullable") is False:
        yield Rule("nullable", *common, NOT_EMPTY, warns, math.isnan, np.isnan)
    low, high = rules.get("min"), rules.get("max")
    if column.clamp is not None or low is not None or high is not None:
        least = -math.inf if low is None else _number(low, column)
        most = math.inf if high is None else _number(high, column)
        least, most = column.clamp or (least, most)
        yield Rule(
            "range",
            *common,
            range_says(low, high),
            warns or column.clamp is not None,
            lambda value: value < least or value > most,
            lambda values: (values < least) | (values > most),
        )
    if (allowed := rules.get("allowed")) is not None:
        members = [_number(value, column) for value in allowed]
        yield Rule(
            "allowed",
            *common,
            allowed_says(allowed),
            warns,
            lambda value: value == value and value not in members,
            lambda values: ~np.isin(values, members) & ~np.isnan(values),
        )


def text_rules(column: Input, place: int, said: Mapping[str, Any]) -> Iterable[Rule]:
    """The rules of a text."""
    rules = said.get(column.name, {})
    warns = rules.get("on_break") == WARN
    if rules.get("nullable") is False:
        common = (column.name, column.kind, place)
        yield Rule("nullable", *common, NOT_EMPTY, warns, math.isnan, np.isnan)
    if (allowed := rules.get("allowed")) is not None:
        texts = frozenset(map(str, allowed))
        yield _by_text("allowed", column, place, allowed_says(allowed), warns, texts.__contains__)
    if (pattern := rules.get("pattern")) is not None:
        matches = re.compile(pattern).fullmatch
        says = pattern_says(pattern)
        yield _by_text("pattern", column, place, says, warns, lambda text: bool(matches(text)))


def _by_text(
    name: str, column: Input, place: int, says: str, warns: bool, allows: Callable[[str], bool]
) -> Rule:
    """A rule on texts; the levels' verdicts are looked up by code, with that of unseen ones last.

    A missing value, whose code is NaN, breaks none.
    """
    wrong = [*(not allows(level) for level in column.levels), True]
    verdicts = np.array(wrong)

    def breaks(code: float) -> bool:
        return code == code and wrong[int(code)]

    def broken(codes: Floats) -> NDArray[np.bool_]:
        missing = np.isnan(codes)
        return ~missing & verdicts[np.where(missing, 0.0, codes).astype(np.intp)]

    unseen = float(len(column.levels))
    common = (name, column.name, column.kind, place)
    return Rule(*common, says, warns, breaks, broken, allows, unseen)


def _number(value: Any, column: Input) -> float:
    return FROM_TEXT[column.kind](value) if isinstance(value, str) else float(value)
