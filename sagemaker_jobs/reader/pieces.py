"""A CSV file cut into pieces of whole records, without parsing it.

A record ends at a newline outside quotes. Where every quote stands as RFC 4180 wants it, a newline
is outside exactly if an even number of quotes comes before it: three vector operations. A piece
with any other quote (`5" pipe`) or old line ends (`\\r` alone) is *irregular*: walk it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.reader.header import Header

PIECE_BYTES = 3 * 1024 * 1024
GLANCE_BYTES = 64 * 1024

_NEWLINE, _RETURN, _QUOTE = 10, 13, 34


@dataclass(frozen=True)
class Piece:
    """Bytes that begin with a record on line `line`. An irregular one may end within a record.

    `newlines` are the positions of all newlines and `ends` of those outside quotes, where there
    are quotes.
    """

    data: memoryview
    line: int
    regular: bool
    final: bool
    newlines: NDArray[np.int64] | None = None
    ends: NDArray[np.int64] | None = None

    @property
    def broken_lines(self) -> bool:
        """Whether records run over lines."""
        if self.newlines is None or self.ends is None:
            return False
        return len(self.newlines) != len(self.ends)


Walk = Callable[[Piece], tuple[int, int]]
"""Takes an irregular piece; answers the bytes of its whole records and the next line's number."""


def pieces(
    path: Path, header: Header, walk: Walk, *, glance: bool = False
) -> Iterator[Piece | None]:
    """The file's regular pieces; irregular ones go through `walk`, which None announces.

    At a `glance` the first pieces are small, each twice its predecessor: the reader may soon have
    seen enough.
    """
    line, rest = header.lines + 1, b""
    size = min(GLANCE_BYTES, PIECE_BYTES) if glance else PIECE_BYTES
    with path.open("rb", buffering=0) as file:
        file.seek(header.end)
        while True:
            block = file.read(size)
            size = min(2 * size, PIECE_BYTES)
            data, final = rest + block, not block
            if not data:
                return
            piece = _cut(data, line, header.delimiter, final)
            cut = len(piece.data)
            if not piece.regular and data:
                cut, line = walk(piece)
                yield None
            elif cut:
                line += data.count(b"\n", 0, cut)
                yield piece
            rest = data[cut:]
            if final:
                return


def first_lines(piece: Piece, rows: int) -> NDArray[np.int64] | None:
    """The line each record of a regular piece begins at; None if they are not `rows`."""
    open_end = piece.data[-1] != _NEWLINE
    newlines, ends = piece.newlines, piece.ends
    if newlines is None or ends is None:
        newlines = ends = np.flatnonzero(np.frombuffer(piece.data, dtype=np.uint8) == _NEWLINE)
    if len(newlines) + open_end == rows:
        return np.arange(piece.line, piece.line + rows, dtype=np.int64)
    data = np.frombuffer(piece.data, dtype=np.uint8)
    if open_end:
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1] + 1])
    blank = (starts == ends) | ((ends - starts == 1) & (data[starts] == _RETURN))
    starts = starts[~blank]
    if len(starts) != rows:
        return None
    return (np.searchsorted(newlines, starts) + piece.line).astype(np.int64)


def _cut(data: bytes, line: int, delimiter: str, final: bool) -> Piece:
    """The whole records of some bytes if they are regular, else all of them."""
    everything = memoryview(data)
    if b'"' not in data:
        cut = len(data) if final else data.rfind(b"\n") + 1
        # Without a newline in a whole piece, old line ends are likely: the walk will tell.
        regular = cut > 0 and _modern(data, cut)
        return Piece(everything[:cut] if regular else everything, line, regular, final)
    view = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(view == _QUOTE)
    newlines = np.flatnonzero(view == _NEWLINE)
    ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    cut = len(data) if final else int(ends[-1]) + 1 if len(ends) else 0
    quotes, newlines = quotes[quotes < cut], newlines[newlines < cut]
    regular = cut > 0 and len(quotes) % 2 == 0 and _modern(data, cut)
    regular = regular and _well_placed(view[:cut], quotes, delimiter)
    return Piece(everything[:cut] if regular else everything, line, regular, final, newlines, ends)


def _modern(data: bytes, cut: int) -> bool:
    returns = data.count(b"\r", 0, cut)
    return not returns or returns == data.count(b"\r\n", 0, cut)


def _well_placed(view: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: str) -> bool:
    """Opening quotes begin a field or follow their twin; closing ones end a field or precede it."""
    opening, closing = quotes[::2], quotes[1::2]
    before = np.where(opening > 0, view[opening - 1], _NEWLINE)
    after = np.append(view, np.uint8(_NEWLINE))[closing + 1]
    edge = ord(delimiter)
    doubled = np.zeros(len(opening), dtype=bool)
    doubled[1:] = closing[:-1] == opening[1:] - 1
    begins = (before == edge) | (before == _NEWLINE) | doubled
    ends = (after == edge) | (after == _NEWLINE) | (after == _RETURN) | (after == _QUOTE)
    return bool(begins.all() and ends.all())
