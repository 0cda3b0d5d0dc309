"""The table of a benchmark: ours, baseline, floor, ratio, goal, and whether the goal is met."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Unit = Literal["s", "B"]
HEADERS = ("row", "ours", "baseline", "floor", "ratio", "goal", "")
NONE = "-"


@dataclass(frozen=True)
class Goal:
    """An upper limit: of ours over the baseline, or of ours itself."""

    limit: float
    of: Literal["ratio", "ours"] = "ratio"


@dataclass(frozen=True)
class Row:
    """One measured thing, in seconds or bytes. A row that was left out says why in `note`."""

    what: str
    unit: Unit
    ours: float | None = None
    baseline: float | None = None
    floor: float | None = None
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the baseline."""
        if self.ours is None or not self.baseline:
            return None
        return self.ours / self.baseline

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is nothing to judge."""
        if self.goal is None:
            return None
        judged = self.ratio if self.goal.of == "ratio" else self.ours
        return None if judged is None else judged <= self.goal.limit

    def cells(self) -> tuple[str, ...]:
        """The row as text, a cell a header."""
        amounts = [amount(value, self.unit) for value in (self.ours, self.baseline, self.floor)]
        ratio = NONE if self.ratio is None else f"{self.ratio:.3f}"
        judged = {True: "met", False: "not met", None: self.note or NONE}[self.met]
        return (self.what, *amounts, ratio, self._goal(), judged)

    def _goal(self) -> str:
        if self.goal is None:
            return NONE
        limit = self.goal.limit
        return f"<= {limit:.2f}" if self.goal.of == "ratio" else f"<= {amount(limit, self.unit)}"


def amount(value: float | None, unit: Unit) -> str:
    """Seconds with three places, bytes as MB (1,000,000 bytes)."""
    if value is None:
        return NONE
    return f"{value:,.3f} s" if unit == "s" else f"{value / 1e6:,.1f} MB"


def render(rows: Sequence[Row]) -> str:
    """The table as text: names to the left, figures to the right."""
    lines = [HEADERS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADERS))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(_line(line, widths) for line in (HEADERS, rule, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *middle, last = zip(cells, widths, strict=True)
    figures = [cell.rjust(width) for cell, width in middle]
    return "  ".join([first[0].ljust(first[1]), *figures, last[0]]).rstrip()
