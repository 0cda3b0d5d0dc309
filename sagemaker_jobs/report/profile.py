"""The page about one file's data: the report's data chapter without a run."""

from dataclasses import replace
from html import escape
from pathlib import Path

from dropforge.project import ProjectSpec
from sagemaker_jobs.report.data import describe, describe_column
from sagemaker_jobs.report.data_page import data_chapter
from sagemaker_jobs.report.document import DataDocument
from sagemaker_jobs.report.file import FileTable, read_file
from sagemaker_jobs.report.html import page
from sagemaker_jobs.report.numbers import plural, size
from sagemaker_jobs.report.outcomes import target_of
from sagemaker_jobs.report.style import STYLE


def profile_file(
    path: Path, out: Path, *, spec: ProjectSpec | None = None, target: str | None = None
) -> DataDocument:
    """Write the page about `path` to `out`; answers what it shows.

    `target` names the column that the others are related to, by default the project's, if the file
    has it. Nothing of the project's personal columns is shown but how many values are missing.

    Raises:
        UnreadableFile: the file is no table.
        ContractBroken: it has no such target, or one that cannot be related to.
    """
    read = read_file(path, spec)
    name = target or (spec.target if spec and spec.target in read.table.schema.names else None)
    by = spec if spec is not None and name == spec.target else None
    related = target_of(read.table, name, by) if name else None
    personal = spec.personal_columns if spec else []
    document = describe(read.table, related, personal=personal, without=[name] if name else [])
    outcome = None
    if name and name not in personal:
        outcome = describe_column(name, read.table.column(name), None)
    document = replace(document, outcome=outcome, notes=_notes(read))
    out.write_text(_page(path, read, document), encoding="utf-8")
    return document


def _notes(read: FileTable) -> list[str]:
    notes = [f"{note[:1].upper()}{note[1:]}." for note in read.notes]
    if read.rejected:
        notes.append(f"{plural(read.rejected, 'row')} could not be read and are left out.")
    if read.faults:
        notes.append(
            f"{plural(read.faults, 'value')} that are not of their column's type count as missing."
        )
    if read.step > 1:
        notes.append(f"Every {read.step}th of {read.rows:,} rows was looked at.")
    return notes


def _page(path: Path, read: FileTable, document: DataDocument) -> str:
    facts = f"{read.rows:,} rows, {read.table.num_columns} columns, {size(path.stat().st_size)}"
    head = (
        f'<header><p class="project">Profile of a file</p><h1>{escape(path.name)}</h1>'
        f"<p>{facts}</p></header>"
    )
    return page(f"{path.name}: profile", STYLE, head, [data_chapter(document)])
