"""CSV and TSV: pieces of whole records through Arrow's parser, typed where that means the same."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from dropforge.drops import Reason
from sagemaker_jobs.reader.conversion import all_finite, parse_plain, whole_numbers
from sagemaker_jobs.reader.header import read_header
from sagemaker_jobs.reader.pieces import Piece, first_lines, pieces
from sagemaker_jobs.reader.problems import Offences, Refused, refuse
from sagemaker_jobs.reader.source import Block
from sagemaker_jobs.reader.spool import Spooled
from sagemaker_jobs.reader.walk import Walked, walk
from sagemaker_jobs.values import MISSING_WORDS, Decimal, Kind

MAX_RAGGED_SHARE = 0.5
"""With more rows of another width than this, the header or the delimiter is wrong, not the rows."""


class DelimitedSource:
    """A CSV or TSV file. Rows that are too short or too long are `rejected`, not the file."""

    def __init__(
        self, spooled: Spooled, delimiter: str | None = None, decimal: Decimal = "."
    ) -> None:
        self.notes: list[str] = []
        self.rejected = Offences()
        self.decimal = decimal
        self._path = spooled.path
        self._header = read_header(spooled, delimiter, self.notes)
        self.names = [name for name in self._header.names if name]
        # Arrow needs distinct names; columns without one are read to see that they are empty.
        self._all = [
            name or f"\0{position}" for position, name in enumerate(self._header.names, start=1)
        ]
        self._unnamed = [name for name in self._all if name.startswith("\0")]
        if self._unnamed:
            plural = "s" if len(self._unnamed) > 1 else ""
            self.notes.append(f"{len(self._unnamed)} empty column{plural} without a name ignored")

    def blocks(
        self, kinds: Mapping[str, Kind] | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """See `Source.blocks`; about 3 MB of file each, the first of some `columns` less."""
        self.rejected = Offences()
        wanted = list(self.names if columns is None else columns)
        typed: dict[str, Kind] = {
            name: kind for name, kind in (kinds or {}).items() if kind in ("number", "integer")
        }
        widths, walked, good = Counter[int](), list[Walked](), 0

        def take(piece: Piece) -> tuple[int, int]:
            walked.append(self._walk(piece, widths))
            return walked[-1].used, walked[-1].next_line

        for piece in pieces(self._path, self._header, take, glance=columns is not None):
            block = self._parse(piece, wanted, typed) if piece is not None else None
            if block is None:
                rows = walked.pop() if piece is None else self._walk(piece, widths)
                block = Block(rows.batch(self._all), rows.line_numbers())
            if block.rows.num_rows:
                good += block.rows.num_rows
                yield Block(self._named(block.rows, wanted), block.lines)
        self._check_widths(good, widths)

    def _walk(self, piece: Piece, widths: Counter[int]) -> Walked:
        return walk(piece, self._header.delimiter, len(self._all), self.rejected, widths)

    def _parse(self, piece: Piece, wanted: list[str], typed: dict[str, Kind]) -> Block | None:
        """A regular piece by Arrow; None if it has rows that Arrow does not take.

        A column that turns out not to be as Arrow parses it leaves `typed`.
        """
        here = {name: typed[name] for name in wanted if name in typed}
        rows = self._arrow(piece, wanted, here) if here else None
        if rows is None:
            rows = self._arrow(piece, wanted, {})
            if rows is None:
                return None
            for name, kind in here.items():
                if parse_plain(rows.column(name), kind, self.decimal) is None:
                    del typed[name]
        lines = first_lines(piece, rows.num_rows)
        return None if lines is None else Block(rows, lines)

    def _arrow(
        self, piece: Piece, wanted: list[str], typed: Mapping[str, Kind]
    ) -> pa.RecordBatch | None:
        include = [*wanted, *self._unnamed]
        try:
            table = pacsv.read_csv(
                pa.BufferReader(pa.py_buffer(piece.data)),
                read_options=pacsv.ReadOptions(
                    column_names=self._all, block_size=len(piece.data) + 1
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=self._header.delimiter, newlines_in_values=piece.broken_lines
                ),
                convert_options=pacsv.ConvertOptions(
                    # Whole numbers as doubles too: Arrow's integers know 0x1F, ours 1e3 and 1.0.
                    column_types={n: pa.float64() if n in typed else pa.string() for n in include},
                    include_columns=include,
                    null_values=sorted(MISSING_WORDS) if typed else [""],
                    strings_can_be_null=not typed,  # `NA` is a category
                    quoted_strings_can_be_null=True,
                    check_utf8=False,  # checked when the file was spooled
                    decimal_point=self.decimal,
                ),
            )
        except pa.ArrowInvalid:
            return None
        columns = [_column(table.column(name), typed.get(name)) for name in include]
        if any(column is None for column in columns):
            return None
        return pa.record_batch(columns, names=include)

    def _named(self, rows: pa.RecordBatch, wanted: Sequence[str]) -> pa.RecordBatch:
        for name in self._unnamed:
            if rows.column(name).null_count < rows.num_rows:
                raise refuse(
                    "unnamed_column",
                    f"Line 1: column number {name[1:]} has values but no name.",
                    line=1,
                )
        return rows.select(list(wanted))

    def _check_widths(self, good: int, widths: Counter[int]) -> None:
        ragged = widths.total()
        if ragged <= MAX_RAGGED_SHARE * (good + ragged):
            if not good:
                raise refuse("empty", "The file has a header but no rows.", line=1)
            return
        width, rows = widths.most_common(1)[0]
        message = (
            f"{ragged:,} of {good + ragged:,} rows do not have the header's {len(self._all)} "
            f"fields; most of them ({rows:,}) have {width}. Check the header and the delimiter: "
            f"the file was read with {self._header.delimiter!r}."
        )
        first = self.rejected.rows[0].line
        reason = Reason(code="ragged_row", message=message, line=first)
        raise Refused([reason], self.rejected.rows, self.names)


def _column(column: pa.ChunkedArray, kind: Kind | None) -> pa.Array | None:
    """A parsed column as its kind; None if it must be read as text instead."""
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if kind is None:
        if not pa.types.is_string(array.type) or array.null_count:
            return array
        empty = pc.equal(array, "")
        return pc.if_else(empty, None, array) if empty.true_count else array
    # Arrow takes `inf` and `1e999`, which are faults.
    if not all_finite(array):
        return None
    return array if kind == "number" else whole_numbers(array)
