"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from dropforge.cli.guard import remember_debug, remember_stage

CloudKind = Literal["local", "aws"]

Stage = Annotated[
    str,
    typer.Option(
        "--stage", envvar="DROPFORGE_STAGE", help="dev, staging or prod.", callback=remember_stage
    ),
]
CloudChoice = Annotated[
    CloudKind | None,
    typer.Option("--cloud", help="Default: the local cloud if it runs, else AWS."),
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the trace of an error.", callback=remember_debug)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ProjectName = Annotated[str, typer.Argument(help="The project's name.")]
ProjectFolder = Annotated[
    str, typer.Argument(help="A folder with project.yml, or its name below projects/.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the run until it ends.")]
Port = Annotated[int | None, typer.Option("--port", help="The port to ask for (0: any free one).")]
OutFile = Annotated[Path | None, typer.Option("--out", help="Write to this file.")]
