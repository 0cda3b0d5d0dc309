"""`reproduce`: a registered model made again from its lineage, in a job, byte for byte."""

import time
from typing import Annotated, Any

import typer

from dropforge import layout
from dropforge.aws.clients import client
from dropforge.aws.documents import read_document
from dropforge.aws.projects import fetch_project
from dropforge.cli.console import line
from dropforge.cli.executions import fresh_name
from dropforge.cli.options import AsJson, CloudChoice, Debug, ProjectName, Stage
from dropforge.cli.registry import find_model
from dropforge.cli.session import Session, connect
from dropforge.errors import ArtifactBroken, DropforgeError, RunFailed
from dropforge.ledger import RegisteredModel
from dropforge.project import ProjectSpec
from dropforge.reproduction import Reproduction

POLL_SECONDS = 2.0
MAX_SECONDS = 4 * 3600
VOLUME_GB = 30


class NotReproduced(DropforgeError):
    """The model made again is not the registered one."""


def reproduce(
    project: ProjectName,
    version: Annotated[
        str | None, typer.Argument(help="A model's version, as 7 or v7. Default: the champion.")
    ] = None,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make a registered model again from its lineage, and say exactly what differs."""
    session = connect(stage, cloud, quiet=json)
    model = _model(session, project, version)
    spec = fetch_project(session.stack.lake_bucket, project, model.project_version)
    name = fresh_name(project, "reproduce")
    client("sagemaker").create_processing_job(**request(session, spec, model, name))
    if not json:
        line(f"Making {project} v{model.version} again: job {name}.")
    _wait(name)
    place = layout.reproduction(session.stack.lake_bucket, project, name)
    found = read_document(place, Reproduction)
    if json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        for text in found.lines:
            line(f"  {text}")
    if not found.equal:
        raise NotReproduced(
            f"{project} v{model.version} made again is not the registered model byte for byte. "
            "Nothing was changed.",
            next_command=f"dropforge model show {project} {model.version}",
        )
    if not json:
        line(f"{project} v{model.version}: byte for byte the same, in {found.seconds:.0f} s.")


def request(
    session: Session, spec: ProjectSpec, model: RegisteredModel, name: str
) -> dict[str, Any]:
    """The CreateProcessingJob request, with the image and the role of the stage's own jobs.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html
    """
    stack, run = session.stack, layout.reproduction(session.stack.lake_bucket, spec.name, name)
    inside = "/opt/ml/processing"
    return {
        "ProcessingJobName": name,
        "RoleArn": stack.job_role_arn,
        "AppSpecification": {
            "ImageUri": stack.job_image_uri,
            "ContainerEntrypoint": ["python", "-m", "sagemaker_jobs", "reproduce"],
            "ContainerArguments": [
                *("--project", spec.name, "--project-version", model.project_version),
                *("--run", name, "--model-version", model.version),
            ],
        },
        "Environment": {
            "DROPFORGE_IMAGE": stack.job_image_uri,
            "DROPFORGE_STAGE": session.stage,
            "DROPFORGE_LEDGER_TABLE": stack.ledger_table,
            "DROPFORGE_LAKE_BUCKET": stack.lake_bucket,
            "DROPFORGE_DROP_BUCKET": stack.drop_bucket,
        },
        "ProcessingInputs": [
            {
                "InputName": "artifact",
                "S3Input": {
                    "S3Uri": model.artifact_uri,
                    "LocalPath": f"{inside}/input/artifact",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "reproduction",
                    "S3Output": {
                        "S3Uri": str(run).rsplit("/", 1)[0],
                        "LocalPath": f"{inside}/output/reproduction",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": spec.resources.training[0],
                "VolumeSizeInGB": VOLUME_GB,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": MAX_SECONDS},
        "Tags": [{"Key": "dropforge:project", "Value": spec.name}],
    }


def _model(session: Session, project: str, version: str | None) -> RegisteredModel:
    if version is not None:
        return find_model(session, project, version)
    session.pushed(project)
    champion = session.ledger.champion(project)
    if champion is None:
        raise ArtifactBroken(
            f"{project} has no champion yet. Nothing was started.",
            next_command=f"dropforge model list {project}",
        )
    return find_model(session, project, champion.version)


def _wait(name: str) -> None:
    while True:
        job = client("sagemaker").describe_processing_job(ProcessingJobName=name)
        status = job["ProcessingJobStatus"]
        if status == "Completed":
            return
        if status in ("Failed", "Stopped"):
            why = job.get("ExitMessage") or job.get("FailureReason") or "no reason given"
            raise RunFailed(f"The job {name} ended {status}: {why} Nothing was changed.")
        time.sleep(POLL_SECONDS)
