"""Why a file is not taken: reasons for people, and the rows they are about."""

from collections.abc import Sequence
from dataclasses import dataclass

from dropforge.drops import Reason
from dropforge.errors import UnreadableFile

MAX_LISTED_LINES = 5
MAX_OFFENDING_ROWS = 1000


@dataclass(frozen=True)
class OffendingRow:
    """One row as it stands in the file. `line` counts the header as line 1."""

    line: int
    reason: str
    fields: tuple[str, ...]


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


def more_lines(lines: Sequence[int]) -> str:
    """The lines after the first, for the end of a sentence: ` (also lines 7, 9 and 40 more)`."""
    others = list(lines[1 : MAX_LISTED_LINES + 1])
    if not others:
        return ""
    listed = ", ".join(str(line) for line in others)
    rest = len(lines) - 1 - len(others)
    more = f" and {rest} more" if rest else ""
    return f" (also line{'s' if len(others) > 1 else ''} {listed}{more})"
