"""`data`: a project's history, version by version."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import ClientError

from dropforge import layout
from dropforge.aws.clients import client
from dropforge.aws.documents import read_bytes
from dropforge.cli.console import as_json, line, table
from dropforge.cli.options import AsJson, CloudChoice, Debug, ProjectName, Stage
from dropforge.cli.session import Session, connect
from dropforge.errors import DropforgeError, LockHeld
from dropforge.ledger import RegisteredModel

app = typer.Typer(
    help="The history's versions: log, show, diff, restore, vacuum.", no_args_is_help=True
)

VersionNumber = Annotated[int, typer.Argument(help="A version (dropforge data log).", min=0)]


class LakeNotReadable(DropforgeError):
    """The packages that read Delta tables are not installed here."""


class LineageUnreadable(DropforgeError):
    """A registered model does not say which version of the history it was trained on."""


@app.command("log")
def log(
    project: ProjectName,
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """List the versions: what changed, when, from which file, by whom."""
    versions, _, uri = _open(project, stage, cloud, quiet=json_)
    found = versions.log(uri)[:limit]
    if json_:
        as_json([asdict(version) for version in found])
        return
    if not found:
        line(f"{project} has no history yet. Next: dropforge drop FILE --project {project}")
        return
    columns = ("version", "time (UTC)", "change", "period", "rows", "file", "who", "run")
    table(
        columns,
        (
            (
                str(v.version),
                f"{v.at:%Y-%m-%d %H:%M:%S}",
                v.kind,
                v.period or "-",
                "-" if v.rows is None else f"{v.rows:,}",
                v.key or v.drop or "-",
                v.by or "-",
                v.run or "-",
            )
            for v in found
        ),
    )


@app.command("show")
def show(
    project: ProjectName,
    version: Annotated[
        int | None, typer.Option("--version", help="Default: as it is now.", min=0)
    ] = None,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Show the periods: rows, bytes, and the drops that they come from."""
    versions, _, uri = _open(project, stage, cloud, quiet=json_)
    periods = versions.show(uri, version)
    if json_:
        as_json([asdict(period) for period in periods])
        return
    table(
        ("period", "rows", "bytes", "drops"),
        ((p.period, f"{p.rows:,}", f"{p.bytes:,}", ", ".join(p.drops)) for p in periods),
    )
    line(f"{sum(p.rows for p in periods):,} rows in {len(periods)} periods.")


