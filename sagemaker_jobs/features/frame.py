"""Rows on their way into the model: one block of numbers, one block of category codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropforge.errors import InvalidRequest
from sagemaker_jobs.values import FROM_TEXT, RULES, Kind, number_from_json, text_from_json

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Input:
    """A column that is read. `levels` are a text column's known values, in code order."""

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()

    @property
    def is_category(self) -> bool:
        """Whether the column holds text."""
        return self.kind == "string"


@dataclass(frozen=True)
class Frame:
    """`numbers` is rows x numeric inputs, `codes` rows x category inputs; NaN is missing.

    A code is the position in the input's levels; a value that training has not seen has the code
    after the last.
    """

    numbers: Floats
    codes: Floats

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.numbers)


class RowReader:
    """Makes frames of single values: CSV fields and JSON objects.

    Errors say row and column (rows counted from 1) and what the value must be.
    """

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.names = tuple(column.name for column in inputs)
        self._numeric = [column for column in inputs if not column.is_category]
        self._categories = [column for column in inputs if column.is_category]
        self._tables = [level_table(column.levels) for column in self._categories]
        position = {name: index for index, name in enumerate(self.names)}
        self._from_text = [(position[c.name], c, FROM_TEXT[c.kind]) for c in self._numeric]
        self._levels = [
            (position[c.name], table, float(len(c.levels)))
            for c, table in zip(self._categories, self._tables, strict=True)
        ]

    def from_text(self, rows: Sequence[Sequence[str]]) -> Frame:
        """Rows of text, each in the order of `names`; the empty text is missing.

        Raises:
            InvalidRequest: a value that is not of its column's kind.
        """
        frame = self._empty(len(rows))
        numbers, codes = frame.numbers, frame.codes
        for index, row in enumerate(rows):
            for place, (position, column, parse) in enumerate(self._from_text):
                try:
                    numbers[index, place] = parse(row[position])
                except ValueError as error:
                    raise self.refuse(index, column) from error
            for place, (position, table, unseen) in enumerate(self._levels):
                text = row[position]
                codes[index, place] = table.get(text, unseen) if text else np.nan
        return frame

    def from_objects(self, rows: Sequence[Mapping[str, Any]]) -> Frame:
        """JSON objects; null is missing, an absent column an error.

        Raises:
            InvalidRequest: an absent column, or a value that is not of its column's kind.
        """
        frame = self._empty(len(rows))
        for index, row in enumerate(rows):
            for place, column in enumerate(self._numeric):
                value = self._value(row, index, column)
                try:
                    frame.numbers[index, place] = number_from_json(value, column.kind)
                except ValueError as error:
                    raise self.refuse(index, column) from error
            for place, column in enumerate(self._categories):
                value = self._value(row, index, column)
                try:
                    text = text_from_json(value)
                except ValueError as error:
                    raise self.refuse(index, column) from error
                if text is not None:
                    unseen = float(len(column.levels))
                    frame.codes[index, place] = self._tables[place].get(text, unseen)
        return frame

    def _empty(self, rows: int) -> Frame:
        return Frame(
            np.empty((rows, len(self._numeric))), np.full((rows, len(self._categories)), np.nan)
        )

    def _value(self, row: Mapping[str, Any], index: int, column: Input) -> Any:
        try:
            return row[column.name]
        except KeyError as error:
            raise InvalidRequest(f"Row {index + 1}: column {column.name} is missing.") from error

    @staticmethod
    def refuse(index: int, column: Input) -> InvalidRequest:
        """The error for a value of the wrong kind, by row index and column."""
        return InvalidRequest(
            f"Row {index + 1}, column {column.name}: must be {RULES[column.kind]}."
        )


def level_table(levels: Sequence[str]) -> dict[str, float]:
    """A category's codes by value."""
    return {level: float(code) for code, level in enumerate(levels)}
