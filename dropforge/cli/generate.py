"""`generate`: a project's example data, by the project's own `data.py`."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Annotated, Protocol, cast

import typer

from dropforge.cli.console import line
from dropforge.cli.folders import project_folder
from dropforge.cli.options import Debug, ProjectFolder
from dropforge.errors import InvalidProject


class Source(Protocol):
    """What a project's `data.py` offers: writes a CSV file and answers its number of rows."""

    def write(self, out: Path, rows: int | None, seed: int) -> int:
        """Write `rows` rows (None: as many as there are) in an order drawn with `seed`."""


def generate(
    project: ProjectFolder,
    out: Annotated[Path, typer.Option("--out", help="The CSV file to write.")],
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="Default: the project's.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same file.")] = 42,
    debug: Debug = False,
) -> None:
    """Write a project's example data: real data of a package, or synthetic of any size."""
    if out.is_dir():
        raise InvalidProject(
            f"{out} is a folder; the name of the file decides its period. Nothing was written.",
            next_command=f"dropforge generate {project} --out {out / 'initial.csv'}",
        )
    written = example_source(project).write(out, rows, seed)
    line(f"{out}: {written:,} rows, {out.stat().st_size / 1e6:,.1f} MB")


def example_source(project: str) -> Source:
    """The example data of a project.

    Raises:
        InvalidProject: the project has no `data.py`.
    """
    path = project_folder(project) / "data.py"
    if not path.is_file():
        raise InvalidProject(f"{path} does not exist: this project brings no example data.")
    spec = spec_from_file_location(f"dropforge_project_{path.parent.name}_data", path)
    if spec is None or spec.loader is None:
        raise InvalidProject(f"{path} is not a Python file.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Source, module)
