"""`endpoint shadow`: a model that gets copies of live requests, and how it answers them."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from dropforge.cli import executions
from dropforge.cli.console import as_json, line
from dropforge.cli.endpoint import Endpoint
from dropforge.cli.follow import follow_or_say
from dropforge.cli.options import AsJson, CloudChoice, Debug, ProjectName, Stage
from dropforge.cli.registry import find_model
from dropforge.cli.session import Session, connect
from dropforge.cli.shadowed import Shadowed, look
from dropforge.errors import DropforgeError, InvalidRequest
from dropforge.ledger import ShadowRequest


class NothingToShadow(DropforgeError):
    """No model in production, or no real-time endpoint whose requests could be copied."""


def shadow(
    project: ProjectName,
    version: Annotated[
        str | None, typer.Option("--version", help="The model to shadow with, as 7 or v7.")
    ] = None,
    percent: Annotated[
        int | None,
        typer.Option("--percent", min=1, max=100, help="Share of the requests. Default: 10."),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Take the shadow away.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow the deployment until it ends.")] = True,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Copy a share of live requests to a model, or see how its answers compare.

    No caller sees the shadow's answers: they are captured. Project.yml's `shadow` does the same for
    a model that awaits approval, and says the default share.
    """
    if (off and version is not None) or (percent is not None and version is None):
        raise InvalidRequest(
            "Give --version V [--percent N], or --off, or neither. Nothing was changed.",
            next_command=f"dropforge endpoint shadow {project}",
        )
    session = connect(stage, cloud, quiet=json_)
    session.pushed(project)
    if version is None and not off:
        _tell(project, stage, look(session, project), json_)
        return
    asked = ShadowRequest(ask="off")
    if version is not None:
        model = find_model(session, project, version)
        asked = ShadowRequest(ask="version", version=model.version, percent=percent)
    _deploy(session, project, asked, wait)


def _deploy(session: Session, project: str, asked: ShadowRequest, wait: bool) -> None:
    champion = session.ledger.champion(project)
    status = Endpoint(project, session.stage).status()
    if champion is None or status is None:
        raise NothingToShadow(
            f"{project} has no {'model in production' if champion is None else 'endpoint'}: there "
            "are no requests to copy. Nothing was changed.",
            next_command=f"dropforge model list {project}",
        )
    name = executions.fresh_name(project, "shadow")
    document = champion.shadow_input(
        project, project_version=session.pushed(project).version, run=name, shadow=asked
    )
    arn = executions.start(session.stack.deployment_arn, name, document)
    beside = f"the shadow of v{champion.version} of {project}"
    what = f"v{asked.version} becomes {beside}" if asked.version else f"Taking {beside} away"
    line(f"{what}: {name}.")
    follow_or_say(session, "Deployment", name, arn, wait)


def _tell(project: str, stage: str, found: Shadowed, json_: bool) -> None:
    if json_:
        as_json(asdict(found))
        return
    for text in _lines(project, stage, found):
        line(text)


def _lines(project: str, stage: str, found: Shadowed) -> list[str]:
    if found.by_hand:
        return [
            f"{project} has a shadow that was set up by hand ({found.by_hand}). Dropforge leaves "
            "it alone."
        ]
    if found.version is None:
        return [
            f"{project} has no shadow in stage {stage}.",
            f"To shadow with a model: dropforge endpoint shadow {project} --version V",
        ]
    since = f"{found.since:%Y-%m-%d %H:%M} UTC" if found.since else "an unknown time"
    return [
        f"v{found.version} shadows v{found.champion} of {project}: {found.percent} % of the live "
        f"requests, since {since}.",
        *_comparison(found),
        *_latencies(found),
        f"To end it: dropforge endpoint shadow {project} --off",
    ]


def _comparison(found: Shadowed) -> list[str]:
    compared = found.compared
    if not compared.pairs:
        return ["Nothing to compare yet: no request has answers of both in the capture."]
    requests, rows = _many(compared.pairs, "request"), _many(compared.rows, "row")
    said = [f"  compared: {requests}, {rows}"]
    if compared.decided:
        share = compared.differing / compared.decided
        said.append(f"  other decision: {compared.differing:,} rows ({share:.1%})")
    said.append(f"  mean absolute difference of the scores: {compared.score_difference:.4g}")
    return said


def _latencies(found: Shadowed) -> list[str]:
    return [
        f"  model latency, p95 of the slowest hour: {_ms(found.shadow_p95_ms)}, production "
        f"{_ms(found.production_p95_ms)}"
    ]


def _ms(value: Any) -> str:
    return "not known" if value is None else f"{value:.1f} ms"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
