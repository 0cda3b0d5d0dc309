"""`train` and `rollback`: runs that no file starts."""

from typing import Annotated

import typer

from dropforge import layout
from dropforge.aws.documents import find_document
from dropforge.cli import executions
from dropforge.cli.console import line
from dropforge.cli.follow import follow_or_say
from dropforge.cli.options import CloudChoice, Debug, ProjectName, Stage, Wait
from dropforge.cli.session import Session, connect
from dropforge.errors import DropforgeError
from dropforge.ledger import Champion, RegisteredModel
from dropforge.runs import Deployment


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
    follow_or_say(session, "Run", name, arn, wait)


def rollback(
    project: ProjectName,
    to: Annotated[
        str | None, typer.Option("--to", help="A model's version. Default: the previous champion.")
    ] = None,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help="With --to: also a model that never was live, or was rejected."
        ),
    ] = False,
    wait: Annotated[bool, typer.Option(help="Follow the deployment until it ends.")] = True,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Put an earlier model back into production, through the same tested deployment."""
    session = connect(stage, cloud)
    session.pushed(project)
    model, expected = _target(session, project, to, anyway and to is not None)
    name = executions.fresh_name(project, "rollback")
    document = model.deployment_input(project, run=name, expected=expected, reason="rollback")
    arn = executions.start(session.stack.deployment_arn, name, document)
    line(f"Rolling {project} back from v{expected} to v{model.version}: {name}.")
    follow_or_say(session, "Run", name, arn, wait)


def _target(
    session: Session, project: str, to: str | None, anyway: bool
) -> tuple[RegisteredModel, str]:
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
    if not anyway:
        _check_fit(session, project, models[version], champion, fit)
    return models[version], champion.version


def _check_fit(
    session: Session, project: str, model: RegisteredModel, champion: Champion, fit: str
) -> None:
    """Whether it was approved, and is known to have answered in production."""
    said = None
    if model.status != "Approved":
        said = f"was judged {model.verdict} and is {model.status} (fit for production: {fit})"
    elif not (champion.previous == model.version or _was_deployed(session, project, model)):
        said = "was approved, but never in production: its deployment failed, or never came"
    if said:
        raise NothingToRollBackTo(
            f"v{model.version} of {project} {said}. Nothing was changed.",
            next_command=f"dropforge rollback {project} --to {model.version} --anyway (it is "
            "tested as any deployment is)",
        )


def _was_deployed(session: Session, project: str, model: RegisteredModel) -> bool:
    """Whether the run that trained it, or its approval, brought it into production."""
    lake = session.stack.lake_bucket
    runs = (model.run, model.approval_run(project))
    found = [find_document(layout.deployment(lake, project, run), Deployment) for run in runs]
    return any(document and document.version == model.version for document in found)
