"""The contract's rules on requests: what contract.json says of each column, and of rows.

A number beyond its column's `clamp` breaks nothing: it is counted with what only warns. What it
counts as is the features' own affair; single rows, whose values have no frame, are clamped here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.features.frame import Floats, Frame, Input
from sagemaker_jobs.features.rows import RowRefused
from sagemaker_jobs.serving.column_rules import Rule, numeric_rules, text_rules
from sagemaker_jobs.serving.refusals import RuleBroken
from sagemaker_jobs.serving.row_rules import RowRules
from sagemaker_jobs.serving.row_rules import TextAt as TextAt
from sagemaker_jobs.values import number_to_json


class Rules:
    """Every rule of a contract. Without any, checking costs nothing."""

    def __init__(
        self,
        columns: Iterable[Mapping[str, Any]],
        inputs: Sequence[Input],
        rules: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        said = {column["name"]: column for column in columns}
        numeric = [column for column in inputs if not column.is_category]
        categories = [column for column in inputs if column.is_category]
        self._numbers = [r for i, c in enumerate(numeric) for r in numeric_rules(c, i, said)]
        self._codes = [r for i, c in enumerate(categories) for r in text_rules(c, i, said)]
        self._single_numbers = [(rule.place, rule.breaks) for rule in self._numbers]
        self._single_codes = [(rule.place, rule.breaks) for rule in self._codes]
        self._clamps = [(i, *c.clamp) for i, c in enumerate(numeric) if c.clamp is not None]
        self._order = {c.name: place for place, c in enumerate(inputs)}
        self._rows = RowRules(rules, inputs) if rules else None

    def check(self, frame: Frame, text_at: TextAt) -> int:
        """Answers how many values, and rows, break rules that only warn, or are clamped.

        Raises:
            RowRefused: the first value, by row and column, that breaks another.
            RuleBroken: the first row that breaks a row rule, if no value before it is refused.
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
        first = min(refused, key=lambda found: found[:2]) if refused else None
        warned += self._check_rows(frame, text_at, first[0] if first else frame.rows)
        if first:
            row, _, rule, of_texts = first
            value = _value(frame, row, rule, text_at if of_texts else None)
            raise RowRefused(row + 1, rule.column, rule.name, rule.says, value)
        return warned

    def _check_rows(self, frame: Frame, text_at: TextAt, before: int) -> int:
        """Ask the row rules; raises for the first row above `before` that breaks one."""
        warned = 0
        refusal: RuleBroken | None = None
        for rule, rows in self._rows.broken(frame, text_at) if self._rows else ():
            if rule.warns:
                warned += len(rows)
            elif rows[0] < before:
                before = rows[0]
                refusal = rule.refusal(before, frame, text_at)
        if refusal is not None:
            raise refusal
        return warned

    def clamp(self, numbers: list[float]) -> None:
        """Set the values of a single row that are beyond their column's clamp to its bounds."""
        for place, low, high in self._clamps:
            if numbers[place] < low:
                numbers[place] = low
            elif numbers[place] > high:
                numbers[place] = high

    def suspect(self, numbers: Sequence[float], codes: Sequence[float]) -> bool:
        """Whether a value of a single row may break a rule: only then it is worth a `check`."""
        for place, breaks in self._single_numbers:
            if breaks(numbers[place]):
                return True
        for place, breaks in self._single_codes:
            if breaks(codes[place]):
                return True
        return self._rows is not None and self._rows.suspect(numbers, codes)


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


def _value(frame: Frame, row: int, rule: Rule, text_at: TextAt | None) -> Any:
    if rule.name == "nullable":
        return None
    if text_at is not None:
        return text_at(row, rule.place)
    return number_to_json(float(frame.numbers[row, rule.place]), rule.kind)
