"""Ordinary rows: from the fields of a CSV body, or from JSON objects.

Ordinary are plain numbers, texts and missing values. What is not plainly so raises NotOrdinary,
and is read row by row by `features.rows`, which also words every refusal. Both roads give the same
bits.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from sagemaker_jobs.features.frame import Floats, Frame, level_table
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.serving.fields import FROM_FIELD, NotOrdinary, Number, plain_numbers
from sagemaker_jobs.values import Kind, number_from_json, text_from_json

NAN = math.nan
_PLAIN: tuple[Kind, ...] = ("number", "integer")


class Values(NamedTuple):
    """A row's values: numbers in the order of the numeric inputs, codes in that of the texts."""

    numbers: list[float]
    codes: list[float]


class Layout:
    """Where the columns are in every row of a CSV body."""

    def __init__(self, columns: "Columns", places: Mapping[str, int], width: int) -> None:
        self.width = width
        self.plain = [places[name] for name in columns.plain]
        self.pick = _picker(self.plain)
        self.others = [(slot, places[n], FROM_FIELD[k]) for slot, n, k in columns.others]
        self.texts = [(places[n], t, u) for n, t, u in columns.tables]


class Columns:
    """The columns of a model, sorted by how their values are read.

    A single row is read into Values, several into a Frame: arrays cost a single row more than all
    the rest.
    """

    def __init__(self, features: FittedFeatures) -> None:
        numeric = [column for column in features.inputs if not column.is_category]
        texts = [column for column in features.inputs if column.is_category]
        self._slots = [i for i, column in enumerate(numeric) if column.kind in _PLAIN]
        self.plain = [numeric[slot].name for slot in self._slots]
        self._kinds = [numeric[slot].kind for slot in self._slots]
        self._whole = [i for i, kind in enumerate(self._kinds) if kind == "integer"]
        self.others = [(i, c.name, c.kind) for i, c in enumerate(numeric) if c.kind not in _PLAIN]
        self._pick = _picker(self.plain)
        self.tables = [
            (c.name, {**level_table(c.levels), "": NAN}, float(len(c.levels))) for c in texts
        ]

    def row_of_fields(self, layout: Layout, fields: Sequence[str]) -> Values:
        """A row of CSV.

        Raises:
            NotOrdinary: a value that is not of its column's kind, or might not be.
        """
        numbers = self._doubles(plain_numbers(layout.pick(fields)))
        for slot, at, read in layout.others:
            numbers.insert(slot, _ordinary(read, fields[at]))
        return Values(numbers, [table.get(fields[at], new) for at, table, new in layout.texts])

    def rows_of_fields(
        self, layout: Layout, fields: Sequence[str], rows: int, stride: int
    ) -> Frame:
        """Rows of CSV, of which one begins at every `stride`.

        Raises:
            NotOrdinary: see `row_of_fields`.
        """
        plain = [*chain.from_iterable([fields[at::stride] for at in layout.plain])]
        numbers = _block(plain_numbers(plain))
        others = [
            (slot, [_ordinary(read, field) for field in fields[at::stride]])
            for slot, at, read in layout.others
        ]
        codes = [[*map(t.get, fields[at::stride], repeat(new))] for at, t, new in layout.texts]
        return self._frame(numbers.reshape(-1, rows), others, codes, rows)

    def row_of_object(self, row: Mapping[str, Any]) -> Values:
        """A JSON object that holds nothing but known columns.

        Raises:
            NotOrdinary: an absent column, or a value that is not of its column's kind.
        """
        try:
            given = self._pick(row)
            try:
                numbers = self._doubles([*given])
            except TypeError:  # a number written as a text
                numbers = [*map(number_from_json, given, self._kinds)]
            for slot, name, kind in self.others:
                numbers.insert(slot, number_from_json(row[name], kind))
            codes = [_code(row[name], table, new) for name, table, new in self.tables]
        except (KeyError, ValueError) as error:
            raise NotOrdinary from error
        return Values(numbers, codes)

    def rows_of_objects(self, rows: Sequence[Mapping[str, Any]]) -> Frame:
        """JSON objects that hold nothing but known columns.

        Raises:
            NotOrdinary: see `row_of_object`.
        """
        count = len(rows)
        try:
            given = [*chain.from_iterable(map(self._pick, rows))]
            try:
                block = _block(given)
            except struct.error:  # a number written as a text
                block = _block([*map(number_from_json, given, self._kinds * count)])
            numbers = block.reshape(count, len(self.plain)).T
            others = [
                (slot, [number_from_json(row[name], kind) for row in rows])
                for slot, name, kind in self.others
            ]
            codes = [
                _codes([row[name] for row in rows], table, new) for name, table, new in self.tables
            ]
        except (KeyError, ValueError, OverflowError) as error:
            raise NotOrdinary from error
        return self._frame(numbers, others, codes, count)

    def _doubles(self, values: list[Number]) -> list[float]:
        """Plain numbers of a row as doubles, NaN for None; whole ones are checked to be."""
        for place in self._whole:
            value = values[place]
            if type(value) is float:
                if not value.is_integer():
                    raise NotOrdinary
                values[place] = value + 0.0  # an integer has no -0.0
        return [NAN if value is None else value * 1.0 for value in values]

    def _frame(
        self,
        plain: Floats,
        others: Sequence[tuple[int, list[float]]],
        codes: list[list[float]],
        rows: int,
    ) -> Frame:
        """Columns x rows of plain numbers, and the other columns, in the order of the inputs."""
        numbers = np.empty((rows, len(self.plain) + len(others)))
        numbers[:, self._slots] = plain.T
        for slot, values in others:
            numbers[:, slot] = values
        if self._whole:
            places = [self._slots[place] for place in self._whole]
            whole = numbers[:, places]
            if (np.floor(whole) != whole)[~np.isnan(whole)].any():
                raise NotOrdinary
            numbers[:, places] = whole + 0.0
        return Frame(numbers, np.array(codes, dtype=np.float64).reshape(-1, rows).T.copy())


def frame_of(values: Values) -> Frame:
    """A row's values as a frame."""
    numbers, codes = (np.array(block, dtype=np.float64).reshape(1, -1) for block in values)
    return Frame(numbers, codes)


def _block(values: Sequence[Number]) -> Floats:
    """Numbers side by side, NaN for None. Texts, which numpy would read too, are none."""
    doubles = [NAN if value is None else value for value in values]
    return np.frombuffer(struct.pack(f"{len(doubles)}d", *doubles))


def _ordinary(read: Callable[[str], float], field: str) -> float:
    try:
        return read(field)
    except ValueError as error:
        raise NotOrdinary from error


def _codes(given: list[Any], table: Mapping[str, float], unseen: float) -> list[float]:
    if set(map(type, given)) == {str}:
        return [*map(table.get, given, repeat(unseen))]
    return [_code(value, table, unseen) for value in given]


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
