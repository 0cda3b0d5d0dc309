"""Printing: results on standard output, remarks and problems on standard error."""

import json
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from dropforge.commands import DEFAULT_STAGE, in_stage

stage_of_command: ContextVar[str] = ContextVar("stage_of_command", default=DEFAULT_STAGE)
"""The `--stage` of the command that is running."""

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

STYLES = {
    "PROMOTE": "green",
    "HOLD": "yellow",
    "REJECT": "red",
    "SUCCEEDED": "green",
    "RUNNING": "cyan",
    "FAILED": "red",
    "TIMED_OUT": "red",
    "ABORTED": "red",
    "accepted": "green",
    "quarantined": "yellow",
    "duplicate": "dim",
    "failed": "red",
    "ok": "green",
    "problem": "red",
}


def runnable(text: str) -> str:
    """The text with this command's stage in the commands that it names: they can be pasted."""
    return in_stage(text, stage_of_command.get())


def styled(word: str) -> Text:
    """A word of the domain in its colour."""
    return Text(word, style=STYLES.get(word, ""))


def line(text: str = "", style: str = "") -> None:
    """Print one line: no markup, no wrapping, so that paths and commands can be copied."""
    out.print(Text(runnable(text), style=style), soft_wrap=True)


def remark(text: str) -> None:
    """Print a remark that is not the result."""
    err.print(Text(runnable(text), style="dim"), soft_wrap=True)


def heading(text: str) -> None:
    """Print the title of a part."""
    out.print()
    out.print(Text(text, style="bold"), soft_wrap=True)


def short(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def as_json(document: Any) -> None:
    """Print a document as JSON and nothing else."""
    sys.stdout.write(json.dumps(document, indent=2, default=str, ensure_ascii=False) + "\n")


def table(columns: Iterable[str], rows: Iterable[Iterable[str | Text]], title: str = "") -> None:
    """Print a table; words of the domain get their colour."""
    grid = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        grid.add_column(column, overflow="fold", header_style="bold")
    for row in rows:
        grid.add_row(*(styled(cell) if isinstance(cell, str) else cell for cell in row))
    if out.is_terminal:
        out.print(grid)
        return
    # A pipe has no width: there every row is one line.
    wide = out.options.update(max_width=10_000)
    width = Measurement.get(out, wide, grid).maximum
    Console(file=out.file, width=width, highlight=False).print(grid)
