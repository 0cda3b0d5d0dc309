"""`dropforge`: the root command."""

import typer

from dropforge import __version__
from dropforge.cli import (
    data,
    decisions,
    demo,
    doctor,
    drops,
    endpoints,
    generate,
    init,
    local_cloud,
    mails,
    mlflow,
    models,
    predict,
    profile,
    projects,
    registry,
    reproduce,
    runs,
    shadows,
)
from dropforge.cli.guard import Guarded

app = typer.Typer(
    name="dropforge",
    cls=Guarded,
    help="A dropped file becomes a judged, deployed model, and one e-mail says why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

START = "Start"
WORK = "Work"
LOOK = "Look"

app.command(rich_help_panel=START)(demo.demo)
app.command(rich_help_panel=START)(local_cloud.up)
app.command(rich_help_panel=START)(local_cloud.down)
app.command(rich_help_panel=START)(local_cloud.env)
app.command(rich_help_panel=START)(doctor.doctor)
app.command(rich_help_panel=WORK)(init.init)
app.command(rich_help_panel=WORK)(projects.validate)
app.command(rich_help_panel=WORK)(projects.push)
app.command(rich_help_panel=WORK)(generate.generate)
app.command(rich_help_panel=WORK)(drops.drop)
app.command(rich_help_panel=WORK)(models.train)
app.command(rich_help_panel=WORK)(models.rollback)
endpoints.app.command("shadow")(shadows.shadow)
app.add_typer(endpoints.app, name="endpoint", rich_help_panel=WORK)
app.command(rich_help_panel=WORK)(decisions.approve)
app.command(rich_help_panel=WORK)(decisions.reject)
app.command(rich_help_panel=WORK)(drops.redrive)
app.command(rich_help_panel=WORK)(predict.predict)
app.command(rich_help_panel=LOOK)(profile.profile)
app.command(rich_help_panel=LOOK)(runs.runs)
app.add_typer(runs.run_app, name="run", rich_help_panel=LOOK)
app.add_typer(registry.model_app, name="model", rich_help_panel=LOOK)
app.add_typer(data.app, name="data", rich_help_panel=LOOK)
app.command(rich_help_panel=LOOK)(reproduce.reproduce)
app.command(rich_help_panel=LOOK)(mlflow.mlflow)
app.add_typer(mails.app, name="mail", rich_help_panel=LOOK)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit()


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", is_eager=True, callback=_version
    ),
) -> None:
    """A dropped file becomes a judged, deployed model, and one e-mail says why."""
