"""Periods: the unit of history. Every spelling of a period is one period.

`20201001`, `2020-10-01`, `202010` and `2020-10` are one month to a monthly project. The history
name (`initial` unless the project says otherwise) sorts before every period.
"""

import datetime as dt
import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Literal, Self

from dropforge.errors import InvalidPeriod

Unit = Literal["month", "day"]

_SPELLING = re.compile(r"(?<!\d)(\d{4})(?:(-?)(\d{2})(?:\2(\d{2}))?)(?!\d)")


@total_ordering
@dataclass(frozen=True)
class Period:
    """A month, a day, or the project's history (which has no date)."""

    canonical: str
    start: dt.date | None

    @classmethod
    def parse(cls, text: str, unit: Unit = "month", history: str = "initial") -> Self:
        """Read the first period that `text` (a file's name without extension) spells.

        Raises:
            InvalidPeriod: no period in the text, no such date, or a month where a day is needed.
        """
        if text == history:
            return cls(canonical=history, start=None)
        match = _SPELLING.search(text)
        if match is None:
            raise InvalidPeriod(
                f"No period in the name {text!r}: expected {history!r}, 20201001, 2020-10-01, "
                "202010 or 2020-10."
            )
        year, _, month, day = match.groups()
        if unit == "day" and day is None:
            raise InvalidPeriod(
                f"The name {text!r} spells a month, but the project's period is day."
            )
        try:
            date = dt.date(int(year), int(month), int(day or 1))
        except ValueError as error:
            raise InvalidPeriod(f"The name {text!r} spells no calendar date: {error}.") from error
        if unit == "month":
            return cls(canonical=f"{date:%Y%m}", start=date.replace(day=1))
        return cls(canonical=f"{date:%Y%m%d}", start=date)

    @classmethod
    def from_canonical(cls, canonical: str) -> Self:
        """Read back what `canonical` wrote: `202010`, `20201001`, or any history name."""
        if re.fullmatch(r"\d{6}", canonical):
            return cls.parse(canonical, "month")
        if re.fullmatch(r"\d{8}", canonical):
            return cls.parse(canonical, "day")
        return cls(canonical=canonical, start=None)

    @property
    def is_history(self) -> bool:
        """Whether this is the project's history rather than a dated period."""
        return self.start is None

    @property
    def spoken(self) -> str:
        """The period as a mail says it: `October 2020`, `1 October 2020`, `initial`."""
        if self.start is None:
            return self.canonical
        if len(self.canonical) == 6:
            return f"{self.start:%B %Y}"
        return f"{self.start.day} {self.start:%B %Y}"

    def __lt__(self, other: Self) -> bool:
        return (self.start or dt.date.min) < (other.start or dt.date.min)

    def __str__(self) -> str:
        return self.canonical
