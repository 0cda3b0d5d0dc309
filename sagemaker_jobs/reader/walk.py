"""The slow walk over a piece of CSV that Arrow's parser would not take: row by row, exactly."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dropforge.drops import Reason
from sagemaker_jobs.reader.header import MAX_FIELD
from sagemaker_jobs.reader.pieces import Piece
from sagemaker_jobs.reader.problems import Offences, Refused, refuse

CLOSED_EARLY = "text after the closing quote"

MAX_RECORD = 16 * 1024 * 1024
"""Bytes of the longest record; without it a file of one line would be held whole."""


@dataclass
class Walked:
    """A piece's rows of the header's width as text, their lines, and where the walk ended."""

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    used: int = 0
    next_line: int = 1

    def batch(self, names: Sequence[str]) -> pa.RecordBatch:
        """The rows as columns of text, the empty text as null."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(names)
        return pa.record_batch(
            [pa.array([text or None for text in column], pa.string()) for column in columns],
            names=list(names),
        )

    def line_numbers(self) -> NDArray[np.int64]:
        """The line each row begins at."""
        return np.array(self.lines, dtype=np.int64)


def walk(
    piece: Piece, delimiter: str, width: int, rejected: Offences, widths: Counter[int]
) -> Walked:
    """Parse a piece's records; those of another width are added to `rejected` and `widths`.

    Raises:
        Refused: a quote that runs over lines and is not closed: nobody knows what follows it.
    """
    csv.field_size_limit(MAX_FIELD)
    whole = piece.final or piece.regular
    text, _ = codecs.utf_8_decode(piece.data, "strict", whole)
    lines = io.StringIO(text, newline="").readlines()
    walked, at = Walked(), 0
    while at < len(lines):
        record, end = _record(lines, at, delimiter, piece, whole)
        if end is None or (end == len(lines) and not whole):
            break  # it may go on in the next piece
        first = piece.line + at
        if record is None:
            rejected.add(first, CLOSED_EARLY, (lines[at].rstrip("\r\n"),))
        elif len(record) == width:
            walked.rows.append(record)
            walked.lines.append(first)
        elif record:
            if end - at > 1:
                raise _broken_quote(first, piece.line + end - 1, rejected)
            widths[len(record)] += 1
            rejected.add(first, ragged(len(record), width), record)
        at = end
    if not whole and not at and len(piece.data) > MAX_RECORD:
        raise refuse(
            "unreadable",
            f"Line {piece.line} is longer than {MAX_RECORD >> 20} MiB: this is no table of text.",
            line=piece.line,
        )
    walked.used = len(piece.data) if whole else sum(len(line.encode()) for line in lines[:at])
    walked.next_line = piece.line + at
    return walked


def ragged(fields: int, width: int) -> str:
    """Why a row of another width is not taken."""
    return f"{fields} field{'s' * (fields != 1)}, the header has {width}"


def _record(
    lines: Sequence[str], at: int, delimiter: str, piece: Piece, whole: bool
) -> tuple[list[str] | None, int | None]:
    """The record at a line and the line after it; no record if its quotes are wrong within a line,
    no end if the piece ends before it does."""
    if '"' not in lines[at]:
        bare = lines[at].rstrip("\r\n")
        return (bare.split(delimiter) if bare else []), at + 1
    following = map(lines.__getitem__, range(at, len(lines)))
    reader = csv.reader(following, delimiter=delimiter, strict=True)
    try:
        return next(reader), at + reader.line_num
    except csv.Error as error:
        message = str(error)
        if "unexpected end" in message and not whole:
            return None, None
        if "expected after" in message and reader.line_num == 1:
            return None, at + 1
        first = piece.line + at
        last = first + reader.line_num - 1 if "expected after" in message else None
        raise _broken_quote(first, last, None) from error


def _broken_quote(start: int, end: int | None, rejected: Offences | None) -> Refused:
    until = f"runs to line {end}" if end is not None else "is never closed properly"
    message = (
        f"Line {start}: a quoted field that opens here {until}. Close it, or "
        'double the quote ("") where it belongs to the text.'
    )
    rows = rejected.rows if rejected is not None else ()
    return Refused([Reason(code="broken_quote", message=message, line=start)], rows)
