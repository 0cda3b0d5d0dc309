"""One table cut into the files of a monthly project: a history, three months, one to score."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dropforge.cli.generate import example_source
from dropforge.errors import UnreadableFile

LABELLED = ("20201001", "20201101", "20201201")
UNLABELLED = "20210101"
MONTHS = len(LABELLED) + 1
SEED = 42


@dataclass(frozen=True)
class DemoFile:
    """One file to drop."""

    path: Path
    kind: Literal["history", "labelled", "unlabelled"]
    rows: int

    @property
    def name(self) -> str:
        """Its name in the drop bucket."""
        return self.path.name


def example_table(project: str, folder: Path) -> Path:
    """The project's own example data, written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{project}.csv"
    example_source(project).write(path, None, SEED)
    return path


def split(table: Path, folder: Path, target: str, month_rows: int) -> list[DemoFile]:
    """Cut a CSV file, row by row: all but the last four months' rows are the history.

    The file is read twice and never held. A file of fewer than eight months' rows is cut into
    eighths, the first four of them the history. The last month goes without `target`.

    Raises:
        UnreadableFile: no such file, no such column, or fewer than eight rows.
    """
    if not table.is_file():
        raise UnreadableFile(f"There is no file {table}. Nothing was changed.")
    folder.mkdir(parents=True, exist_ok=True)
    with table.open(encoding="utf-8-sig", newline="") as stream:
        total = sum(1 for _ in csv.reader(stream)) - 1
    if total < 2 * MONTHS:
        raise UnreadableFile(f"{table} has {max(total, 0)} rows: too few to cut into months.")
    month = min(month_rows, total // (2 * MONTHS))
    files = _plan(folder, total, month)
    with table.open(encoding="utf-8-sig", newline="") as stream, ExitStack() as stack:
        reader = csv.reader(stream)
        header = next(reader)
        if target not in header:
            raise UnreadableFile(f"{table} has no column {target}, which the project predicts.")
        for file in files:
            dropped = header.index(target) if file.kind == "unlabelled" else None
            out = stack.enter_context(file.path.open("w", encoding="utf-8", newline=""))
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(_without(header, dropped))
            writer.writerows(_without(row, dropped) for row in _take(reader, file.rows))
    return files


def _plan(folder: Path, total: int, month: int) -> list[DemoFile]:
    files = [DemoFile(folder / "initial.csv", "history", total - MONTHS * month)]
    files += [DemoFile(folder / f"{period}.csv", "labelled", month) for period in LABELLED]
    return [*files, DemoFile(folder / f"{UNLABELLED}.csv", "unlabelled", month)]


def _take(reader: Iterator[list[str]], rows: int) -> Iterator[list[str]]:
    for _ in range(rows):
        yield next(reader)


def _without(row: list[str], position: int | None) -> list[str]:
    return row if position is None else row[:position] + row[position + 1 :]
