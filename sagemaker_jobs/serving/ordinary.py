"""Ordinary rows, read a column at a time: from a CSV body's bytes, or from JSON objects.

Ordinary are plain numbers, texts and missing values. What is not plainly so raises NotOrdinary,
and is read row by row by `features.rows`, which also words every refusal. Both roads give the same
bits: a number that Python's `float` reads is what `values.py` reads, underscores and the words for
infinity and NaN apart.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from sagemaker_jobs.features.frame import Frame, level_table
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.serving.fields import FROM_FIELD, plain_numbers
from sagemaker_jobs.values import Kind, number_from_json, text_from_json

NAN = math.nan
_PLAIN: tuple[Kind, ...] = ("number", "integer")
_FLOATS, _PLAIN_TYPES = {float}, {float, int}


class NotOrdinary(Exception):
    """The rows are for the reader that reads them one by one."""


class Values(NamedTuple):
    """A row's values: numbers in the order of the numeric inputs, codes in that of the texts.

    Of several rows, a column's values one after the other.
    """

    numbers: list[float]
    codes: list[float]


class Layout:
    """Where the columns are in every row of a CSV body."""

    def __init__(self, columns: "Columns", places: Mapping[str, int], width: int) -> None:
        self.width = width
        self.plain = [places[name] for name in columns.plain]
        self.pick = _picker(self.plain)
        self.others = [(slot, places[n], FROM_FIELD[k]) for slot, n, k in columns.others]
        self.texts = [(places[n], t, u) for n, t, u in columns.byte_tables]


class Columns:
    """The columns of a model, sorted by how their values are read."""

    def __init__(self, features: FittedFeatures) -> None:
        numeric = [column for column in features.inputs if not column.is_category]
        texts = [column for column in features.inputs if column.is_category]
        slots = [slot for slot, column in enumerate(numeric) if column.kind in _PLAIN]
        self.plain = [numeric[slot].name for slot in slots]
        self.others = [(i, c.name, c.kind) for i, c in enumerate(numeric) if c.kind not in _PLAIN]
        self._whole = [i for i, slot in enumerate(slots) if numeric[slot].kind == "integer"]
        self._kinds = [numeric[slot].kind for slot in slots]
        self._pick = _picker(self.plain)
        tables = [(c.name, level_table(c.levels), float(len(c.levels))) for c in texts]
        self._tables = [(name, {**table, "": NAN}, unseen) for name, table, unseen in tables]
        self.byte_tables = [
            (name, {text.encode(): code for text, code in table.items()}, unseen)
            for name, table, unseen in self._tables
        ]

    def from_fields(
        self, layout: Layout, fields: list[bytes], rows: int, *, underscored: bool
    ) -> Values:
        """The values of UTF-8 CSV fields, row after row; `underscored` if one may have a `_`.

        Raises:
            NotOrdinary: a value that is not of its column's kind, or might not be.
        """
        width = layout.width
        try:
            if rows == 1:
                values = plain_numbers(layout.pick(fields), underscored)
                codes = [table.get(fields[at], unseen) for at, table, unseen in layout.texts]
            else:
                values, codes = [], []
                for at in layout.plain:
                    values += plain_numbers(fields[at::width], underscored)
                for at, table, unseen in layout.texts:
                    codes += [table.get(field, unseen) for field in fields[at::width]]
            others = [(slot, [*map(read, fields[at::width])]) for slot, at, read in layout.others]
        except ValueError as error:
            raise NotOrdinary from error
        return Values(self._numbers(values, others, rows), codes)

    def from_objects(self, rows: Sequence[Mapping[str, Any]]) -> Values:
        """The values of JSON objects that hold nothing but known columns.

        Raises:
            NotOrdinary: an absent column, or a value that is not of its column's kind.
        """
        count = len(rows)
        try:
            if count == 1:
                given = self._pick(rows[0])
            else:
                given = [row[name] for name in self.plain for row in rows]
            values = self._json_numbers(given, count)
            others = [
                (slot, [number_from_json(row[name], kind) for row in rows])
                for slot, name, kind in self.others
            ]
            codes = [
                _code(row[name], table, unseen)
                for name, table, unseen in self._tables
                for row in rows
            ]
        except (KeyError, ValueError) as error:
            raise NotOrdinary from error
        return Values(self._numbers(values, others, count), codes)

    def _json_numbers(self, given: Sequence[Any], rows: int) -> list[float]:
        types = set(map(type, given))
        if types <= _FLOATS or types <= _PLAIN_TYPES:
            values = list(map(float, given))
            if math.isfinite(sum(values)):
                return values
        kinds = chain.from_iterable([kind] * rows for kind in self._kinds)
        return [*map(number_from_json, given, kinds)]

    def _numbers(
        self, plain: list[float], others: Sequence[tuple[int, list[float]]], rows: int
    ) -> list[float]:
        """Plain and other columns in the order of the inputs; whole numbers are checked to be."""
        for column in self._whole:
            for place in range(column * rows, (column + 1) * rows):
                value = plain[place]
                if not value % 1.0:
                    plain[place] = value + 0.0  # an integer has no -0.0
                elif value == value:  # the remainder of NaN, a missing value, is NaN
                    raise NotOrdinary
        for slot, values in others:  # in the order of their slots
            plain[slot * rows : slot * rows] = values
        return plain


def frame_of(values: Values, rows: int) -> Frame:
    """The values of so many rows as a frame."""
    blocks = []
    for column_by_column in values:
        block = np.array(column_by_column, dtype=np.float64)
        block = block.reshape(-1, rows) if len(block) else np.empty((0, rows))
        blocks.append(np.ascontiguousarray(block.T))
    numbers, codes = blocks
    return Frame(numbers, codes)


def _code(value: Any, table: Mapping[str, float], unseen: float) -> float:
    if type(value) is not str:
        value = text_from_json(value) or ""
    return table.get(value, unseen)


def _picker(places: Iterable[Any]) -> Callable[[Any], Sequence[Any]]:
    """Takes the values at the places: `itemgetter`, which has other words for none and for one."""
    chosen = [*places]
    if len(chosen) > 1:
        return itemgetter(*chosen)
    return lambda row: [row[place] for place in chosen]
