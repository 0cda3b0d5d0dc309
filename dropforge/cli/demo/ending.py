"""The demo's end: the table of runs, where everything is, what to try, and what is missing."""

import shutil
import sys
from pathlib import Path

from dropforge.cli.console import heading, line, short, styled, table
from dropforge.cli.demo.files import DemoFile
from dropforge.cli.demo.scenario import DemoRun, Scenario
from dropforge.cli.endpoint import Endpoint


def print_runs(runs: list[DemoRun]) -> None:
    """One line a dropped file."""
    table(
        ("file", "rows", "outcome", "AUC", "champion's AUC", "took", "champion after"),
        (
            (
                run.file.name,
                f"{run.file.rows:,}",
                styled(run.line.outcome),
                "-" if run.line.value is None else f"{run.line.value:.4f}",
                _champion_value(run),
                run.line.took,
                f"v{run.champion}" if run.champion else "none",
            )
            for run in runs
        ),
    )


def print_places(scenario: Scenario) -> None:
    """Where the results are, on disk and in the cloud."""
    project, session = scenario.spec.name, scenario.session
    lake = session.stack.lake_bucket
    heading("Where everything is")
    line(f"  reports, predictions, mails   {short(scenario.out)}")
    line(f"  the same in the lake          s3://{lake}/runs/{project}/ and /predictions/{project}/")
    line(f"  endpoint                      {Endpoint(project, session.stage).name}")
    line(f"  local cloud                   {session.cloud.endpoint_url}")


def print_next(project: str, files: list[DemoFile]) -> None:
    """Commands worth trying now."""
    me = program()
    line(f"  {me} runs {project}")
    line(f"  {me} model list {project}")
    line(f"  {me} predict {project} {short(files[-1].path)}")
    line(f"  {me} push credit")
    line(
        f'  eval "$({me} env)" && aws sagemaker list-model-packages '
        f"--model-package-group-name {Endpoint(project, 'dev').name}"
    )
    line(f"  {me} down")


def program() -> str:
    """What to type for this program here: its path, if the shell would not find its name."""
    called = Path(sys.argv[0])
    found = shutil.which("dropforge")
    if called.name != "dropforge" or (found and Path(found).samefile(called)):
        return "dropforge"
    return short(called.absolute())


def missing(scenario: Scenario, files: list[DemoFile]) -> list[str]:
    """What should have happened and did not; empty if the demo is complete."""
    runs = scenario.runs
    problems = [f"{file.name} was settled by no run" for file in files if not _of(runs, file)]
    for run in runs:
        if run.line.status != "SUCCEEDED":
            problems.append(f"run {run.line.run} ended {run.line.status}")
        if run.state != "accepted":
            problems.append(f"{run.file.name} is {run.state}, not accepted")
        if not run.mailed:
            problems.append(f"no mail came of run {run.line.run}")
    if not any(run.story.deployment for run in runs):
        problems.append("no model was promoted and deployed")
    if not any(run.story.evaluation and run.story.evaluation.comparison for run in runs):
        problems.append("no model was compared with a champion on rows that neither had seen")
    return problems + _predictions(scenario, files[-1])


def _predictions(scenario: Scenario, file: DemoFile) -> list[str]:
    run = _of(scenario.runs, file)
    scored = run.story.scored.drops if run and run.story.scored else []
    rows = sum(drop.rows for drop in scored)
    problems = []
    if rows != file.rows:
        problems.append(f"{rows} predictions for the {file.rows} rows of {file.name}")
    agreement = scenario.agreement
    if agreement is None:
        problems.append("the endpoint was not asked")
    elif agreement.equal != agreement.rows:
        problems.append(
            f"{agreement.rows - agreement.equal} of {agreement.rows} answers of the endpoint are "
            "not the batch score of the same row"
        )
    return problems


def _of(runs: list[DemoRun], file: DemoFile) -> DemoRun | None:
    return next((run for run in runs if run.file == file), None)


def _champion_value(run: DemoRun) -> str:
    evaluation = run.story.evaluation
    if evaluation is None or evaluation.champion is None:
        return "-"
    return f"{evaluation.champion.metrics[evaluation.metric].value:.4f}"
