"""`approve` and `reject`: a person decides on a model that awaits it.

Both only change the model package in the registry, as the console and the AWS CLI do: the
registry's event does the rest, so that there is one way from a decision to a deployment.
"""

import time
from typing import Annotated, Literal

import typer
from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code
from dropforge.cli import executions
from dropforge.cli.console import line
from dropforge.cli.follow import follow, run_failed, say_how
from dropforge.cli.options import CloudChoice, Debug, ProjectName, Stage, Wait
from dropforge.cli.registry import Version, find_model
from dropforge.cli.session import Session, connect
from dropforge.errors import ChampionMoved, DropforgeError, RunFailed
from dropforge.ledger import RegisteredModel

EVENT_SECONDS = 120.0
"""How long the registry's event may take until the deployment it starts is there."""

Note = Annotated[
    str, typer.Option("--note", help="Why; kept in the registry (1,024 characters at most).")
]


class NothingToDecide(DropforgeError):
    """A model that awaits nobody's decision."""


def approve(
    project: ProjectName,
    version: Version,
    note: Note = "",
    wait: Wait = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Approve a model that awaits it: it is deployed, if it was compared with today's champion."""
    session = connect(stage, cloud)
    model = _awaited(session, project, version)
    _check_champion(session, project, model)
    _decide(model, "Approved", note or "dropforge approve")
    name = model.approval_run(project)
    line(f"Approved v{model.version} of {project}. Its deployment {name} starts in a moment.")
    if not wait:
        say_how(name)
    elif not follow(session, _started(session, project, name)):
        raise run_failed(session, "Deployment", name)


def reject(
    project: ProjectName,
    version: Version,
    note: Note = "",
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Refuse a model that awaits approval: the current model stays."""
    session = connect(stage, cloud)
    model = _awaited(session, project, version)
    _decide(model, "Rejected", note or "dropforge reject")
    champion = session.ledger.champion(project)
    stays = f"v{champion.version} stays in production" if champion else "no model is in production"
    line(f"Refused v{model.version} of {project}: {stays}.")


def _awaited(session: Session, project: str, version: str) -> RegisteredModel:
    model = find_model(session, project, version)
    if not model.awaiting:
        standing = model.standing(session.ledger.champion(project))
        raise NothingToDecide(
            f"v{model.version} of {project} awaits no decision: it is {standing}. "
            "Nothing was changed.",
            next_command=f"dropforge model list {project}",
        )
    return model


def _check_champion(session: Session, project: str, model: RegisteredModel) -> None:
    """Said here at once; the event's function looks again, and its word counts."""
    champion = session.ledger.champion(project)
    current = champion.version if champion else None
    if current != model.expected_champion:
        raise ChampionMoved(
            f"v{model.version} of {project} was compared with {_spoken(model.expected_champion)}, "
            f"but {_spoken(current)} is in production now: it would not be deployed. "
            "Nothing was changed.",
            next_command=f"dropforge train {project}",
        )


def _decide(model: RegisteredModel, status: Literal["Approved", "Rejected"], note: str) -> None:
    client("sagemaker").update_model_package(
        ModelPackageArn=model.model_package_arn,
        ModelApprovalStatus=status,
        ApprovalDescription=note,
    )


def _started(session: Session, project: str, name: str) -> str:
    """The deployment's ARN, once the registry's event has started it."""
    arn = executions.execution_arn(session.stack.deployment_arn, name)
    deadline = time.monotonic() + EVENT_SECONDS
    while True:
        try:
            return executions.describe(arn).arn
        except ClientError as error:
            if error_code(error) != "ExecutionDoesNotExist":
                raise
        if time.monotonic() > deadline:
            raise RunFailed(
                f"The approval is in the registry, but no deployment {name} has started within "
                f"{EVENT_SECONDS:.0f} s.",
                next_command=f"dropforge model list {project}, then dropforge doctor",
            )
        time.sleep(session.poll_seconds)


def _spoken(version: str | None) -> str:
    return f"v{version}" if version else "no model"
