"""Any file that can be dropped as one typed table, by the reader that drops go through."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dropforge.dropkey import EXTENSIONS
from dropforge.errors import UnreadableFile
from dropforge.project import ProjectSpec
from sagemaker_jobs.reader.conversion import convert, convert_column
from sagemaker_jobs.reader.evidence import KindEvidence
from sagemaker_jobs.reader.files import open_file
from sagemaker_jobs.reader.source import Source
from sagemaker_jobs.reader.spool import BLOCK_BYTES, spool
from sagemaker_jobs.values import Kind

MAX_CELLS = 60_000_000
"""Of a larger table every so-manieth row is kept: half a gigabyte in memory."""

_DATE = r"^\s*[0-9]{4}([-/])[0-9]{2}[-/][0-9]{2}([T ]00:00:00(\.0+)?)?\s*$"


@dataclass(frozen=True)
class FileTable:
    """A file's rows. `rows` counts all of them, the table has every `step`-th; `rejected` rows
    could not be read, `faults` are values that are not of their column's kind."""

    table: pa.Table
    rows: int
    step: int
    rejected: int
    faults: int
    notes: list[str]


def read_file(path: Path, spec: ProjectSpec | None = None) -> FileTable:
    """The whole file, typed by the project's contract, or by what its values show.

    Raises:
        UnreadableFile: there is no such file, its extension is not one that is read, or its bytes
            are no table; the message says which line.
    """
    extension = _extension(path)
    with tempfile.TemporaryDirectory(prefix="dropforge-") as folder:
        encoding = spec.encoding if spec else "utf-8"
        spooled = spool(_blocks(path), Path(folder) / "file", extension, encoding)
        delimiter, decimal = (spec.delimiter, spec.decimal) if spec else (None, ".")
        source = open_file(spooled, delimiter, decimal)
        kinds, rows = _kinds(source, spec)
        step = max(1, -(-rows * max(len(kinds), 1) // MAX_CELLS))
        return _typed(source, kinds, rows, step)


def _extension(path: Path) -> str:
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path}. Nothing was written.")
    for extension in EXTENSIONS:
        if path.name.lower().endswith(f".{extension}"):
            return extension
    raise UnreadableFile(
        f"{path.name} has no extension that is read: expected one of "
        f"{', '.join(sorted(EXTENSIONS))}. Nothing was written."
    )


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def _kinds(source: Source, spec: ProjectSpec | None) -> tuple[dict[str, Kind], int]:
    """Each column's kind, and how many rows there are: a pass of its own."""
    evidence, rows = KindEvidence(source.decimal), 0
    for block in source.blocks():
        evidence.update(block.rows)
        rows += block.rows.num_rows
    found = evidence.kinds()
    if spec is not None:
        known = spec.contract.columns if spec.contract else {}
        found |= {name: known[name].type for name in found if name in known}
        # As drops are read: ids and outcomes are text always.
        found |= {name: "string" for name in (spec.id, spec.target) if name in found}
    return {name: found.get(name, "string") for name in source.names}, rows


def _typed(source: Source, kinds: Mapping[str, Kind], rows: int, step: int) -> FileTable:
    parts, seen, faults = [], 0, 0
    for block in source.blocks(kinds):
        converted = convert(block.rows, kinds, source.decimal)
        faults += sum(len(wrong) for wrong in converted.faults.values())
        part = converted.table
        if step > 1:
            first = -seen % step
            part = part.take(pa.array(range(first, part.num_rows, step), pa.int64()))
        seen += block.rows.num_rows
        parts.append(part)
    empty = pa.table({name: pa.array([], pa.string()) for name in kinds})
    table = pa.concat_tables(parts, promote_options="permissive") if parts else empty
    return FileTable(
        _with_dates(table), rows, step, source.rejected.count, faults, list(source.notes)
    )


def _with_dates(table: pa.Table) -> pa.Table:
    """Text columns in which every value is a date, as dates."""
    for place, name in enumerate(table.schema.names):
        column = table.column(name)
        if not pa.types.is_string(column.type) or column.null_count == len(column):
            continue
        matches = pc.match_substring_regex(column.drop_null(), _DATE)
        if pc.all(matches, min_count=0).as_py():
            dates, wrong = convert_column(column, "date")
            if not len(wrong):
                table = table.set_column(place, name, dates)
    return table
