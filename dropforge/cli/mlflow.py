"""`mlflow`: every training of a stage in MLflow, on this machine or on a server that is there."""

import datetime as dt
import json
import time
from typing import Annotated

import typer

from dropforge import layout
from dropforge.aws.documents import read_bytes, read_document
from dropforge.aws.mlflow import MLflowServer
from dropforge.cli.console import line, remark
from dropforge.cli.local_cloud import default_home
from dropforge.cli.mlflow_server import serving
from dropforge.cli.options import CloudChoice, Debug, Stage
from dropforge.cli.session import Session, connect
from dropforge.evaluation import Evaluation
from dropforge.ledger import RegisteredModel
from dropforge.tracking import tracked_run
from dropforge.verdict import Verdict


def mlflow(
    project: Annotated[str | None, typer.Argument(help="Default: every project.")] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Send to this tracking server (http://… or a SageMaker server's ARN) and end. "
            "Default: a server on this machine, which runs until Ctrl-C.",
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", help="The local server's port.")] = 5000,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Open MLflow with every training so far: parameters, trials, metrics, report."""
    session = connect(stage, cloud)
    projects = [project] if project else session.ledger.projects()
    if to is not None:
        line(f"{send(session, projects, to)} trainings are tracked by {to}.")
        return
    with serving(default_home() / "mlflow", port) as address:
        count = send(session, projects, address)
        line(f"{count} trainings: {address} (Ctrl-C ends the server; what it knows stays)")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            remark("Stopped.")


def send(session: Session, projects: list[str], address: str) -> int:
    """Track every judged model of the projects; those that are there already stay as they are.

    Raises:
        TrackingUnavailable: the server cannot be reached, or refuses.
    """
    server = MLflowServer(address)
    models = [(name, model) for name in projects for model in session.ledger.models(name)]
    for name, model in models:
        _send(session, server, name, model)
    return len(models)


def _send(session: Session, server: MLflowServer, project: str, model: RegisteredModel) -> None:
    lake = session.stack.lake_bucket
    artifact = model.artifact_uri.rstrip("/")
    run = tracked_run(
        read_document(layout.evaluation(lake, project, model.run), Evaluation),
        read_document(layout.verdict(lake, project, model.run), Verdict),
        json.loads(read_bytes(f"{artifact}/lineage.json")),
        stage=session.stage,
        ended=model.registered_at.astimezone(dt.UTC),
    )
    files = {
        "report.html": read_bytes(layout.report(lake, project, model.run)),
        "card.md": read_bytes(f"{artifact}/card.md"),
    }
    server.track(run, files)
    remark(f"  {project} v{model.version}: {run.tags['dropforge.verdict']}, {run.name}")
