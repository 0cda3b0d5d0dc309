"""`train` and `rollback`: runs that no file starts."""

from typing import Annotated

import typer

from dropforge.cli import executions
from dropforge.cli.console import line
from dropforge.cli.follow import follow
from dropforge.cli.options import CloudChoice, Debug, ProjectName, Stage, Wait
from dropforge.cli.session import Session, connect
from dropforge.errors import DropforgeError, RunFailed
from dropforge.ledger import RegisteredModel


class NothingToRollBackTo(DropforgeError):
    """No such model, or one that never was fit for production."""


def train(
    project: ProjectName,
    wait: Wait = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Train and judge on the history as it is, without a new file."""
    session = connect(stage, cloud)
    document = {
        "project": project,
        "project_version": session.pushed(project).version,
        "trigger": "train",
        "drop": None,
    }
    name = executions.fresh_name(project, "train")
    arn = executions.start(session.stack.pipeline_arn, name, document)
    line(f"Started run {name}.")
    _follow_or_say(session, name, arn, wait)


def rollback(
    project: ProjectName,
    to: Annotated[
        str | None, typer.Option("--to", help="A model's version. Default: the previous champion.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Follow the deployment until it ends.")] = True,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Put an earlier model back into production, through the same tested deployment."""
    session = connect(stage, cloud)
    session.pushed(project)
    model, expected = _target(session, project, to)
    name = executions.fresh_name(project, "rollback")
    document = model.deployment_input(project, run=name, expected=expected, reason="rollback")
    arn = executions.start(session.stack.deployment_arn, name, document)
    line(f"Rolling {project} back from v{expected} to v{model.version}: {name}.")
    _follow_or_say(session, name, arn, wait)


def _target(session: Session, project: str, to: str | None) -> tuple[RegisteredModel, str]:
    champion = session.ledger.champion(project)
    if champion is None:
        raise NothingToRollBackTo(f"{project} has no model in production. Nothing was changed.")
    version = (to or champion.previous or "").removeprefix("v")
    listed = f"dropforge rollback {project} --to V"
    if not version:
        raise NothingToRollBackTo(
            f"v{champion.version} is the first champion of {project}: there is none before it.",
            next_command=listed,
        )
    if version == champion.version:
        raise NothingToRollBackTo(f"v{version} is in production already. Nothing was changed.")
    models = {model.version: model for model in session.ledger.models(project)}
    fit = ", ".join(f"v{v}" for v, m in models.items() if m.status == "Approved") or "none"
    if version not in models:
        raise NothingToRollBackTo(
            f"{project} has no model v{version} (fit for production: {fit}).", next_command=listed
        )
    if models[version].status != "Approved":
        raise NothingToRollBackTo(
            f"v{version} of {project} was judged {models[version].verdict} and is "
            f"{models[version].status} (fit for production: {fit}). Nothing was changed.",
            next_command=listed,
        )
    return models[version], champion.version


def _follow_or_say(session: Session, name: str, arn: str, wait: bool) -> None:
    if not wait:
        line(f"Next: dropforge run show {name} --follow")
    elif not follow(session, arn):
        raise RunFailed(f"Run {name} failed.", next_command="dropforge mail newest")
