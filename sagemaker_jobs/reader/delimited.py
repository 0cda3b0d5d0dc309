"""CSV and TSV: the header, the delimiter, and Arrow's parser over every field as text."""

import csv
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from dropforge.drops import Reason
from sagemaker_jobs.reader.diagnose import diagnose
from sagemaker_jobs.reader.problems import Refused, refuse
from sagemaker_jobs.reader.spool import BLOCK_BYTES, Spooled

DELIMITERS = ",;\t|"
SNIFFED_RECORDS = 50
MAX_FIELD = 1024 * 1024


@dataclass
class RawTable:
    """A file's rows as text (or as Parquet typed them). `lines` counts the header as line 1."""

    table: pa.Table
    lines: NDArray[np.int64]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Header:
    """The first record: names stripped of white space, and how many lines it takes."""

    names: list[str]
    lines: int
    delimiter: str


def read_delimited(spooled: Spooled, delimiter: str | None = None) -> RawTable:
    """Read a whole CSV or TSV file, every field as text, the empty field as null.

    Raises:
        Refused: no header, ragged rows, a quote that is never closed: by line.
    """
    notes: list[str] = []
    header = _read_header(spooled, delimiter, notes)
    table = _parse(spooled, header)
    lines = _lines(spooled, header, table.num_rows)
    table = _drop_unnamed(table, notes)
    if not table.num_rows:
        raise refuse("empty", "The file has a header but no rows.", line=1)
    return RawTable(table, lines, notes)


def _read_header(spooled: Spooled, delimiter: str | None, notes: list[str]) -> Header:
    first = _records(spooled.path, ",", 1)
    if not first:
        raise refuse("empty", "The file is empty.")
    if delimiter is None:
        delimiter = "\t" if spooled.extension == "tsv" else _sniff(spooled.path)
        if delimiter != "," and spooled.extension != "tsv":
            notes.append(f"delimiter {'tab' if delimiter == chr(9) else delimiter}")
    (last_line, names), *rest = _records(spooled.path, delimiter, 2)
    stripped = [name.strip() for name in names]
    if renamed := sum(a != b for a, b in zip(names, stripped, strict=True)):
        notes.append(
            f"white space around {renamed} column name{'s' if renamed > 1 else ''} removed"
        )
    check_names(stripped)
    if rest and len(rest[0][1]) == len(stripped) + 1 and not rest[0][1][-1] and stripped[-1]:
        stripped.append("")  # every row ends with a delimiter that the header lacks
    return Header(stripped, last_line, delimiter)


def check_names(names: list[str]) -> None:
    """Refuse names that occur twice.

    Raises:
        Refused: the names and their positions.
    """
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name and name in seen:
            raise refuse(
                "duplicate_column",
                f"Line 1 names column {name} twice, at positions {seen[name]} and {position}.",
                line=1,
                column=name,
            )
        seen[name] = position


def _records(path: Path, delimiter: str, count: int) -> list[tuple[int, list[str]]]:
    """The first non-empty records, each with the number of its last line."""
    csv.field_size_limit(MAX_FIELD)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            found = ((reader.line_num, record) for record in reader if any(map(str.strip, record)))
            return list(itertools.islice(found, count))
        except csv.Error as error:
            raise refuse("broken_quote", "Line 1: a quote is never closed.", line=1) from error


def _sniff(path: Path) -> str:
    """The delimiter that splits the first records most evenly; the comma if none does."""

    def fit(delimiter: str) -> tuple[float, int]:
        try:
            records = _records(path, delimiter, SNIFFED_RECORDS)
        except Refused:
            return (0.0, 0)
        width = len(records[0][1])
        same = sum(len(record) == width for _, record in records) / len(records)
        return (same if width > 1 else 0.0, width)

    return max(DELIMITERS, key=fit)


def _parse(spooled: Spooled, header: Header) -> pa.Table:
    # Arrow needs distinct names; the unnamed ones are dropped or refused afterwards.
    names = [name or f"\0{position}" for position, name in enumerate(header.names, start=1)]
    try:
        if spooled.quotes % 2:
            raise pa.ArrowInvalid("an odd number of quotes")
        reader = pacsv.open_csv(
            spooled.path,
            read_options=pacsv.ReadOptions(
                column_names=names, skip_rows=header.lines, block_size=BLOCK_BYTES
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=header.delimiter, newlines_in_values=spooled.quotes > 0
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=False,  # checked when the file was spooled
            ),
        )
        return reader.read_all()
    except pa.ArrowInvalid as error:
        _, problem = diagnose(spooled.path, header.delimiter, header.names, header.lines)
        if problem is not None:
            raise problem from error
        if spooled.quotes % 2 == 0:
            if _is_header_only(spooled.path, header):
                return pa.table({name: pa.array([], pa.string()) for name in names})
            raise refuse("unreadable", "The file cannot be parsed as CSV.") from error
        return _parse(_even(spooled), header)


def _even(spooled: Spooled) -> Spooled:
    """The same file, its odd quote found harmless (an inch sign inside a field)."""
    return Spooled(**{**spooled.__dict__, "quotes": spooled.quotes + 1})


def _is_header_only(path: Path, header: Header) -> bool:
    return len(_records(path, header.delimiter, 2)) == 1


def _lines(spooled: Spooled, header: Header, rows: int) -> NDArray[np.int64]:
    """The line each row begins at."""
    physical = spooled.newlines + (not spooled.ends_with_newline)
    if physical == header.lines + rows:
        return np.arange(header.lines + 1, header.lines + 1 + rows, dtype=np.int64)
    # Quoted newlines, blank lines, or old line ends: count by walking the records.
    lines, problem = diagnose(spooled.path, header.delimiter, header.names, header.lines)
    if problem is not None:
        raise problem
    if len(lines) != rows:
        raise refuse("unreadable", "The file cannot be parsed as CSV: its quotes do not pair up.")
    return np.array(lines, dtype=np.int64)


def _drop_unnamed(table: pa.Table, notes: list[str]) -> pa.Table:
    unnamed = [name for name in table.schema.names if name.startswith("\0")]
    for name in unnamed:
        if table.column(name).null_count < table.num_rows:
            position = name[1:]
            raise Refused(
                [
                    Reason(
                        code="unnamed_column",
                        message=f"Line 1: column number {position} has values but no name.",
                        line=1,
                    )
                ]
            )
    if unnamed:
        notes.append(
            f"{len(unnamed)} empty column{'s' if len(unnamed) > 1 else ''} without a name ignored"
        )
    return table.drop_columns(unnamed) if unnamed else table
