"""The command: what is run on which data, and whether it ended as it should."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from dropforge.cli.clouds import choose
from dropforge.cli.console import heading, line, short
from dropforge.cli.demo import ending
from dropforge.cli.demo.files import DemoFile, example_table, split
from dropforge.cli.demo.scenario import Scenario
from dropforge.cli.folders import read_project
from dropforge.cli.local_cloud import default_home, reset, start_and_deploy
from dropforge.cli.options import Debug, Port
from dropforge.cli.projects import push_spec
from dropforge.cli.session import Session, connect
from dropforge.errors import DropforgeError, StackNotFound
from dropforge.project import ProjectSpec

STAGE = "dev"
EXAMPLE = "churn"
EXAMPLE_MONTH = 880
HOME_CREDIT = "home_credit"
HOME_CREDIT_MONTH = 10_000


class DemoInTheWay(DropforgeError):
    """The local cloud holds more than an earlier demo."""


class DemoIncomplete(DropforgeError):
    """Something that the demo is there to show did not happen."""


def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="Home Credit's application_train.csv.")
    ] = None,
    fresh: Annotated[
        bool | None,
        typer.Option(
            "--fresh/--keep",
            help="Delete the local cloud's state first, or continue with it. Default: fresh, if it "
            "holds nothing but an earlier demo.",
        ),
    ] = None,
    port: Port = None,
    debug: Debug = False,
) -> None:
    """Run the main job on this machine: drops, runs, mails, predictions, an endpoint's answer."""
    began = time.monotonic()
    project = HOME_CREDIT if data else EXAMPLE
    folder = default_home() / "demo"
    _, spec = read_project(project)
    heading("1. The data")
    files = _files(spec, data, folder)
    for file in files:
        line(f"  {short(file.path)}: {file.rows:,} rows, {file.kind}")
    heading("2. The local cloud, and the same templates that AWS would get")
    if fresh is not False:
        _make_way(fresh, port)
        shutil.rmtree(folder / "out", ignore_errors=True)
    start_and_deploy(STAGE, port)
    session = connect(STAGE, "local", quiet=True)
    heading("3. The project")
    push_spec(session, spec)
    _run(session, spec, files, folder / "out", began)


def _run(
    session: Session, spec: ProjectSpec, files: list[DemoFile], out: Path, began: float
) -> None:
    scenario = Scenario(session, spec, out)
    for number, file in enumerate(files, 4):
        heading(f"{number}. Drop {file.name}: {file.rows:,} rows, {file.kind}")
        scenario.drop(file)
    heading(f"{len(files) + 4}. Ask the endpoint for the rows of {files[-1].name}")
    scenario.ask_endpoint(files[-1])
    heading("What happened")
    ending.print_runs(scenario.runs)
    ending.print_places(scenario)
    missing = ending.missing(scenario, files)
    line()
    if missing:
        raise DemoIncomplete(
            "The demo did not show what it is there to show:\n"
            + "\n".join(f"  - {what}" for what in missing),
            next_command="dropforge runs, dropforge mail list",
        )
    line(
        f"Done in {time.monotonic() - began:.0f} s. The local cloud runs on; try next:",
        style="green",
    )
    ending.print_next(spec.name, files)


def _files(spec: ProjectSpec, data: Path | None, folder: Path) -> list[DemoFile]:
    table = data or example_table(spec.name, folder)
    month = HOME_CREDIT_MONTH if data else EXAMPLE_MONTH
    return split(table, folder / spec.name, spec.target, month)


def _make_way(fresh: bool | None, port: int | None) -> None:
    """Empty the local cloud, unless that would delete other work that nobody gave up."""
    from local.cloud import LocalCloud

    cloud = LocalCloud(port=port)
    if fresh is None and cloud.home.state.is_dir():
        cloud.start()
        choose("local")
        others = [name for name in _pushed() if name not in (EXAMPLE, HOME_CREDIT)]
        if others:
            raise DemoInTheWay(
                f"The local cloud in {cloud.home.path} holds other projects: {', '.join(others)}. "
                "Nothing was changed.",
                next_command="dropforge demo --keep, or --fresh to delete them",
            )
    reset(cloud)


def _pushed() -> list[str]:
    try:
        return connect(STAGE, "local", quiet=True).ledger.projects()
    except StackNotFound:
        return []
