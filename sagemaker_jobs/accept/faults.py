"""Broken rules, counted over a whole file: one sentence each, by line, column and rule only."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dropforge.contract import OnBreak
from dropforge.drops import Reason
from sagemaker_jobs.reader.problems import MAX_LISTED_LINES, MAX_OFFENDING_ROWS, more_lines


@dataclass
class Fault:
    """One rule that rows break. `column` is None where the rule is about several."""

    code: str
    column: str | None
    says: str
    on_break: OnBreak = "reject_row"
    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, lines: NDArray[np.int64]) -> None:
        """Count the rows at these lines."""
        self.count += len(lines)
        self.first += [int(line) for line in lines[: MAX_LISTED_LINES + 1 - len(self.first)]]

    @property
    def row_says(self) -> str:
        """What is written beside an offending row."""
        return f"{self.column}: {self.says}" if self.column else self.says

    def reason(self) -> Reason:
        """The sentence for people."""
        where = f"Line {self.first[0]}{f', column {self.column}' if self.column else ''}"
        return Reason(
            code=self.code,
            message=f"{where}: {self.says}{more_lines(self.first, self.count)}.",
            line=self.first[0],
            column=self.column,
        )


class Faults:
    """The faults found so far, and what is said of each offending row."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, str], Fault] = {}
        self.said: dict[int, list[str]] = {}

    def add(self, fault: Fault, lines: NDArray[np.int64]) -> None:
        """Note that the rows at these lines break a rule."""
        if not len(lines):
            return
        known = self._faults.setdefault((fault.code, fault.column or fault.says), fault)
        known.add(lines)
        if known.on_break == "warn":
            return
        for line in lines[:MAX_OFFENDING_ROWS].tolist():
            if line in self.said:
                self.said[line].append(known.row_says)
            elif len(self.said) < MAX_OFFENDING_ROWS:
                self.said[line] = [known.row_says]

    def reasons(self, on_break: OnBreak) -> list[Reason]:
        """The sentences of the rules with this consequence, in order of their first lines."""
        faults = [fault for fault in self._faults.values() if fault.on_break == on_break]
        return [fault.reason() for fault in sorted(faults, key=lambda fault: fault.first[0])]
