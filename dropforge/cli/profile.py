"""`profile`: what a file holds, as a page: without any cloud."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dropforge.cli.console import line, short, table
from dropforge.cli.folders import read_project
from dropforge.cli.options import Debug
from dropforge.errors import InvalidProject, UnreadableFile

SHOWN = 15


def profile(
    file: Annotated[Path, typer.Argument(help="A file as it could be dropped.")],
    project: Annotated[
        str | None,
        typer.Option("--project", help="Types, target and personal columns are this project's."),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="The column that the others are related to.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("profile.html"),
    debug: Debug = False,
) -> None:
    """Write a page about a file: types, missing values, distributions, relation to the target."""
    profile_file = _room()
    spec = read_project(project)[1] if project else None
    if out.is_dir():
        raise InvalidProject(
            f"{out} is a folder. Nothing was written.",
            next_command=f"dropforge profile {file} --out {out / 'profile.html'}",
        )
    document = profile_file(file, out, spec=spec, target=target)
    _print(document)
    line(f"{short(out.resolve())}: {document.rows:,} rows, {len(document.columns)} columns")


def _print(document: Any) -> None:
    """The columns that go with the target most, or have most missing values."""
    related = document.target is not None

    def rank(column: Any) -> float:
        if related:
            return float(column.relation.explained if column.relation else 0.0)
        return column.missing / max(column.rows, 1)

    ranked = sorted(document.columns, key=rank, reverse=True)[:SHOWN]
    head = ["column", "type", "missing", "distinct"]
    rows = [
        [
            column.name,
            column.kind,
            f"{column.missing / max(column.rows, 1):.1%}",
            "" if column.distinct is None else f"{column.distinct:,}",
            *([f"{rank(column):.2%}"] if related else []),
        ]
        for column in ranked
    ]
    table([*head, *(["goes with target"] if related else [])], rows)
    for note in document.notes:
        line(note)
    if len(document.columns) > SHOWN:
        line(f"{len(document.columns) - SHOWN} more columns are on the page.")


def _room() -> Any:
    """The function that makes the page.

    Raises:
        UnreadableFile: an installation without the jobs' packages.
    """
    try:
        from sagemaker_jobs.report.profile import profile_file
    except ModuleNotFoundError as error:
        raise UnreadableFile(
            f"Files are read by the jobs' own reader, and its module {error.name} is not installed "
            "here. Nothing was written.",
            next_command="make setup in the repository",
        ) from error
    return profile_file
