"""The first record of a CSV or TSV file: names, delimiter, and where the rows begin."""

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path

from sagemaker_jobs.reader.problems import Refused, refuse
from sagemaker_jobs.reader.source import tidy_names
from sagemaker_jobs.reader.spool import Spooled

DELIMITERS = ",;\t|"
SNIFFED_RECORDS = 50
MAX_FIELD = 1024 * 1024
"""A longer field is a quote that was never closed."""


@dataclass(frozen=True)
class Header:
    """Names stripped of white space, how many lines they take, and the byte after them."""

    names: list[str]
    lines: int
    delimiter: str
    end: int


def read_header(spooled: Spooled, delimiter: str | None, notes: list[str]) -> Header:
    """Read the header; the delimiter is sniffed unless it is given.

    Raises:
        Refused: no header, a name twice, no rows.
    """
    if not _records(spooled.path, ",", 1):
        raise refuse("empty", "The file is empty.")
    if delimiter is None:
        delimiter = "\t" if spooled.extension == "tsv" else _sniff(spooled.path)
        if delimiter != "," and spooled.extension != "tsv":
            notes.append(f"delimiter {'tab' if delimiter == chr(9) else delimiter}")
    (lines, written), *rest = _records(spooled.path, delimiter, 2)
    names = tidy_names(written, notes)
    if not rest:
        raise refuse("empty", "The file has a header but no rows.", line=1)
    if len(rest[0][1]) == len(names) + 1 and not rest[0][1][-1] and names[-1]:
        names.append("")  # every row ends with a delimiter that the header lacks
    return Header(names, lines, delimiter, _end(spooled.path, lines))


def _records(path: Path, delimiter: str, count: int) -> list[tuple[int, list[str]]]:
    """The first records, from one that is not empty on, each with the number of its last line."""
    csv.field_size_limit(MAX_FIELD)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            written = itertools.dropwhile(lambda record: not any(map(str.strip, record)), reader)
            found = ((reader.line_num, record) for record in written if record)
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


def _end(path: Path, lines: int) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(len(file.readline().encode()) for _ in range(lines))
