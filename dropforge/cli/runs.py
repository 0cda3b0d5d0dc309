"""`runs` and `run show`: what happened."""

from dataclasses import asdict, dataclass
from itertools import islice
from typing import Annotated, Any

import typer

from dropforge.cli import executions
from dropforge.cli.console import as_json, heading, line, table
from dropforge.cli.executions import Execution
from dropforge.cli.follow import follow, show
from dropforge.cli.history import read_history
from dropforge.cli.options import AsJson, CloudChoice, Debug, Stage
from dropforge.cli.session import Session, connect
from dropforge.cli.stories import read_story
from dropforge.errors import RunFailed
from dropforge.mail import spoken_duration
from dropforge.metrics import METRIC_NAMES, Metric
from dropforge.names import slug
from dropforge.runs import RunStory
from dropforge.verdict import Verdict

run_app = typer.Typer(help="One run, state by state.", no_args_is_help=True)


@dataclass(frozen=True)
class RunLine:
    """A run in one line. `outcome` is the verdict, or what else came of it."""

    run: str
    project: str
    started_at: str
    took: str
    status: str
    files: list[str]
    outcome: str
    metric: Metric | None = None
    value: float | None = None
    model: str | None = None
    deployed: bool = False


def runs(
    project: Annotated[str | None, typer.Argument(help="Only this project's.")] = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """List runs, the newest first."""
    session = connect(stage, cloud, quiet=json_)
    lines = list(islice(_lines(session, project), limit))
    if json_:
        as_json([asdict(run) for run in lines])
        return
    if not lines:
        line(f"No runs{' of ' + project if project else ''} yet. Next: dropforge drop FILE")
        return
    table(
        ("run", "started (UTC)", "took", "files", "outcome", "metric", "model"),
        (
            (
                run.run,
                run.started_at[5:16].replace("T", " "),
                run.took,
                ", ".join(run.files) or "-",
                run.outcome if run.status == "SUCCEEDED" else run.status,
                f"{METRIC_NAMES[run.metric]} {run.value:.3f}"
                if run.metric and run.value is not None
                else "-",
                "-" if run.model is None else f"v{run.model}{' deployed' if run.deployed else ''}",
            )
            for run in lines
        ),
    )


@run_app.command("show")
def run_show(
    run: Annotated[str, typer.Argument(help="A run's name or ARN.")],
    follow_: Annotated[bool, typer.Option("--follow", help="Until it ends.")] = False,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Show a run state by state, its nested deployment too, and what came of it."""
    session = connect(stage, cloud, quiet=json_)
    execution = executions.find(session, run)
    if json_:
        as_json(_document(session, execution))
        return
    if follow_:
        follow(session, execution.arn)
        execution = executions.describe(execution.arn)
    else:
        show(session, execution)
    tell_story(session, execution)
    if execution.ended and execution.status != "SUCCEEDED" and follow_:
        raise RunFailed(
            f"Run {execution.name} failed.", next_command=session.told("dropforge runs")
        )


def tell_story(session: Session, execution: Execution) -> None:
    """Print what came of a run: verdict, rules, files, and where the rest is."""
    story = read_story(session, execution)
    if story.verdict is not None:
        heading(f"{story.verdict.verdict}: {story.verdict.headline}")
        tell_rules(story.verdict)
    if story.drops:
        heading("Files")
        for drop in story.drops:
            line(f"  {drop.name}: {drop.state}, {drop.rows:,} rows")
            for reason in drop.reasons:
                line(f"    {reason.message}")
    for scored in story.scored.drops if story.scored else []:
        line(f"  {scored.name}: predictions in {scored.predictions_uri}")
    if story.evaluation is not None:
        line(f"Report: {story.evaluation.report_uri}")


def tell_rules(verdict: Verdict) -> None:
    """Print a verdict's rules, a line each; what a failure means is its level."""
    rules = ((r.outcome, r.title, r.observed, r.required, r.level) for r in verdict.rules)
    table(("", "rule", "observed", "required", "level"), rules)


def run_line(session: Session, execution: Execution) -> RunLine:
    """A run of the pipeline in one line."""
    story = read_story(session, execution)
    took = spoken_duration(story.duration)
    value = metric = None
    if story.evaluation is not None:
        metric = story.evaluation.metric
        value = story.evaluation.challenger.metrics[metric].value
    return RunLine(
        run=execution.name,
        project=execution.project,
        started_at=execution.started_at.isoformat(),
        took=took,
        status=execution.status,
        files=[drop.name for drop in story.drops],
        outcome=_outcome(session, execution, story),
        metric=metric,
        value=value,
        model=story.registration.version if story.registration else None,
        deployed=story.deployment is not None,
    )


def _lines(session: Session, project: str | None) -> Any:
    prefix = f"{slug(project)[:18]}-" if project else ""
    for arn in executions.recent(session.stack.pipeline_arn, prefix=prefix):
        execution = executions.describe(arn)
        if project in (None, execution.project):
            yield run_line(session, execution)


def _outcome(session: Session, execution: Execution, story: RunStory) -> str:
    if story.verdict is not None:
        return story.verdict.verdict
    if story.scored is not None and story.scored.drops:
        return f"scored {sum(drop.rows for drop in story.scored.drops):,} rows"
    if story.drops:
        return ", ".join(dict.fromkeys(drop.state for drop in story.drops))
    drop = execution.input.get("drop")
    record = session.ledger.drop(execution.project, drop) if drop else None
    if record is not None and record.settled_by not in (None, execution.name):
        return f"covered by {record.settled_by}"
    return "-"


def _document(session: Session, execution: Execution) -> dict[str, Any]:
    story = read_story(session, execution)
    steps = [
        {"name": s.name, "type": s.type, "entered": s.entered, "seconds": s.seconds}
        for s in read_history(execution.arn)
    ]
    return {
        "run": execution.name,
        "arn": execution.arn,
        "status": execution.status,
        "input": execution.input,
        "error": execution.error,
        "cause": execution.cause,
        "steps": steps,
        "story": story.model_dump(mode="json", exclude_none=True),
    }
