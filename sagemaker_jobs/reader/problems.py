"""Why a file is not taken: reasons for people, and the rows they are about."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dropforge.drops import Reason
from dropforge.errors import UnreadableFile

MAX_LISTED_LINES = 5
MAX_OFFENDING_ROWS = 100_000
MAX_OFFENDING_BYTES = 64 * 1024 * 1024
FIELD_OVERHEAD = 60
"""What a short Python text takes in memory besides its characters."""


@dataclass(frozen=True)
class OffendingRow:
    """One row as it stands in the file. `line` counts the header as line 1."""

    line: int
    reason: str
    fields: tuple[str, ...]


@dataclass
class Offences:
    """Rows that are not taken: all are counted, the first are kept.

    Kept are at most `MAX_OFFENDING_ROWS`, and no more than fit `MAX_OFFENDING_BYTES` of memory.
    """

    count: int = 0
    rows: list[OffendingRow] = field(default_factory=list)
    by_reason: Counter[str] = field(default_factory=Counter)
    _bytes: int = 0

    def add(self, line: int, reason: str, fields: Sequence[str]) -> None:
        """Count a row, and keep it if there is room."""
        self.count += 1
        self.by_reason[reason] += 1
        if len(self.rows) < MAX_OFFENDING_ROWS and self._bytes < MAX_OFFENDING_BYTES:
            self._bytes += sum(map(len, fields)) + FIELD_OVERHEAD * (len(fields) + 2)
            self.rows.append(OffendingRow(line, reason, tuple(fields)))

    def lines(self, reason: str | None = None) -> list[int]:
        """The lines of the rows kept, of one reason or of all."""
        return [row.line for row in self.rows if reason is None or row.reason == reason]


class Refused(UnreadableFile):
    """A file that goes to quarantine: its reasons, and the offending rows where there are any."""

    def __init__(
        self,
        reasons: Sequence[Reason],
        rows: Sequence[OffendingRow] = (),
        names: Sequence[str] = (),
    ) -> None:
        super().__init__(" ".join(reason.message for reason in reasons))
        self.reasons = list(reasons)
        self.rows = list(rows)
        self.names = list(names)


def refuse(
    code: str, message: str, *, line: int | None = None, column: str | None = None
) -> Refused:
    """A refusal for one reason."""
    return Refused([Reason(code=code, message=message, line=line, column=column)])


def more_lines(lines: Sequence[int], count: int) -> str:
    """The lines after the first, of `count` in all: ` (also lines 7, 9 and 40 more)`."""
    others = lines[1 : MAX_LISTED_LINES + 1]
    if not others:
        return ""
    rest = count - 1 - len(others)
    listed = ", ".join(map(str, others)) + (f" and {rest:,} more" if rest else "")
    return f" (also line{'s' if len(others) > 1 or rest else ''} {listed})"
