"""The slow walk over a CSV that Arrow's parser would not take: which line, and why."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dropforge.drops import Reason
from sagemaker_jobs.reader.problems import MAX_OFFENDING_ROWS, OffendingRow, Refused, more_lines


@dataclass
class _Faults:
    ragged: dict[int, list[int]] = field(default_factory=dict)
    open_quotes: list[tuple[int, int | None]] = field(default_factory=list)
    rows: list[OffendingRow] = field(default_factory=list)

    def row(self, line: int, reason: str, fields: Sequence[str]) -> None:
        if len(self.rows) < MAX_OFFENDING_ROWS:
            self.rows.append(OffendingRow(line, reason, tuple(fields)))


def diagnose(
    path: Path, delimiter: str, names: Sequence[str], header_lines: int
) -> tuple[list[int], Refused | None]:
    """Walk every record; answers the line each begins at, and the refusal if there is a fault."""
    faults, lines = _Faults(), list[int]()
    width = len(names)
    with path.open(encoding="utf-8", newline="") as file:
        for _ in range(header_lines):
            file.readline()
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            start = header_lines + reader.line_num + 1
            try:
                record = next(reader, None)
            except csv.Error as error:
                # The reader cannot go on: what follows is inside or outside a quote, nobody knows.
                closed = "expected after" in str(error)
                faults.open_quotes.append(
                    (start, header_lines + reader.line_num if closed else None)
                )
                faults.row(start, "a quote is not closed", ())
                break
            if record is None:
                break
            if not record:
                continue
            lines.append(start)
            if len(record) != width:
                _note_width(faults, start, header_lines + reader.line_num, record)
    return lines, _refusal(faults, names)


def _note_width(faults: _Faults, start: int, end: int, record: list[str]) -> None:
    if end > start:
        faults.open_quotes.append((start, end))
        faults.row(start, "a quote is not closed", record)
    else:
        faults.ragged.setdefault(len(record), []).append(start)
        faults.row(start, f"{len(record)} fields", record)


def _refusal(faults: _Faults, names: Sequence[str]) -> Refused | None:
    reasons = []
    for start, end in faults.open_quotes[:3]:
        until = f"runs to line {end}" if end and end > start else "is never closed properly"
        reasons.append(
            Reason(
                code="broken_quote",
                message=f"Line {start}: a quoted field that opens here {until}. Close it, or "
                'double the quote ("") where it belongs to the text.',
                line=start,
            )
        )
    for count, lines in sorted(faults.ragged.items(), key=lambda item: item[1][0]):
        reasons.append(
            Reason(
                code="ragged_row",
                message=f"Line {lines[0]} has {count} field{'s' * (count != 1)}, the header has "
                f"{len(names)}{more_lines(lines)}.",
                line=lines[0],
            )
        )
    return Refused(reasons, faults.rows, names) if reasons else None
