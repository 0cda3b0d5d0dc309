"""A fitted pipeline as numpy calls over whole blocks: which column goes where, worked out once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sagemaker_jobs.features.dates import DateParts
from sagemaker_jobs.features.encoding import OneHotPlan
from sagemaker_jobs.features.expression import Compute, compile_derivation
from sagemaker_jobs.features.frame import Floats, Frame, Input, clamped

if TYPE_CHECKING:
    from sagemaker_jobs.features.pipeline import FittedFeatures

Places = slice | list[int]


@dataclass(frozen=True)
class Move:
    """Columns of a block, and the columns of the matrix that they become."""

    source: Places
    target: Places

    @classmethod
    def of(cls, names: Sequence[str], place: Mapping[str, int]) -> "Move | None":
        """Those of the block's columns that are features; None if there are none."""
        pairs = [(index, place[name]) for index, name in enumerate(names) if name in place]
        if not pairs:
            return None
        source, target = zip(*pairs, strict=True)
        return cls(_places(source), _places(target))

    def write(self, block: Floats, matrix: Floats) -> None:
        """Copy the columns."""
        matrix[:, self.target] = block[:, self.source]


class Plan:
    """The steps of a row's life in their order, without those that the project does not have."""

    def __init__(self, fitted: "FittedFeatures") -> None:
        place = {name: index for index, name in enumerate(fitted.features)}
        numeric = [c for c in fitted.inputs if not c.is_category]
        categories = [c for c in fitted.inputs if c.is_category]
        self._width = len(fitted.features)
        self._clamp = _bounds(numeric)
        self._number_fill = _filled(float(fitted.fill.get(c.name, np.nan)) for c in numeric)
        self._code_fill = _filled(_code_fill(c, fitted.fill) for c in categories)
        self._numbers = Move.of([c.name for c in numeric], place)
        self._codes = Move.of([c.name for c in categories], place)
        self._ordinal = _ordinal_limits(categories, fitted.encode)
        one_hot = {
            n: n not in fitted.fill for n, rule in fitted.encode.items() if rule == "one_hot"
        }
        self._one_hot = OneHotPlan.of(categories, one_hot, place)
        self._dates = DateParts(fitted.dates, numeric) if fitted.dates else None
        self._date_move = Move.of([date.name for date in fitted.dates], place)
        self._aggregates = Move.of([item.name for item in fitted.aggregates], place)
        self._derived: list[tuple[str, int | None, Compute]] = [
            (d.name, place.get(d.name), compile_derivation(d.derivation)) for d in fitted.derived
        ]
        read = {name for d in fitted.derived for name in d.derivation.columns}
        read |= set(fitted.python.reads if fitted.python else ())
        self._number_places = _read([c.name for c in numeric], read)
        self._date_places = _read([date.name for date in fitted.dates], read)
        self._aggregate_places = _read([item.name for item in fitted.aggregates], read)
        self._python = fitted.python
        self._python_move = Move.of(fitted.python.gives, place) if fitted.python else None
        self._dated = {c.name for c in numeric if c.kind == "date"}
        self._texts = {name: index for index, name in enumerate(fitted.raw_texts)}
        self._fill = fitted.fill

    def matrix(self, frame: Frame) -> Floats:
        """Rows x features, C-contiguous."""
        numbers, codes = clamped(frame.numbers, self._clamp), frame.codes
        if self._number_fill is not None:
            numbers = np.where(np.isnan(numbers), self._number_fill, numbers)
        if self._code_fill is not None:
            codes = np.where(np.isnan(codes), self._code_fill, codes)
        matrix = np.empty((frame.rows, self._width))
        if self._numbers is not None:
            self._numbers.write(numbers, matrix)
        if self._codes is not None:
            encoded = codes
            if self._ordinal is not None:
                encoded = np.where(codes >= self._ordinal, np.nan, codes)
            self._codes.write(encoded, matrix)
        if self._one_hot is not None:
            self._one_hot.write(codes, matrix)
        if self._aggregates is not None:
            self._aggregates.write(frame.aggregates, matrix)
        dates = None
        if self._dates is not None:
            dates = self._dates(numbers)
            if self._date_move is not None:
                self._date_move.write(dates, matrix)
        if self._derived or self._python is not None:
            self._compute(frame, numbers, dates, matrix)
        return matrix

    def _compute(self, frame: Frame, numbers: Floats, dates: Floats | None, to: Floats) -> None:
        """The features that are computed from columns by name: derived, then features.py's."""
        columns: dict[str, Floats] = _named(self._number_places, numbers)
        if dates is not None:
            columns |= _named(self._date_places, dates)
        with np.errstate(all="ignore"):
            for name, place, compute in self._derived:
                values = columns[name] = compute(columns)
                if place is not None:
                    to[:, place] = values
        if self._python is None:
            return
        columns |= _named(self._aggregate_places, frame.aggregates)
        read = {name: self._readable(name, columns, frame) for name in self._python.reads}
        given = self._python(read)
        if self._python_move is not None:
            self._python_move.write(given, to)

    def _readable(self, name: str, columns: Mapping[str, Floats], frame: Frame) -> Any:
        """A column as features.py reads it, in an array of its own."""
        if name in self._texts:
            texts = frame.texts[:, self._texts[name]].copy()
            if (fill := self._fill.get(name)) is not None:
                texts[[text is None for text in texts]] = fill
            return texts
        # An expression without columns is one number for all rows.
        values = np.array(np.broadcast_to(columns[name], (frame.rows,)))
        return _as_dates(values) if name in self._dated else values


def _read(names: Sequence[str], read: set[str]) -> dict[str, int]:
    """The places of those columns of a block that are read by name."""
    return {name: place for place, name in enumerate(names) if name in read}


def _named(places: Mapping[str, int], block: Floats) -> dict[str, Floats]:
    return {name: np.ascontiguousarray(block[:, place]) for name, place in places.items()}


def _as_dates(days: Floats) -> Any:
    missing = np.isnan(days)
    dates = np.floor(np.where(missing, 0.0, days)).astype(np.int64).astype("datetime64[D]")
    dates = dates.astype("datetime64[s]")
    dates[missing] = np.datetime64("NaT")
    return dates


def _places(places: Sequence[int]) -> Places:
    """A slice if the places follow each other: numpy copies it without looking places up."""
    first, count = places[0], len(places)
    return slice(first, first + count) if places == (*range(first, first + count),) else [*places]


def _bounds(numeric: Sequence[Input]) -> tuple[Floats, Floats] | None:
    """The least and the largest value of each column; None if none is clamped."""
    if not any(column.clamp for column in numeric):
        return None
    low, high = zip(*(c.clamp or (-np.inf, np.inf) for c in numeric), strict=True)
    return np.array(low), np.array(high)


def _filled(values: Iterable[float]) -> Floats | None:
    """What missing values of a block become; None if nothing is filled in."""
    fill = np.array([*values], dtype=np.float64)
    return None if np.isnan(fill).all() else fill


def _code_fill(column: Input, fill: Mapping[str, float | str]) -> float:
    value = fill.get(column.name)
    if value is None:
        return np.nan
    levels = column.levels
    # A rare fill is no level of its own: it is with the other values.
    return float(levels.index(str(value)) if value in levels else len(levels))


def _ordinal_limits(categories: Sequence[Input], encode: Mapping[str, str]) -> Floats | None:
    """The code from which a column's value has no place in its order; None if none is ordinal."""
    if "ordinal" not in encode.values():
        return None
    return np.array(
        [len(c.levels) if encode.get(c.name) == "ordinal" else np.inf for c in categories]
    )
