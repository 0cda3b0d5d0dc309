"""`validate` and `push`: a project is data, so a new one needs no deployment."""

from dropforge.aws.projects import publish_project
from dropforge.cli.console import line, remark, table
from dropforge.cli.folders import read_project
from dropforge.cli.options import CloudChoice, Debug, ProjectFolder, Stage
from dropforge.cli.project_facts import facts
from dropforge.cli.session import Session, connect
from dropforge.cli.subscriptions import SUBSCRIPTION_STATES, subscribe
from dropforge.project import ProjectSpec


def validate(project: ProjectFolder, debug: Debug = False) -> None:
    """Check a project's files; nothing is sent anywhere."""
    folder, spec = read_project(project)
    line(f"{folder}: a valid project, version {spec.version}", style="green")
    table(("", ""), facts(spec))


def push(
    project: ProjectFolder, stage: Stage = "dev", cloud: CloudChoice = None, debug: Debug = False
) -> None:
    """Make a project's present files the ones that new runs use, and subscribe its recipients."""
    _, spec = read_project(project)
    push_spec(connect(stage, cloud), spec)
    line(f"Next: dropforge drop {spec.history}.csv --project {spec.name}")


def push_spec(session: Session, spec: ProjectSpec) -> None:
    """Store a project, point at it, subscribe its recipients; say what will happen now."""
    before = session.ledger.project(spec.name)
    version = publish_project(session.stack.lake_bucket, session.ledger, spec)
    if before and before.version == version:
        line(f"{spec.name} was at version {version} already: nothing changed.")
    else:
        was = f", instead of {before.version}" if before else ""
        line(f"Pushed {spec.name}: new runs use version {version}{was}.", style="green")
    for address, state in subscribe(session.stack.topic_arn, spec).items():
        remark(f"  {address}: {SUBSCRIPTION_STATES[state]}")
