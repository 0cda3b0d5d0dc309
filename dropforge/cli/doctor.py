"""`doctor`: is everything in order, and if not, what to do."""

from dataclasses import asdict

import typer

from dropforge.cli.checks import Check, check_all
from dropforge.cli.console import as_json, line, table
from dropforge.cli.options import AsJson, CloudChoice, Debug, Stage


def doctor(
    json_: AsJson = False, stage: Stage = "dev", cloud: CloudChoice = None, debug: Debug = False
) -> None:
    """Check this machine, the cloud, the stage and its projects."""
    checks = list(check_all(stage, cloud))
    problems = [check for check in checks if not check.ok]
    if json_:
        as_json([asdict(check) for check in checks])
    else:
        _print(checks, problems)
    if problems:
        raise typer.Exit(1)


def _print(checks: list[Check], problems: list[Check]) -> None:
    table(("", "check", "found"), (("ok" if c.ok else "problem", c.name, c.found) for c in checks))
    if not problems:
        line("Everything is in order.", style="green")
    for check in problems:
        line(f"{check.name}: {check.todo}" if check.todo else check.name, style="yellow")
