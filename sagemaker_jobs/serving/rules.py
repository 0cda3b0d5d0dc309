"""The contract's rules on the values of requests: what contract.json says of each column.

They look at the numbers and category codes that a row was read into: a value at a time in a single
row, a column at a time in more. A text itself is looked at only where training has not seen it: the
verdicts on known ones are made at load.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.features.frame import PERIOD, Floats, Frame, Input
from sagemaker_jobs.features.rows import RowRefused
from sagemaker_jobs.values import FROM_TEXT

WARN = "warn"
SHOWN_VALUES = 10
"""So many allowed values are listed in a message, as in those of a dropped file."""

TextAt = Callable[[int, int], str]
"""The text of a row's category: row and category, counted from 0."""


@dataclass
class Rule:
    """One rule of a column: its place in the frame's block, what breaks it, and what is said."""

    name: str
    column: str
    place: int
    says: str
    warns: bool
    breaks: Callable[[float], bool]
    broken: Callable[[Floats], NDArray[np.bool_]]
    allows: Callable[[str], bool] | None = field(default=None)
    unseen: float = math.inf
    """Categories only: whether a text is allowed, and the code of texts that training never saw."""


class Rules:
    """Every rule of a contract. Without any, checking costs nothing."""

    def __init__(self, columns: Iterable[Mapping[str, Any]], inputs: Iterable[Input]) -> None:
        said = {column["name"]: column for column in columns}
        numeric = [column for column in inputs if not column.is_category]
        categories = [column for column in inputs if column.is_category]
        self._numbers = [r for i, c in enumerate(numeric) for r in _numeric(c, i, said)]
        self._codes = [r for i, c in enumerate(categories) for r in _textual(c, i, said)]
        self._single_numbers = [(rule.place, rule.breaks) for rule in self._numbers]
        self._single_codes = [(rule.place, rule.breaks) for rule in self._codes]
        self._order = {c.name: place for place, c in enumerate(inputs)}

    def check(self, frame: Frame, text_at: TextAt) -> int:
        """Answers how many values break rules that only warn.

        Raises:
            RowRefused: the first value, by row and column, that breaks another.
        """
        warned = 0
        refused: list[tuple[int, int, Rule, bool]] = []
        for rules, block, of_texts in (
            (self._numbers, frame.numbers, False),
            (self._codes, frame.codes, True),
        ):
            for rule in rules:
                rows = _broken(rule, block[:, rule.place], text_at)
                if not len(rows):
                    continue
                if rule.warns:
                    warned += len(rows)
                else:
                    refused.append((int(rows[0]), self._order[rule.column], rule, of_texts))
        if refused:
            row, _, rule, of_texts = min(refused, key=lambda found: found[:2])
            value = _value(frame, row, rule, text_at if of_texts else None)
            raise RowRefused(row + 1, rule.column, rule.name, rule.says, value)
        return warned

    def suspect(self, numbers: Sequence[float], codes: Sequence[float]) -> bool:
        """Whether a value of a single row may break a rule: only then it is worth a `check`."""
        for place, breaks in self._single_numbers:
            if breaks(numbers[place]):
                return True
        return any(breaks(codes[place]) for place, breaks in self._single_codes)


def _broken(rule: Rule, values: Floats, text_at: TextAt) -> NDArray[np.intp]:
    found = np.flatnonzero(rule.broken(values))
    allows = rule.allows
    if allows is None or not len(found):
        return found
    kept = [
        row
        for row in found.tolist()
        if values[row] != rule.unseen or not allows(text_at(row, rule.place))
    ]
    return np.array(kept, dtype=np.intp)


def _value(frame: Frame, row: int, rule: Rule, text_at: TextAt | None) -> str | float | None:
    if rule.name == "nullable":
        return None
    if text_at is not None:
        return text_at(row, rule.place)
    return float(frame.numbers[row, rule.place])


def _numeric(column: Input, place: int, said: Mapping[str, Any]) -> Iterable[Rule]:
    rules = said.get(column.name, {}) if column.name != PERIOD else {}
    common = (column.name, place)
    warns = rules.get("on_break") == WARN
    if rules.get("nullable") is False:
        yield Rule("nullable", *common, "must not be empty", warns, math.isnan, np.isnan)
    low, high = rules.get("min"), rules.get("max")
    if low is not None or high is not None:
        least = -math.inf if low is None else _number(low, column)
        most = math.inf if high is None else _number(high, column)
        yield Rule(
            "range",
            *common,
            _range_says(low, high),
            warns,
            lambda value: value < least or value > most,
            lambda values: (values < least) | (values > most),
        )
    if (allowed := rules.get("allowed")) is not None:
        members = [_number(value, column) for value in allowed]
        yield Rule(
            "allowed",
            *common,
            _allowed_says(allowed),
            warns,
            lambda value: value == value and value not in members,
            lambda values: ~np.isin(values, members) & ~np.isnan(values),
        )


def _textual(column: Input, place: int, said: Mapping[str, Any]) -> Iterable[Rule]:
    rules = said.get(column.name, {})
    warns = rules.get("on_break") == WARN
    if rules.get("nullable") is False:
        yield Rule("nullable", column.name, place, "must not be empty", warns, math.isnan, np.isnan)
    if (allowed := rules.get("allowed")) is not None:
        texts = frozenset(map(str, allowed))
        yield _by_text("allowed", column, place, _allowed_says(allowed), warns, texts.__contains__)
    if (pattern := rules.get("pattern")) is not None:
        matches = re.compile(pattern).fullmatch
        says = f"must have the form {pattern}"
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
    return Rule(name, column.name, place, says, warns, breaks, broken, allows, unseen)


def _number(value: Any, column: Input) -> float:
    return FROM_TEXT[column.kind](value) if isinstance(value, str) else float(value)


def _range_says(low: Any, high: Any) -> str:
    if low is None:
        return f"must be at most {high}"
    return f"must be at least {low}" if high is None else f"must be between {low} and {high}"


def _allowed_says(allowed: list[Any]) -> str:
    shown = ", ".join(map(str, allowed[:SHOWN_VALUES]))
    rest = len(allowed) - SHOWN_VALUES
    return f"must be one of {shown}{f' and {rest} more' if rest > 0 else ''}"
