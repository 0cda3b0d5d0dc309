"""`model list` and `model show`: the registered models, and why each is where it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from dropforge import layout
from dropforge.aws.stories import read_documents
from dropforge.cli.console import as_json, heading, line, runnable, table
from dropforge.cli.options import AsJson, CloudChoice, Debug, ProjectName, Stage
from dropforge.cli.runs import tell_rules
from dropforge.cli.session import Session, connect
from dropforge.drops import PrepareResult
from dropforge.errors import DropforgeError
from dropforge.evaluation import Evaluation
from dropforge.ledger import RegisteredModel
from dropforge.metrics import METRIC_NAMES
from dropforge.verdict import Verdict

model_app = typer.Typer(
    help="Registered models, and why each is where it is.", no_args_is_help=True
)

Version = Annotated[str, typer.Argument(help="A model's version, as 7 or v7.")]


class UnknownModel(DropforgeError):
    """The project has no registered model of that version."""


@dataclass(frozen=True)
class ModelStory:
    """A registered model with what its run wrote; what is absent was removed since."""

    model: RegisteredModel
    standing: str
    evaluation: Evaluation | None
    verdict: Verdict | None
    prepared: list[PrepareResult]


def find_model(session: Session, project: str, version: str) -> RegisteredModel:
    """One registered model, by a version as people write it.

    Raises:
        UnknownProject: no project of that name was pushed to this stage.
        UnknownModel: it has no such model.
    """
    session.pushed(project)
    wanted = version.removeprefix("v")
    models = {model.version: model for model in session.ledger.models(project)}
    if wanted not in models:
        known = ", ".join(f"v{known}" for known in models) or "none"
        raise UnknownModel(
            f"{project} has no model {version} (registered: {known}). Nothing was changed.",
            next_command=f"dropforge model list {project}",
        )
    return models[wanted]


def how_to_decide(project: str, model: RegisteredModel) -> str:
    """The commands that decide on a model that awaits it."""
    which = f"{project} {model.version}"
    return runnable(f"dropforge approve {which}, or dropforge reject {which}")


@model_app.command("list")
def model_list(
    project: ProjectName,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """List a project's registered models, the newest first."""
    session = connect(stage, cloud, quiet=json_)
    session.pushed(project)
    champion = session.ledger.champion(project)
    models = session.ledger.models(project)[::-1]
    if json_:
        as_json([_document(model, model.standing(champion)) for model in models])
        return
    if not models:
        line(f"{project} has no registered model yet. Next: dropforge drop FILE")
        return
    table(
        ("version", "verdict", "standing", "compared with", "registered (UTC)", "run"),
        (
            (
                f"v{model.version}",
                model.verdict,
                model.standing(champion),
                f"v{model.expected_champion}" if model.expected_champion else "-",
                f"{model.registered_at:%Y-%m-%d %H:%M}",
                model.run,
            )
            for model in models
        ),
    )
    if awaiting := [model for model in models if model.awaiting]:
        line(f"To decide: {how_to_decide(project, awaiting[0])}")


@model_app.command("show")
def model_show(
    project: ProjectName,
    version: Version,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Show a model: where it stands, its rules line by line, its figures, where it comes from."""
    session = connect(stage, cloud, quiet=json_)
    story = _read(session, project, find_model(session, project, version))
    lake = session.stack.lake_bucket
    if json_:
        as_json(_whole(story, dict(_lineage(story, lake, project))))
        return
    model = story.model
    heading(f"{project} v{model.version}: {story.standing}")
    if story.verdict is not None:
        line(f"{story.verdict.verdict}: {story.verdict.headline}")
        tell_rules(story.verdict)
    else:
        line(f"{model.verdict}; the verdict of run {model.run} is not in the lake any more.")
    if story.evaluation is not None:
        heading("Figures on the holdout")
        table(("metric", "value", "90% interval", "champion"), _figures(story.evaluation))
    heading("Where it comes from")
    for name, value in _lineage(story, lake, project):
        line(f"  {name:<16}{value}")
    if model.awaiting:
        line(f"To decide: {how_to_decide(project, model)}")


def _read(session: Session, project: str, model: RegisteredModel) -> ModelStory:
    documents = read_documents(session.stack.lake_bucket, project, model.run)
    return ModelStory(
        model=model,
        standing=model.standing(session.ledger.champion(project)),
        evaluation=documents["evaluation"],
        verdict=documents["verdict"],
        prepared=documents["prepared"],
    )


def _figures(evaluation: Evaluation) -> Iterator[tuple[str, str, str, str]]:
    champion = evaluation.champion.metrics if evaluation.champion else {}
    for metric, found in evaluation.challenger.metrics.items():
        beside = f"{champion[metric].value:.4f}" if metric in champion else "-"
        interval = f"{found.low:.4f}..{found.high:.4f}"
        yield METRIC_NAMES[metric], f"{found.value:.4f}", interval, beside


def _lineage(story: ModelStory, lake: str, project: str) -> Iterator[tuple[str, str]]:
    """Where everything is that the model was made from, or that was made of it."""
    model, evaluation = story.model, story.evaluation
    yield "run", model.run
    yield "project version", model.project_version
    snapshots = [result.snapshot for result in story.prepared if result.snapshot]
    if snapshots:
        yield "history version", str(snapshots[-1].lake_version)
    if evaluation is not None:
        yield "holdout", f"{evaluation.holdout.period}, {evaluation.holdout.rows:,} rows"
        yield "refit", evaluation.refit
    yield "artifact", model.artifact_uri
    yield "lineage", f"{model.artifact_uri.rstrip('/')}/lineage.json"
    yield "manifest", str(layout.run_root(lake, project, model.run) / "manifest.json")
    yield "model package", model.model_package_arn
    if evaluation is not None:
        yield "report", evaluation.report_uri


def _document(model: RegisteredModel, standing: str) -> dict[str, Any]:
    return model.model_dump(mode="json") | {"standing": standing}


def _whole(story: ModelStory, lineage: dict[str, str]) -> dict[str, Any]:
    return _document(story.model, story.standing) | {
        "verdict_document": story.verdict.model_dump(mode="json") if story.verdict else None,
        "evaluation": story.evaluation.model_dump(mode="json") if story.evaluation else None,
        "lineage": lineage,
    }
