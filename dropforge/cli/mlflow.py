"""`mlflow`: every training of a stage in MLflow, on this machine or on a server that is there."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.error import URLError
from urllib.request import urlopen

import typer

from dropforge import layout
from dropforge.aws.documents import read_bytes, read_document
from dropforge.aws.mlflow import MLflowServer
from dropforge.cli.console import line, remark
from dropforge.cli.folders import REPOSITORY
from dropforge.cli.local_cloud import default_home
from dropforge.cli.options import CloudChoice, Debug, Stage
from dropforge.cli.session import Session, connect
from dropforge.errors import DropforgeError
from dropforge.evaluation import Evaluation
from dropforge.ledger import RegisteredModel
from dropforge.tracking import tracked_run
from dropforge.verdict import Verdict

LOCK = REPOSITORY / "requirements" / "mlflow.txt"
START_SECONDS = 90


class MLflowMissing(DropforgeError):
    """MLflow could not be installed or started."""


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


@contextmanager
def serving(home: Path, port: int) -> Iterator[str]:
    """MLflow's own server over a SQLite file below `home`, on the loopback only; its address.

    Raises:
        MLflowMissing: it cannot be installed, or does not start.
    """
    python = _environment(home)
    address = f"http://127.0.0.1:{port}"
    log = home / "server.log"
    command = [str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}"]
    command += ["--serve-artifacts", "--artifacts-destination", str(home / "artifacts")]
    command += ["--workers", "1"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=out, env=_plain_environment(), start_new_session=True
        )
    try:
        _wait(server, address, log)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def _environment(home: Path) -> Path:
    """MLflow in an environment of its own, from its lock; made when first needed."""
    venv, lock = home / "venv", LOCK.read_text(encoding="utf-8")
    python, stamp = venv / "bin" / "python", venv / ".lock"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return python
    remark("Installing MLflow, once (about 650 MB; it is no part of the other environments).")
    home.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(venv, ignore_errors=True)
    uv = Path(sys.executable).parent / "uv"
    target = ["--python", str(python), "--require-hashes", "--requirement", str(LOCK)]
    for arguments in (["venv", "--python", sys.executable, str(venv)], ["pip", "install", *target]):
        done = subprocess.run(
            [str(uv), *arguments, "--quiet"], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise MLflowMissing(
                f"MLflow could not be installed into {venv}: {done.stderr.strip()[-500:]}",
                next_command="dropforge mlflow --to a server that runs elsewhere",
            )
    stamp.write_text(lock, encoding="utf-8")
    return python


def _plain_environment() -> dict[str, str]:
    """This process's environment without what would lead MLflow elsewhere."""
    hidden = ("MLFLOW_", "PYTHON", "GUNICORN_", "AWS_")
    return {k: v for k, v in os.environ.items() if not k.startswith(hidden)} | {
        "MLFLOW_DISABLE_TELEMETRY": "true"
    }


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    for _ in range(START_SECONDS * 4):
        if server.poll() is not None:
            break
        try:
            with urlopen(f"{address}/health", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.25)
    last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
    raise MLflowMissing(
        f"MLflow's server did not start at {address}. The end of {log}:\n{last}",
        next_command="dropforge mlflow --port another one",
    )
