"""Single values as frames: CSV fields and JSON objects, the online road into the same kernels."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.frame import PERIOD, Floats, Frame, Input, level_table
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.values import FROM_TEXT, RULES, number_from_json, text_from_json

NAN = float("nan")


def utc_today() -> dt.date:
    """The day it is in UTC."""
    return dt.datetime.now(dt.UTC).date()


class RowRefused(InvalidRequest):
    """A row that cannot be scored: which (counted from 1), its column, and the rule it breaks.

    `value` is what the column holds. It is a person's: only who knows the column shows it.
    """

    def __init__(self, row: int, column: str, rule: str, says: str, value: Any = None) -> None:
        super().__init__(f"Row {row}, column {column}: {says}.")
        self.row, self.column, self.rule, self.says, self.value = row, column, rule, says, value


class RowReader:
    """Makes frames of single values. `names` are the columns that every row has, in their order.

    A row may have `_period` too, the first day of its period, if the model reads that; without it,
    it is of the current one. Errors say row and column (rows counted from 1) and what the value
    must be.
    """

    def __init__(self, features: FittedFeatures, clock: Callable[[], dt.date] = utc_today) -> None:
        inputs = features.inputs
        self.names = tuple(column.name for column in inputs if column.name != PERIOD)
        self.reads_period = features.reads_period
        self._clock, self._unit = clock, features.period
        # A row's values are in the order of `names`, with the period's text behind them.
        position = {name: index for index, name in enumerate((*self.names, PERIOD))}
        self._numeric = [column for column in inputs if not column.is_category]
        self._categories = [column for column in inputs if column.is_category]
        self._numbers_at = [position[column.name] for column in self._numeric]
        self._texts_at = [position[column.name] for column in self._categories]
        self._from_text = [
            (position[column.name], FROM_TEXT[column.kind]) for column in self._numeric
        ]
        self._from_json = [(position[column.name], column.kind) for column in self._numeric]
        self._levels = [
            (level_table(column.levels), float(len(column.levels))) for column in self._categories
        ]
        texts = [column.name for column in self._categories]
        numbers = [column.name for column in self._numeric]
        self._raw = [texts.index(name) for name in features.raw_texts]
        self._features = features
        self._aggregates = len(features.aggregates)
        # Of every key column: whether it is text, and its place among such.
        self._keys = {
            by: (True, texts.index(by)) if by in texts else (False, numbers.index(by))
            for by in {item.by for item in features.aggregates}
        }

    def from_text(self, rows: Sequence[Sequence[str]]) -> Frame:
        """Rows of text, each in the order of `names`, behind them `_period` if the rows have it.

        The empty text is missing.

        Raises:
            InvalidRequest: a value that is not of its column's kind.
        """
        if self.reads_period and rows and len(rows[0]) == len(self.names):
            today = self._today()
            rows = [[*row, today] for row in rows]
        numbers = []
        for index, row in enumerate(rows):
            try:
                numbers.append([parse(row[place]) for place, parse in self._from_text])
            except ValueError as error:
                raise self._refusal(index, row) from error
        texts = [[row[place] or None for place in self._texts_at] for row in rows]
        return self._frame(numbers, texts)

    def from_objects(self, rows: Sequence[Mapping[str, Any]]) -> Frame:
        """JSON objects; null is missing, an absent column an error.

        Raises:
            InvalidRequest: an absent column, or a value that is not of its column's kind.
        """
        numbers: list[list[float]] = []
        texts: list[list[str | None]] = []
        today = self._today() if self.reads_period else None
        for index, row in enumerate(rows):
            try:
                values = [row[name] for name in self.names]
            except KeyError as error:
                raise RowRefused(index + 1, error.args[0], "required", "is missing") from error
            values.append(row.get(PERIOD, today))
            try:
                numbers.append(
                    [number_from_json(values[place], kind) for place, kind in self._from_json]
                )
                texts.append([text_from_json(values[place]) for place in self._texts_at])
            except ValueError as error:
                raise self._refusal(index, values) from error
        return self._frame(numbers, texts)

    def _frame(self, numbers: list[list[float]], texts: list[list[str | None]]) -> Frame:
        rows = len(numbers)
        codes = [
            [
                NAN if text is None else table.get(text, unseen)
                for text, (table, unseen) in zip(line, self._levels, strict=True)
            ]
            for line in texts
        ]
        frame = Frame(
            np.array(numbers, dtype=np.float64).reshape(rows, len(self._numeric)),
            np.array(codes, dtype=np.float64).reshape(rows, len(self._categories)),
        )
        if not self._keys and not self._raw:
            return frame
        raw = np.empty((rows, len(self._raw)), dtype=object)
        for index, line in enumerate(texts):
            raw[index] = [line[place] for place in self._raw]
        return replace(frame, aggregates=self._stored(numbers, texts), texts=raw)

    def _stored(self, numbers: list[list[float]], texts: list[list[str | None]]) -> Floats:
        """The artifact's aggregates of the rows' keys."""
        block = np.empty((len(numbers), self._aggregates))
        for table in self._features.key_tables() if self._keys else ():
            is_text, place = self._keys[table.by]
            lines: list[Any] = texts if is_text else numbers
            block[:, table.places] = table.find([line[place] for line in lines])
        return block

    def _today(self) -> str:
        today = self._clock()
        return str(today.replace(day=1) if self._unit == "month" else today)

    def _refusal(self, index: int, values: Sequence[Any]) -> InvalidRequest:
        """The error for the first value of a row that is not of its column's kind."""
        for place, column in [
            *zip(self._numbers_at, self._numeric, strict=True),
            *zip(self._texts_at, self._categories, strict=True),
        ]:
            try:
                _read(values[place], column)
            except ValueError:
                says = f"must be {RULES[column.kind]}"
                return RowRefused(index + 1, column.name, "type", says, values[place])
        raise AssertionError("every value of the row is of its column's kind")


def _read(value: Any, column: Input) -> None:
    if column.kind == "string":
        text_from_json(value)
    else:
        number_from_json(value, column.kind)
