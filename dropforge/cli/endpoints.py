"""`endpoint deploy` and `endpoint delete`: what a change of project.yml alone does not do."""

from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code
from dropforge.cli import executions
from dropforge.cli.console import line
from dropforge.cli.endpoint import Endpoint
from dropforge.cli.follow import follow, run_failed, say_how
from dropforge.cli.history import read_history
from dropforge.cli.interruption import announce, counted
from dropforge.cli.options import CloudChoice, Debug, ProjectName, Stage
from dropforge.cli.session import Session, connect
from dropforge.errors import DropforgeError, LockHeld
from dropforge.mail import spoken_duration
from dropforge.names import VARIANT

app = typer.Typer(help="A project's endpoint.", no_args_is_help=True)


class NothingToDeploy(DropforgeError):
    """No model in production, or one that the ledger does not know."""


class EndpointKept(DropforgeError):
    """An endpoint that was not deleted."""


@app.command()
def deploy(
    project: ProjectName,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Allow an interruption: a real-time endpoint becomes serverless by no other way.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow the deployment until it ends.")] = True,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Deploy the model in production again, as project.yml says now: instances, scaling, mode."""
    session = connect(stage, cloud)
    session.pushed(project)
    champion = session.ledger.champion(project)
    model = session.ledger.model(project, champion.version) if champion else None
    if champion is None or model is None:
        raise NothingToDeploy(
            f"{project} has no model in production. Nothing was changed.",
            next_command=f"dropforge train {project}",
        )
    if replace and not yes:
        typer.confirm(announce(session, project, Endpoint(project, stage).name), abort=True)
    name = executions.fresh_name(project, "deploy")
    document: dict[str, Any] = model.deployment_input(
        project, run=name, expected=champion.version, reason="promote"
    ) | ({"replace": True} if replace else {})
    arn = executions.start(session.stack.deployment_arn, name, document)
    line(f"Deploying v{model.version} of {project} again: {name}.")
    if not wait:
        say_how(name)
        return
    succeeded = follow(session, arn)
    if silence := counted(read_history(arn)) if replace else None:
        line(f"Nobody answered for {spoken_duration(silence)}.")
    if not succeeded:
        raise run_failed(session, "Deployment", name)


@app.command()
def delete(
    project: ProjectName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Delete the endpoint, its alarms and its scaling. Models and their settings are kept."""
    session = connect(stage, cloud)
    spec = session.spec(project)
    endpoint = Endpoint(project, stage)
    status = endpoint.status()
    if status is None:
        line(f"{project} has no endpoint in stage {stage}. Nothing was changed.")
        return
    _check_lock(session, project)
    if not yes:
        typer.confirm(
            f"The endpoint {endpoint.name} ({status}) will stop answering. Delete it?", abort=True
        )
    _delete(endpoint.name)
    line(f"Deleted the endpoint {endpoint.name}. The model in production is still the champion.")
    if spec.endpoint != "none":
        line(
            f"The project says endpoint: {spec.endpoint}, so the next deployment makes it again: "
            f"dropforge endpoint deploy {project}"
        )


def _check_lock(session: Session, project: str) -> None:
    lock = session.ledger.lock(project, "deployment")
    if lock is None or _ended(lock.holder):
        return
    raise LockHeld(
        f"A deployment of {project} is running since {lock.acquired_at:%Y-%m-%d %H:%M} UTC. The "
        "endpoint was not deleted.",
        next_command=f"dropforge run show {lock.holder.rsplit(':', 1)[-1]} --follow",
    )


def _ended(execution: str) -> bool:
    try:
        return executions.describe(execution).ended
    except ClientError as error:
        if error_code(error) == "ExecutionDoesNotExist":
            return True
        raise


def _delete(name: str) -> None:
    try:
        client("sagemaker").delete_endpoint(EndpointName=name)
    except ClientError as error:
        if error_code(error) != "ValidationException":
            raise
        raise EndpointKept(
            f"SageMaker does not delete {name} now: {error.response['Error']['Message']} It was "
            "left as it is.",
            next_command=f"aws sagemaker describe-endpoint --endpoint-name {name}",
        ) from error
    client("cloudwatch").delete_alarms(AlarmNames=_alarms(name))
    _unscale(name)


def _alarms(endpoint: str) -> list[str]:
    """Those of the endpoint's own alarms that exist: deleting others is an error."""
    own = [f"{endpoint}-5xx", f"{endpoint}-latency"]
    answer = client("cloudwatch").describe_alarms(AlarmNames=own)
    return [alarm["AlarmName"] for alarm in answer["MetricAlarms"]]


def _unscale(endpoint: str) -> None:
    """Takes off what scales it: instances, or provisioned concurrency."""
    scaling = client("application-autoscaling")
    named = ("ServiceNamespace", "ScalableDimension", "ResourceId")
    found = scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{endpoint}/variant/{VARIANT}"]
    )
    for target in found["ScalableTargets"]:
        scaling.deregister_scalable_target(**{key: target[key] for key in named})
