"""What `doctor` looks at, one function a question."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from dropforge.aws.clients import client
from dropforge.cli import dead_letters
from dropforge.cli.clouds import choose
from dropforge.cli.endpoint import Endpoint
from dropforge.cli.guard import explain_aws
from dropforge.cli.options import CloudKind
from dropforge.cli.registry import how_to_decide
from dropforge.cli.session import Session, connect
from dropforge.cli.subscriptions import is_confirmed, subscriptions
from dropforge.drops import DropRecord
from dropforge.errors import DropforgeError

OLDEST, NEWEST = (3, 11), (3, 13)
OLDEST_NODE = 20
AWS_ERRORS = (BotoCoreError, ClientError)


@dataclass(frozen=True)
class Check:
    """One answer. `todo` is what to do about a problem."""

    name: str
    ok: bool
    found: str
    todo: str | None = None


def check_all(stage: str, cloud: CloudKind | None) -> Iterator[Check]:
    """Every check, in the order in which one depends on the other; stops where nothing follows."""
    yield check_python()
    yield check_node()
    try:
        chosen = choose(cloud)
        caller = client("sts").get_caller_identity()
    except (DropforgeError, *AWS_ERRORS) as error:
        yield _problem("cloud", error)
        return
    yield Check("cloud", True, f"{chosen}, as {caller['Arn']}")
    try:
        session = connect(stage, cloud, quiet=True)
    except (DropforgeError, *AWS_ERRORS) as error:
        yield _problem("stack", error)
        return
    yield Check("stack", True, f"dropforge-{stage}")
    yield from check_stage(session)


def check_stage(session: Session) -> Iterator[Check]:
    """The checks of a deployed stage and its projects."""
    yield from check_subscriptions(session)
    yield check_dead_letters(session)
    projects = session.ledger.projects()
    yield Check(
        "projects",
        bool(projects),
        ", ".join(projects) or "none was pushed",
        None if projects else "dropforge push PROJECT",
    )
    for project in projects:
        yield check_drops(session, project)
        yield check_training(session, project)
        yield from awaiting_decisions(session, project)
        yield check_endpoint(session, project)


def check_python() -> Check:
    """The interpreter's version."""
    version = sys.version_info[:2]
    return Check(
        "python",
        OLDEST <= version <= NEWEST,
        f"{sys.version.split()[0]} at {sys.executable}",
        f"make setup PYTHON=python{NEWEST[0]}.{NEWEST[1]}",
    )


def check_node() -> Check:
    """Node: the CDK's library runs on it. Only `up` and a deployment need it."""
    node = os.environ.get("JSII_NODE") or shutil.which("node") or _beside_python("node")
    if node is None:
        return Check("node", False, "no node on the PATH", "make setup (it brings one)")
    done = subprocess.run([node, "--version"], capture_output=True, text=True)
    version = done.stdout.strip()
    major = version.removeprefix("v").partition(".")[0]
    ok = major.isdigit() and int(major) >= OLDEST_NODE
    return Check(
        "node", ok, f"{version or 'does not run'} at {node}", f"Node {OLDEST_NODE} or later"
    )


def check_subscriptions(session: Session) -> Iterator[Check]:
    """Whether somebody is mailed, and has confirmed."""
    try:
        found = subscriptions(session.stack.topic_arn)
    except ClientError as error:
        yield _problem("mails", error)
        return
    if not found:
        todo = "name recipients in project.yml under notify, then dropforge push"
        yield Check("mails", False, "nobody is mailed", todo)
    for subscription in found:
        confirmed = is_confirmed(subscription)
        yield Check(
            "mails",
            confirmed,
            f"{subscription['Endpoint']}: {'confirmed' if confirmed else 'not confirmed'}",
            "follow the link in AWS's confirmation mail (2 days valid), or push for a new one",
        )


def check_dead_letters(session: Session) -> Check:
    """Whether intake gave up on an event."""
    count = dead_letters.count(session)
    found = "the dead-letter queue is empty" if not count else f"{count} in the dead-letter queue"
    return Check("events", not count, found, "dropforge redrive PROJECT")


def check_drops(session: Session, project: str) -> Check:
    """Whether every file came to an end."""
    drops = session.ledger.drops(project)
    failed = [drop for drop in drops if drop.state == "failed"]
    pending = session.ledger.pending(project)
    found = f"{len(drops)} files, {len(pending)} pending, {len(failed)} failed"
    if failed:
        return Check(f"{project}: drops", False, found, f"dropforge redrive {project}")
    stuck = [drop for drop in pending if _ended(drop)]
    if stuck:
        found += f"; of the pending ones {len(stuck)} have no run any more"
    return Check(
        f"{project}: drops", not stuck, found, f"dropforge train {project} (takes them up)"
    )


def check_training(session: Session, project: str) -> Check:
    """Whether accepted rows wait for a verdict that nobody works on."""
    due = session.ledger.training_due(project)
    if due is None:
        return Check(f"{project}: training", True, "nothing is due")
    found = f"due since {due.since:%Y-%m-%d %H:%M} UTC"
    if due.failed_run:
        found += f"; run {due.failed_run} failed"
    return Check(
        f"{project}: training", due.failed_run is None, found, f"dropforge train {project}"
    )


def awaiting_decisions(session: Session, project: str) -> Iterator[Check]:
    """The models that a person must decide on: no problem, but nobody may know."""
    for model in session.ledger.models(project):
        if model.awaiting:
            yield Check(
                f"{project}: decision",
                True,
                f"v{model.version} awaits one since {model.registered_at:%Y-%m-%d %H:%M} UTC: "
                + how_to_decide(project, model),
            )


def check_endpoint(session: Session, project: str) -> Check:
    """Whether the model in production answers, if the project has an endpoint."""
    name = f"{project}: endpoint"
    champion = session.ledger.champion(project)
    if champion is None:
        return Check(name, True, "no model in production yet")
    spec = session.spec(project)
    if spec.endpoint == "none":
        return Check(name, True, f"v{champion.version} in production, batch only")
    endpoint = Endpoint(project, session.stage)
    status = endpoint.status()
    found = f"{endpoint.name} {status or 'does not exist'}, champion v{champion.version}"
    return Check(name, status == "InService", found, f"dropforge train {project} (deploys anew)")


def _ended(drop: DropRecord) -> bool:
    from dropforge.cli.executions import describe

    return drop.execution is not None and describe(drop.execution).ended


def _beside_python(name: str) -> str | None:
    return shutil.which(name, path=os.path.dirname(sys.executable))


def _problem(name: str, error: Exception) -> Check:
    if isinstance(error, ClientError | BotoCoreError):
        error = explain_aws(error)
    todo = error.next_command if isinstance(error, DropforgeError) else None
    message = error.message if isinstance(error, DropforgeError) else str(error)
    return Check(name, False, message, todo)
