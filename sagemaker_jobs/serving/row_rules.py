"""The contract's row rules on requests: conditions over the columns of a row.

A rule is asked if a request carries all of its columns (`asked` in contract.json). It looks at what
the caller sent: before anything is clamped or filled in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dropforge.errors import ArtifactBroken
from dropforge.rules import RuleError, parse_rule
from sagemaker_jobs.features.condition import Holds, Value, compile_condition
from sagemaker_jobs.features.frame import Frame, Input
from sagemaker_jobs.serving.refusals import RuleBroken
from sagemaker_jobs.values import Kind, number_to_json

WARN = "warn"

TextAt = Callable[[int, int], str]
"""The text of a row's category: row and category, counted from 0."""


class Unseen(Exception):
    """A text that has no level: the request's own must be looked at."""


@dataclass(frozen=True)
class Operand:
    """A column as rules read it: its place in the frame's block of numbers or of codes."""

    name: str
    kind: Kind
    place: int
    levels: tuple[str, ...]

    def of_row(self, numbers: Sequence[float], codes: Sequence[float]) -> Value:
        """The value of a single row.

        Raises:
            Unseen: it is a text that training has not seen.
        """
        if self.kind != "string":
            return self._number(numbers[self.place])
        code = codes[self.place]
        if code != code:
            return None
        if code >= len(self.levels):
            raise Unseen
        return self.levels[int(code)]

    def of_rows(self, frame: Frame, text_at: TextAt) -> list[Value]:
        """The values of many."""
        if self.kind != "string":
            return [*map(self._number, frame.numbers[:, self.place].tolist())]
        codes, known = frame.codes[:, self.place].tolist(), len(self.levels)
        return [
            None
            if code != code
            else self.levels[int(code)]
            if code < known
            else text_at(row, self.place)
            for row, code in enumerate(codes)
        ]

    def _number(self, value: float) -> Value:
        if value != value:
            return None
        return value == 1.0 if self.kind == "boolean" else value


@dataclass(frozen=True)
class RowRule:
    """A condition: what it reads, and what is said where it is false."""

    name: str
    says: str
    warns: bool
    operands: tuple[Operand, ...]
    holds: Holds

    def refusal(self, row: int, frame: Frame, text_at: TextAt) -> RuleBroken:
        """The error for a row, counted from 0, that breaks it."""
        one = frame.slice(row, row + 1)
        values: dict[str, Any] = {}
        for operand in self.operands:
            (value,) = operand.of_rows(one, lambda _, place: text_at(row, place))
            if isinstance(value, float):
                values[operand.name] = number_to_json(value, operand.kind)
            else:
                values[operand.name] = value
        return RuleBroken(row + 1, self.name, self.says, values)


class RowRules:
    """The row rules of a contract that are asked of requests."""

    def __init__(self, rules: Iterable[Mapping[str, Any]], inputs: Iterable[Input]) -> None:
        operands = _operands(inputs)
        self._rules = [_rule(rule, operands) for rule in rules if rule["asked"]]

    def suspect(self, numbers: Sequence[float], codes: Sequence[float]) -> bool:
        """Whether a single row may break a rule."""
        try:
            for rule in self._rules:
                if rule.holds([o.of_row(numbers, codes) for o in rule.operands]) is False:
                    return True
        except Unseen:
            return True
        return False

    def broken(self, frame: Frame, text_at: TextAt) -> Iterator[tuple[RowRule, list[int]]]:
        """The rules that rows break, in their order, each with those rows."""
        for rule in self._rules:
            rows = zip(*(o.of_rows(frame, text_at) for o in rule.operands), strict=True)
            if found := [row for row, values in enumerate(rows) if rule.holds(values) is False]:
                yield rule, found


def _operands(inputs: Iterable[Input]) -> dict[str, Operand]:
    made: dict[str, Operand] = {}
    places = {False: 0, True: 0}
    for column in inputs:
        of_texts = column.is_category
        made[column.name] = Operand(column.name, column.kind, places[of_texts], column.levels)
        places[of_texts] += 1
    return made


def _rule(rule: Mapping[str, Any], operands: Mapping[str, Operand]) -> RowRule:
    try:
        condition = parse_rule(rule["expr"], {name: o.kind for name, o in operands.items()})
    except RuleError as error:
        raise ArtifactBroken(
            f"The rule {rule['name']} of contract.json does not fit features.json: {error}."
        ) from error
    return RowRule(
        name=rule["name"],
        says=rule["says"],
        warns=rule["on_break"] == WARN,
        operands=tuple(operands[name] for name in condition.columns),
        holds=compile_condition(condition),
    )
