"""`init`: a project's folder from a file, valid at once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from dropforge.cli.console import line, remark, table
from dropforge.cli.first_look import look_at
from dropforge.cli.options import Debug
from dropforge.dropkey import PROJECT_NAME, DropKey
from dropforge.errors import InvalidPeriod, InvalidProject
from dropforge.metrics import Task
from dropforge.period import Period
from dropforge.project import ProjectSpec
from dropforge.project_folder import load_project
from dropforge.starter import FirstLook, Prediction, guess_period, guess_prediction
from dropforge.starter_files import reading_lines, starter_files

Encoding = Literal["utf-8", "utf-16", "cp932", "shift_jis", "latin-1"]
Decimal = Literal[".", ","]


def init(
    name: Annotated[str, typer.Argument(help="The new project's name.")],
    file: Annotated[Path, typer.Option("--from", help="A file like those that will be dropped.")],
    target: Annotated[str, typer.Option("--target", help="The column to predict.")],
    id: Annotated[str, typer.Option("--id", help="The column that names a row.")],
    task: Annotated[
        Task | None, typer.Option("--task", help="Default: as the target's outcomes suggest.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option("--positive", help="The outcome whose probability is predicted.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The new folder; default: projects/NAME.")
    ] = None,
    encoding: Annotated[Encoding, typer.Option("--encoding", help="Of text files.")] = "utf-8",
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", help="Default: found out.")
    ] = None,
    decimal: Annotated[Decimal, typer.Option("--decimal", help="The decimal mark.")] = ".",
    debug: Debug = False,
) -> None:
    """Write a new project from a file: types, features and what is predicted, to go on from."""
    folder = out or Path("projects") / name
    _check(name, folder, target, id, task, positive)
    look = look_at(
        file, id=id, target=target, encoding=encoding, delimiter=delimiter, decimal=decimal
    )
    predicts = guess_prediction(look.outcomes, target, task=task, positive=_canonical(positive))
    key = DropKey.parse(f"{name}/{file.name}")
    period = guess_period(key.stem)
    files = starter_files(name, look, id=id, target=target, predicts=predicts, period=period)
    files["project.yml"] += reading_lines(encoding, delimiter, decimal)
    folder.mkdir(parents=True)
    for file_name, text in files.items():
        (folder / file_name).write_text(text, encoding="utf-8")
    spec = load_project(folder)
    line(f"{folder}: a new project, version {spec.version}", style="green")
    table(("", ""), _facts(look, predicts, target, id, len(spec.features.selected)))
    for text in (*look.remarks, *_unlabelled(look, spec)):
        remark(f"  {text}")
    here = str(folder) if out else name
    line(f"Next: read {folder}/project.yml, then")
    for command in (
        f"dropforge validate {here}",
        f"dropforge push {here}",
        *_dropping(file, key),
    ):
        line(f"  {command}")


def _check(
    name: str, folder: Path, target: str, id: str, task: Task | None, positive: str | None
) -> None:
    if not PROJECT_NAME.fullmatch(name):
        raise InvalidProject(
            f"{name!r} is no project name: lower-case letters, digits, - and _, starting with a "
            "letter, at most 32 characters. Nothing was written."
        )
    if folder.exists():
        raise InvalidProject(
            f"{folder} exists already: a project is never overwritten. Nothing was written.",
            next_command=f"dropforge validate {folder}, or init with another name or --out",
        )
    if target == id:
        raise InvalidProject("The target and the id are the same column. Nothing was written.")
    if positive is not None and task not in (None, "binary"):
        raise InvalidProject(f"--positive is for task binary, not {task}. Nothing was written.")


def _canonical(positive: str | None) -> str | None:
    if positive is None:
        return None
    from sagemaker_jobs.labels import canonical

    return canonical(positive)


def _facts(
    look: FirstLook, predicts: Prediction, target: str, id: str, features: int
) -> list[tuple[str, str]]:
    what = f"{target} ({predicts.task})"
    if predicts.positive is not None:
        what = f"{target} = {predicts.positive} ({predicts.task})"
    left = [*look.identifying, *look.constant]
    return [
        ("read", f"{look.rows:,} rows, {len(look.kinds)} columns"),
        ("predicts", what),
        ("id", f"{id}: read as text, its values appear in no mail or report"),
        ("features", f"{features} columns" + (f"; left out: {', '.join(left)}" if left else "")),
    ]


def _unlabelled(look: FirstLook, spec: ProjectSpec) -> list[str]:
    share = sum(look.outcomes.values()) / look.rows
    if share >= spec.min_labelled_share:
        return []
    return [
        f"only {share:.1%} of the rows have a value in {spec.target}: such a file is quarantined, "
        f"unless project.yml asks for less (min_labelled_share: {spec.min_labelled_share:g})"
    ]


def _dropping(file: Path, key: DropKey) -> list[str]:
    """The commands that drop the file: under a name that says its period."""
    try:
        Period.parse(key.stem)
    except InvalidPeriod:
        named = f"initial.{key.extension}"
        return [f"cp {file} {named}", f"dropforge drop {named} --project {key.project}"]
    return [f"dropforge drop {file} --project {key.project}"]
