"""The table of a benchmark: ours, baseline, floor, ratio, goal, and whether the goal is met."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Unit = Literal["s", "B", "1"]
HEADERS = ("row", "ours", "baseline", "floor", "ratio", "goal", "")
NONE = "-"


@dataclass(frozen=True)
class Goal:
    """An upper limit of ours over the baseline, or of ours itself; a least gain over it."""

    limit: float
    of: Literal["ratio", "ours", "gain"] = "ratio"


@dataclass(frozen=True)
class Row:
    """One measured thing, in seconds, bytes, or as a figure. Why it was left out is its `note`."""

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
        if self.goal.of == "gain":
            return None if self.gain is None else self.gain >= self.goal.limit
        judged = self.ratio if self.goal.of == "ratio" else self.ours
        return None if judged is None else judged <= self.goal.limit

    @property
    def gain(self) -> float | None:
        """Ours minus the baseline."""
        return None if self.ours is None or self.baseline is None else self.ours - self.baseline

    def cells(self) -> tuple[str, ...]:
        """The row as text, a cell a header."""
        amounts = [amount(value, self.unit) for value in (self.ours, self.baseline, self.floor)]
        ratio = NONE if self.ratio is None else f"{self.ratio:.3f}"
        if self.unit == "1":
            ratio = NONE if self.gain is None else f"{self.gain:+.4f}"
        judged = {True: "met", False: "not met", None: self.note or NONE}[self.met]
        return (self.what, *amounts, ratio, self._goal(), judged)

    def _goal(self) -> str:
        if self.goal is None:
            return NONE
        limit = self.goal.limit
        if self.goal.of == "gain":
            return f">= {limit:+.4f}"
        return f"<= {limit:.2f}" if self.goal.of == "ratio" else f"<= {amount(limit, self.unit)}"


def amount(value: float | None, unit: Unit) -> str:
    """Seconds with three places, bytes as MB (1,000,000 bytes), figures with four places."""
    if value is None:
        return NONE
    if unit == "1":
        return f"{value:.4f}"
    return f"{value:,.3f} s" if unit == "s" else f"{value / 1e6:,.1f} MB"


def render(rows: Sequence[Row]) -> str:
    """The table as text: names to the left, figures to the right."""
    return aligned(HEADERS, [row.cells() for row in rows])


def aligned(headers: Sequence[str], lines: Sequence[Sequence[str]], names: int = 1) -> str:
    """Cells as text: the first columns (`names`) and the last to the left, the others right."""
    widths = [max(map(len, column)) for column in zip(headers, *lines, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(_line(line, widths, names) for line in (headers, rule, *lines))


def _line(cells: Sequence[str], widths: Sequence[int], names: int) -> str:
    pairs = list(zip(cells, widths, strict=True))
    left = [cell.ljust(width) for cell, width in pairs[:names]]
    right = [cell.rjust(width) for cell, width in pairs[names:-1]]
    return "  ".join([*left, *right, cells[-1]]).rstrip()
