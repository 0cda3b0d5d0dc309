"""Excel workbooks: the first sheet, every cell as the text that a CSV file would hold."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from sagemaker_jobs.reader.problems import Offences, Refused, refuse
from sagemaker_jobs.reader.source import Block, tidy_names
from sagemaker_jobs.reader.spool import Spooled
from sagemaker_jobs.values import Decimal, Kind, text_from_json

BLOCK_CELLS = 200_000


class WorkbookSource:
    """The first sheet of a workbook; its first row that is not empty is the header.

    The sheet is held in memory while it is read: memory is bounded by Excel's own 1,048,576 rows,
    not by a block. Lines are the sheet's row numbers.
    """

    def __init__(self, spooled: Spooled) -> None:
        self._path = spooled.path
        self.notes: list[str] = []
        self.rejected = Offences()
        self.decimal: Decimal = "."
        rows = self._rows()
        title, header = next(rows, (0, []))
        if not header:
            raise refuse("empty", "The first sheet is empty.")
        if next(rows, None) is None:
            raise refuse("empty", "The first sheet has a header but no rows.", line=title)
        self._header = title
        self._all = tidy_names([_text(cell) or "" for cell in header], self.notes, line=title)
        self.names = [name for name in self._all if name]

    def blocks(
        self, kinds: Mapping[str, Kind] | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """See `Source.blocks`; always text."""
        wanted = list(self.names if columns is None else columns)
        places = [self._all.index(name) for name in wanted]
        unnamed = [place for place, name in enumerate(self._all) if not name]
        rows: list[list[str | None]] = []
        lines: list[int] = []
        for line, cells in self._rows():
            if line == self._header:
                continue
            for place in unnamed:
                if cells[place] != "":
                    raise _unnamed(self._header, place)
            rows.append([_text(cells[place]) for place in places])
            lines.append(line)
            if len(rows) * len(self._all) >= BLOCK_CELLS:
                yield _block(rows, lines, wanted)
                rows, lines = [], []
        if rows:
            yield _block(rows, lines, wanted)

    def _rows(self) -> Iterator[tuple[int, list[Any]]]:
        """The rows that are not empty, with their numbers in the sheet."""
        try:
            with CalamineWorkbook.from_path(str(self._path)) as workbook:
                sheet = workbook.get_sheet_by_index(0)
                if len(workbook.sheet_names) > 1 and not self.notes:
                    self.notes.append(
                        f"first sheet '{sheet.name}' of {len(workbook.sheet_names)} read"
                    )
                elif not self.notes:
                    self.notes.append(f"first sheet '{sheet.name}' read")
                for line, cells in enumerate(sheet.iter_rows(), start=1):
                    if any(cell != "" for cell in cells):
                        yield line, cells
        except PasswordError as error:
            raise refuse(
                "encrypted", "The workbook is protected by a password. Save it without one."
            ) from error
        except (CalamineError, OSError) as error:
            raise refuse(
                "unreadable", "The file is no Excel workbook, or damaged. Save it again, or as CSV."
            ) from error


def _text(cell: Any) -> str | None:
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time.min
        return cell.date().isoformat() if midnight else cell.isoformat()
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):
        return str(cell)
    return text_from_json(cell)


def _unnamed(header: int, place: int) -> Refused:
    return refuse(
        "unnamed_column",
        f"Line {header}: column number {place + 1} has values but no name.",
        line=header,
    )


def _block(rows: list[list[str | None]], lines: list[int], names: list[str]) -> Block:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return Block(pa.record_batch(columns, names=names), np.array(lines, dtype=np.int64))
