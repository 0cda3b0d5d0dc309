"""CSV bodies: text/csv with or without a header, read in whole columns where they are ordinary."""

import csv
import io
from operator import methodcaller

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.frame import PERIOD
from sagemaker_jobs.serving.ordinary import Columns, Layout, NotOrdinary
from sagemaker_jobs.serving.reading import Question, Reading, check_rows

BOM = b"\xef\xbb\xbf"
KEPT_HEADERS = 64
"""So many headers' layouts are remembered: callers have few."""

BLANKS = " \t\n\r\x0b\x0c"
"""What may surround a name in a header."""

_commas = methodcaller("count", b",")


class CsvReader:
    """Reads CSV. Without a header a row has the contract's columns in order, or the id and those.

    The first row is a header if most of its fields are names of known columns.
    """

    def __init__(self, reading: Reading, max_rows: int) -> None:
        self._reading, self._max_rows = reading, max_rows
        names = reading.names
        self._known = frozenset(name.encode() for name in reading.known)
        self._columns = reading.columns
        self._headers: dict[bytes, tuple[Layout, int | None]] = {}
        self._layouts: dict[int, tuple[Layout, int | None]] = {}
        if (columns := reading.columns) is not None:
            plain = {name: place for place, name in enumerate(names)}
            behind = {name: place + 1 for name, place in plain.items()}
            self._layouts[len(names)] = (Layout(columns, plain, len(names)), None)
            self._layouts[len(names) + 1] = (Layout(columns, behind, len(names) + 1), 0)

    def read(self, body: bytes) -> Question:
        """Read a body.

        Raises:
            InvalidRequest: rows that the model cannot score.
            UnicodeDecodeError: not UTF-8.
        """
        if self._columns is not None:
            try:
                return self._ordinary(body, self._columns)
            except NotOrdinary:
                pass  # and the reader below says why, if it cannot read it either
        return self._row_by_row(body.decode("utf-8-sig"))

    def _ordinary(self, body: bytes, columns: Columns) -> Question:
        if b'"' in body or body[:3] == BOM:
            raise NotOrdinary
        if not body.isascii():
            body.decode()
        if b"\r" in body:
            body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        body = body.strip(b"\n")
        underscored = b"_" in body
        if b"\n" not in body:
            count, fields = 1, body.split(b",")
            layout, id_place = self._found(self._layouts.get(len(fields)))
            # A header alone: its names at numbers' places are not ordinary anyway.
            if len(layout.texts) * 2 >= layout.width and self._is_header(fields):
                raise NotOrdinary
        else:
            lines = body.split(b"\n")
            first = lines[0].split(b",")
            if self._is_header(first):
                layout, id_place = self._of_header(lines.pop(0), columns)
            else:
                layout, id_place = self._found(self._layouts.get(len(first)))
            count, commas = len(lines), layout.width - 1
            if {*map(_commas, lines)} != {commas}:
                raise NotOrdinary  # or with empty lines between
            check_rows(count, self._max_rows)
            fields = b",".join(lines).split(b",")
        values = columns.from_fields(layout, fields, count, underscored=underscored)
        width = layout.width
        ids = None if id_place is None else [f.decode() for f in fields[id_place::width]]
        texts = layout.texts
        return Question(
            count,
            values,
            ids,
            lambda row, place: fields[row * width + texts[place][0]].decode(),
        )

    def _of_header(self, line: bytes, columns: Columns) -> tuple[Layout, int | None]:
        if (kept := self._headers.get(line)) is not None:
            return kept
        names = [name.strip(BLANKS) for name in line.decode().split(",")]
        if not self._reading.known.issuperset(names) or not {*self._reading.names} <= {*names}:
            raise NotOrdinary
        layout = Layout(columns, {name: names.index(name) for name in names}, len(names))
        made = (layout, names.index(self._reading.id) if self._reading.id in names else None)
        if len(self._headers) < KEPT_HEADERS:
            self._headers[line] = made
        return made

    @staticmethod
    def _found(kept: tuple[Layout, int | None] | None) -> tuple[Layout, int | None]:
        if kept is None:
            raise NotOrdinary
        return kept

    def _is_header(self, fields: list[bytes]) -> bool:
        return sum(field.strip() in self._known for field in fields) * 2 > len(fields)

    def _row_by_row(self, text: str) -> Question:
        rows = _split(text)
        reading = self._reading
        if rows and self._is_header([field.encode() for field in rows[0]]):
            return self._with_header([name.strip(BLANKS) for name in rows[0]], rows[1:])
        check_rows(len(rows), self._max_rows)
        width, given = len(reading.names), len(rows[0])
        if given not in (width, width + 1):
            raise InvalidRequest(
                f"Row 1 has {given} fields; without a header {width} are expected "
                f"({', '.join(reading.names)}), or {width + 1} with {reading.id} before them."
            )
        _check_widths(rows, given)
        if given == width:
            return self._rows(rows, None)
        return self._rows([row[1:] for row in rows], [row[0] for row in rows])

    def _with_header(self, header: list[str], rows: list[list[str]]) -> Question:
        reading = self._reading
        if not rows:
            raise InvalidRequest("The body holds a header and no rows.")
        if unknown := [name for name in header if name not in reading.known]:
            raise InvalidRequest(f"The header has the unknown column {unknown[0]}.")
        if absent := [name for name in reading.names if name not in header]:
            raise InvalidRequest(f"The header lacks the column {absent[0]}.")
        check_rows(len(rows), self._max_rows)
        _check_widths(rows, len(header))
        places = [header.index(name) for name in reading.names]
        if reading.rows.reads_period and PERIOD in header:
            places.append(header.index(PERIOD))
        ids = None
        if reading.id in header:
            place = header.index(reading.id)
            ids = [row[place] for row in rows]
        return self._rows([[row[place] for place in places] for row in rows], ids)

    def _rows(self, rows: list[list[str]], ids: list[str] | None) -> Question:
        names, categories = self._reading.names, self._reading.categories
        frame = self._reading.rows.from_text(rows)
        return Question(
            len(rows), frame, ids, lambda row, place: rows[row][names.index(categories[place])]
        )


def _split(text: str) -> list[list[str]]:
    """The fields of every line that is not empty. A line ends with LF, CRLF or CR."""
    if '"' not in text:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return [line.split(",") for line in lines if line]
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise InvalidRequest("The body is not CSV: a quote is never closed.") from error


def _check_widths(rows: list[list[str]], width: int) -> None:
    for index, row in enumerate(rows):
        if len(row) != width:
            raise InvalidRequest(f"Row {index + 1} has {len(row)} fields, expected {width}.")
