"""`drop` and `redrive`: files into the drop bucket, and failed ones once more."""

import time
from pathlib import Path
from typing import Annotated

import typer

from dropforge.aws.clients import client
from dropforge.cli import executions
from dropforge.cli.console import line, remark
from dropforge.cli.dead_letters import replay
from dropforge.cli.follow import follow
from dropforge.cli.options import CloudChoice, Debug, ProjectName, Stage, Wait
from dropforge.cli.session import Session, connect
from dropforge.dropkey import DropKey, drop_id
from dropforge.drops import PENDING, DropRecord
from dropforge.errors import CloudUnavailable, InvalidDropKey, RunFailed, UnreadableFile
from dropforge.names import run_name
from dropforge.period import Period

INTAKE_SECONDS = 120.0


def drop(
    files: Annotated[list[Path], typer.Argument(help="CSV, TSV, Excel, Parquet or JSON lines.")],
    project: Annotated[
        str | None, typer.Option("--project", help="Default: the only pushed project.")
    ] = None,
    wait: Wait = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Put files into the drop bucket, as `aws s3 cp` would."""
    session = connect(stage, cloud)
    name = project or _only_project(session)
    session.pushed(name)
    dropped = [upload(session, name, file) for file in files]
    for key, _ in dropped:
        line(f"Dropped s3://{session.stack.drop_bucket}/{key}")
    if not wait:
        runs = f"dropforge runs {name}"
        line(f"Next: {' or '.join(dict.fromkeys([runs, session.told(runs)]))}")
        return
    failed = [key for key, identity in dropped if not settle(session, name, key, identity)]
    if failed:
        raise RunFailed(
            f"Not accepted, or the run failed: {', '.join(failed)}. "
            "The files are still in the drop bucket.",
            next_command=session.told(f"dropforge runs {name}"),
        )


def upload(session: Session, project: str, file: Path) -> tuple[str, str]:
    """Upload a file; answers its key and the drop's identity.

    Raises:
        UnreadableFile: no such file here.
        InvalidDropKey: a name outside the drop contract.
    """
    if not file.is_file():
        raise UnreadableFile(f"There is no file {file}. Nothing was dropped.")
    key = DropKey.parse(f"{project}/{file.name}").key
    bucket, s3 = session.stack.drop_bucket, client("s3")
    s3.upload_file(str(file), bucket, key)
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    return key, drop_id(bucket, key, version)


def settle(session: Session, project: str, key: str, identity: str) -> bool:
    """Wait until a drop is settled, following its run, and say how it ended.

    True if the file was accepted (or known before) and its run succeeded.
    """
    record, succeeded = _await_intake(session, project, key, identity), True
    if record.state in PENDING and record.execution:
        succeeded = follow(session, record.execution)
        record = session.ledger.drop(project, identity) or record
    known = (
        ": these bytes were taken before, nothing changed" if record.state == "duplicate" else ""
    )
    line(f"{key}: {record.state}{known}" + "".join(f"\n  {r.message}" for r in record.reasons))
    return succeeded and record.state in ("accepted", "duplicate")


def _await_intake(session: Session, project: str, key: str, identity: str) -> DropRecord:
    deadline = time.monotonic() + INTAKE_SECONDS
    while time.monotonic() < deadline:
        record = session.ledger.drop(project, identity)
        if record is not None and record.state != "claimed":
            return record
        time.sleep(session.poll_seconds / 2)
    raise CloudUnavailable(
        f"{key} was uploaded, but intake did not take it within {INTAKE_SECONDS:.0f} s. "
        "Nothing is lost: its event waits in the queue or the dead-letter queue.",
        next_command="dropforge doctor",
    )


def redrive(
    project: ProjectName,
    wait: Wait = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Take failed files up again, and events from the dead-letter queue. Nothing is uploaded."""
    session = connect(stage, cloud)
    replayed = replay(session, project)
    started = [_again(session, record) for record in session.ledger.drops(project, {"failed"})]
    line(f"{len(started)} failed files started again, {replayed} undelivered events replayed.")
    if (due := session.ledger.training_due(project)) and due.failed_run:
        remark(f"Training is still due after {due.failed_run} failed: dropforge train {project}")
    for arn in started if wait else []:
        follow(session, arn)


def _again(session: Session, record: DropRecord) -> str:
    spec = session.spec(record.project)
    stem = DropKey.parse(record.key).stem
    period = Period.parse(stem, spec.period, spec.history)
    record = session.ledger.reopen(record)
    name = run_name(record.project, period.canonical, record.id, record.attempt)
    document = {
        "project": record.project,
        "project_version": session.pushed(record.project).version,
        "trigger": "drop",
        "drop": record.id,
    }
    arn = executions.start(session.stack.pipeline_arn, name, document)
    session.ledger.start(record, arn)
    line(f"  {record.key}: run {name} (attempt {record.attempt})")
    return arn


def _only_project(session: Session) -> str:
    projects = session.ledger.projects()
    if len(projects) == 1:
        return projects[0]
    raise InvalidDropKey(
        f"The stage {session.stage} has {len(projects)} projects"
        + (f" ({', '.join(projects)})" if projects else "")
        + ": say which one the file is for.",
        next_command="dropforge drop FILE --project NAME" if projects else "dropforge push PROJECT",
    )
