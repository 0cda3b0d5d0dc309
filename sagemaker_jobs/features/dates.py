"""Date parts from day numbers: proleptic Gregorian, as numpy's datetime64 counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sagemaker_jobs.features.frame import PERIOD, Floats, Input

BEFORE_PERIOD = "days_before_period"
MAX_DAYS = 2.0**31
"""Days from 1970-01-01 that a lake's date (32 bits) may lie away."""


@dataclass(frozen=True)
class DateFeature:
    """A part of a date column as a feature."""

    name: str
    column: str
    part: str


class DateParts:
    """The date features of a frame's numbers, a kernel a part however many columns there are.

    Parts are year, month (1-12), day (1-31), weekday (Monday is 0), day_of_year (1-366), and
    days_before_period (the period's first day minus the date). A missing date has missing parts.
    """

    def __init__(self, features: Sequence[DateFeature], numeric: Sequence[Input]) -> None:
        place = {column.name: index for index, column in enumerate(numeric)}
        self._count = len(features)
        columns = list(dict.fromkeys(feature.column for feature in features))
        self._from = [place[name] for name in columns]
        self._period = place.get(PERIOD)
        parts = list(dict.fromkeys(feature.part for feature in features))
        self._calendar = any(part != BEFORE_PERIOD for part in parts)
        self._parts = [
            (
                part,
                [columns.index(f.column) for f in features if f.part == part],
                [index for index, f in enumerate(features) if f.part == part],
            )
            for part in parts
        ]

    def __call__(self, numbers: Floats) -> Floats:
        """Rows x date features, in Fortran order, of rows x numeric inputs."""
        days = numbers[:, self._from]
        made = np.empty((len(numbers), self._count), order="F")
        calendar = _Calendar(days) if self._calendar else None
        for part, source, target in self._parts:
            if part == BEFORE_PERIOD:
                assert self._period is not None  # features.json has the input where it has the part
                made[:, target] = numbers[:, [self._period]] - days[:, source]
            else:
                assert calendar is not None
                made[:, target] = calendar.part(part)[:, source]
        return made


class _Calendar:
    """Day numbers as calendar dates. Whole days: a filled-in mean may lie between two."""

    def __init__(self, days: Floats) -> None:
        self._missing = np.isnan(days)
        self._days = np.floor(np.where(self._missing, 0.0, days)).astype(np.int64)
        self._dates = self._days.astype("datetime64[D]")
        self._months = self._dates.astype("datetime64[M]")

    def part(self, part: str) -> Floats:
        """A calendar part of every date, NaN where it is missing."""
        months = self._months.astype(np.int64)
        match part:
            case "year":
                whole = months // 12 + 1970
            case "month":
                whole = months % 12 + 1
            case "day":
                whole = (self._dates - self._months).astype(np.int64) + 1
            case "weekday":
                whole = (self._days + 3) % 7  # 1970-01-01 was a Thursday
            case "day_of_year":
                years = self._dates.astype("datetime64[Y]")
                whole = (self._dates - years).astype(np.int64) + 1
            case _:
                raise ValueError(f"no date part {part}")
        return np.where(self._missing, np.nan, whole)
