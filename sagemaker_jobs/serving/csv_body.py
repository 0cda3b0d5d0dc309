"""CSV bodies: text/csv with or without a header, read in whole columns where they are ordinary."""

import csv
import io
from collections.abc import Sequence
from itertools import chain

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.frame import PERIOD, Frame
from sagemaker_jobs.serving.fields import NotOrdinary
from sagemaker_jobs.serving.ordinary import Columns, Layout, Values
from sagemaker_jobs.serving.reading import Question, Reading, check_rows

BOM = "\ufeff"
KEPT_HEADERS = 64
"""So many headers' layouts are remembered: callers have few."""

BLANKS = " \t\n\r\x0b\x0c"
"""What may surround a name in a header."""


class CsvReader:
    """Reads CSV. Without a header a row has the contract's columns in order, or the id and those.

    The first row is a header if most of its fields are names of known columns.
    """

    def __init__(self, reading: Reading, max_rows: int) -> None:
        self._reading, self._max_rows = reading, max_rows
        names = reading.names
        self._columns = reading.columns
        self._headers: dict[tuple[str, ...], tuple[Layout, int | None]] = {}
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
        text = body.decode()
        if text[:1] == BOM:
            text = text[1:]
        if self._columns is not None:
            try:
                return self._ordinary(text, self._columns)
            except NotOrdinary:
                pass  # and the reader below says why, if it cannot read it either
        return self._row_by_row(text)

    def _ordinary(self, text: str, columns: Columns) -> Question:
        if '"' in text:
            return self._quoted(text, columns)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = text.strip("\n")
        if "\n" not in text:
            return self._one_line(text.split(","), columns)
        line, _, rest = text.partition("\n")
        first = line.split(",")
        found = self._of_header(first, columns)
        if found is None:
            found = self._found(len(first))
        else:
            text = rest
        # A line's end as a field of its own: if each is where it must be, all rows are as wide.
        fields = text.replace("\n", ",\n,").split(",")
        width, rows = found[0].width, text.count("\n") + 1
        stride = width + 1
        if len(fields) != rows * stride - 1 or fields[width::stride] != ["\n"] * (rows - 1):
            raise NotOrdinary  # or with empty lines between
        return self._read(found, columns, fields, rows, stride)

    def _quoted(self, text: str, columns: Columns) -> Question:
        rows = _quoted_rows(text)
        if len(rows) <= 1:
            return self._one_line(rows[0] if rows else [], columns)
        found = self._of_header(rows[0], columns)
        if found is None:
            found = self._found(len(rows[0]))
        else:
            del rows[0]
        width = found[0].width
        if {*map(len, rows)} != {width}:
            raise NotOrdinary
        return self._read(found, columns, [*chain.from_iterable(rows)], len(rows), width)

    def _one_line(self, fields: list[str], columns: Columns) -> Question:
        found = self._found(len(fields))
        layout = found[0]
        # A header alone: its names at numbers' places are not ordinary anyway.
        if len(layout.texts) * 2 >= layout.width and self._is_header(fields):
            raise NotOrdinary
        return self._read(found, columns, fields, 1, layout.width)

    def _read(
        self,
        found: tuple[Layout, int | None],
        columns: Columns,
        fields: list[str],
        rows: int,
        stride: int,
    ) -> Question:
        """Read fields, of which a row begins at every `stride`."""
        layout, id_place = found
        texts = layout.texts
        values: Values | Frame
        if rows == 1:
            values = columns.row_of_fields(layout, fields)
        else:
            check_rows(rows, self._max_rows)
            values = columns.rows_of_fields(layout, fields, rows, stride)
        ids = None if id_place is None else fields[id_place::stride]
        return Question(
            rows, values, ids, lambda row, place: fields[row * stride + texts[place][0]]
        )

    def _of_header(self, given: list[str], columns: Columns) -> tuple[Layout, int | None] | None:
        """The layout under a header; None if the row is none."""
        if (kept := self._headers.get(key := tuple(given))) is not None:
            return kept
        if not self._is_header(given):
            return None
        names = [name.strip(BLANKS) for name in given]
        if not self._reading.known.issuperset(names) or not {*self._reading.names} <= {*names}:
            raise NotOrdinary
        layout = Layout(columns, {name: names.index(name) for name in names}, len(names))
        made = (layout, names.index(self._reading.id) if self._reading.id in names else None)
        if len(self._headers) < KEPT_HEADERS:
            self._headers[key] = made
        return made

    def _found(self, width: int) -> tuple[Layout, int | None]:
        if (found := self._layouts.get(width)) is None:
            raise NotOrdinary
        return found

    def _is_header(self, fields: Sequence[str]) -> bool:
        known = self._reading.known
        return sum(field.strip(BLANKS) in known for field in fields) * 2 > len(fields)

    def _row_by_row(self, text: str) -> Question:
        rows = _split(text)
        reading = self._reading
        if rows and self._is_header(rows[0]):
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
    return _quoted_rows(text)


def _quoted_rows(text: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise InvalidRequest("The body is not CSV: a quote is never closed.") from error


def _check_widths(rows: list[list[str]], width: int) -> None:
    for index, row in enumerate(rows):
        if len(row) != width:
            raise InvalidRequest(f"Row {index + 1} has {len(row)} fields, expected {width}.")