@app.command("diff")
def diff(
    project: ProjectName,
    old: VersionNumber,
    new: VersionNumber,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Compare two versions: rows added, removed and changed, a period a line, by the id."""
    _, session, uri = _open(project, stage, cloud, quiet=json_)
    from sagemaker_jobs.history.difference import diff as compare

    found = compare(uri, old, new, session.spec(project).id)
    if json_:
        as_json([asdict(period) for period in found])
    elif not found:
        line(f"The versions {old} and {new} hold the same rows.")
    else:
        rows = (
            (d.period, f"+{d.added:,}", f"-{d.removed:,}", f"{d.changed:,} changed") for d in found
        )
        table(("period", "added", "removed", "changed"), rows)


@app.command("restore")
def restore(
    project: ProjectName,
    version: VersionNumber,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Make an old version's rows the current ones, as a new version; training is due after it."""
    versions, session, uri = _open(project, stage, cloud)
    with _lock(session, project, "restore") as holder:
        new = versions.restore(uri, version, by=_caller(), run=holder)
        session.ledger.make_training_due(project, new, holder)
    line(f"The history of {project} is as it was at version {version}: that is version {new} now.")
    line("Nothing was deleted, and the model in production is unchanged. Training is due: the next")
    line(f"drop of {project} settles it. To do so now: dropforge train {project}")


@app.command("vacuum")
def vacuum(
    project: ProjectName,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; default: only say what.")] = False,
    retention: Annotated[
        int | None,
        typer.Option(
            help="Keep versions that were current in so many days; default: the project's own.",
            min=1,
        ),
    ] = None,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Delete data files that no kept version needs: never one that a registered model names."""
    versions, session, uri = _open(project, stage, cloud, quiet=json_)
    days = retention or max(session.spec(project).retention_days, 1)
    with _lock(session, project, "vacuum"):
        named = {_lake_version(model) for model in session.ledger.models(project)}
        keep = versions.versions_to_keep(uri, named, days)
        files = versions.vacuum(uri, keep, days=days, dry_run=not yes)
    if json_:
        as_json({"deleted": yes, "files": files, "kept_versions": keep})
        return
    for path in files:
        line(path)
    done = "were deleted" if yes else "would be deleted (nothing was; delete with --yes)"
    line(f"{len(files)} data files {done}.")
    line(f"{len(keep)} versions stay readable, {len(named)} of them named by registered models.")


def _open(project: str, stage: str, cloud: Any, *, quiet: bool = False) -> tuple[Any, Session, str]:
    """The module that reads versions, the session, and the table's place.

    Raises:
        LakeNotReadable: an installation without the jobs' packages.
    """
    try:
        from sagemaker_jobs.history import versions
    except ModuleNotFoundError as error:
        raise LakeNotReadable(
            f"The history is a Delta table, and the module {error.name} that reads it is not "
            "installed here. Nothing was changed.",
            next_command="make setup in the repository",
        ) from error
    session = connect(stage, cloud, quiet=quiet)
    session.pushed(project)
    _lend_credentials()
    return versions, session, history_uri(session, project)


def history_uri(session: Session, project: str) -> str:
    """Where a project's history lies."""
    return str(layout.history_table(session.stack.lake_bucket, project))


def _lend_credentials() -> None:
    """Give deltalake, which knows no profiles and no single sign-on, what boto3 has found."""
    found = boto3.Session()
    credentials = found.get_credentials()
    if credentials is None:
        return
    frozen = credentials.get_frozen_credentials()
    os.environ["AWS_ACCESS_KEY_ID"] = frozen.access_key
    os.environ["AWS_SECRET_ACCESS_KEY"] = frozen.secret_key
    if frozen.token:
        os.environ["AWS_SESSION_TOKEN"] = frozen.token
    if found.region_name:
        os.environ.setdefault("AWS_REGION", found.region_name)


@contextmanager
def _lock(session: Session, project: str, work: str) -> Iterator[str]:
    """Hold the project's pipeline lock.

    The holder is named like an execution, so that a run that finds the lock of a command that was
    killed sees that nothing of that name runs, and takes it over.

    Raises:
        LockHeld: somebody else holds it.
    """
    name = f"cli-{work}-{uuid.uuid4().hex[:12]}"
    holder = f"{session.stack.pipeline_arn.replace(':stateMachine:', ':execution:')}:{name}"
    if not session.ledger.acquire(project, "pipeline", holder):
        lock = session.ledger.lock(project, "pipeline")
        other = lock.holder.rpartition(":")[2] if lock else "another run"
        raise LockHeld(
            f"Tried to {work} the history of {project}, but {other} works on the project. "
            "Nothing was changed.",
            next_command=f"dropforge run show {other} --follow, then the same again",
        )
    try:
        yield name
    finally:
        session.ledger.release(project, "pipeline", holder)


def _caller() -> str:
    return str(client("sts").get_caller_identity()["Arn"])


def _lake_version(model: RegisteredModel) -> int:
    """The version of the history that a model was trained on."""
    uri = f"{model.artifact_uri.rstrip('/')}/lineage.json"
    try:
        return int(json.loads(read_bytes(uri))["lake_version"])
    except (ClientError, KeyError, TypeError, ValueError) as error:
        raise LineageUnreadable(
            f"Model v{model.version} is registered, but {uri} does not say which version of the "
            "history it needs, so none can be called unneeded. Nothing was deleted."
        ) from error
