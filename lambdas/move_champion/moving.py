"""One conditional write; everything else only tells of it: the alias, the run's document."""

import datetime as dt

from dropforge import layout
from dropforge.aws.documents import write_document
from dropforge.ledger import Champion
from dropforge.runs import Deployment, EndpointAction, ShadowChange
from lambdas.entry import Answer, Request
from lambdas.move_champion.alias import mirror
from lambdas.plan_endpoint.request import Action, PlannedShadow
from lambdas.settings import LakeSettings

DONE: dict[Action, EndpointAction] = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "unchanged": "unchanged",
    "none": "none",
}


class MoveRequest(Request):
    """The deployed model. `expected_champion` is the version it was compared against.

    `shadow` is what is beside it now; `for_shadow`: that was what the deployment was for.
    """

    project: str
    project_version: str
    run: str
    model_package_arn: str
    version: str
    artifact_uri: str
    expected_champion: str | None = None
    config_name: str | None = None
    endpoint: str | None = None
    action: Action
    smoke_checks: int = 0
    notes: list[str] = []
    shadow: PlannedShadow | None = None
    for_shadow: bool = False


class MoveAnswer(Answer):
    """The champion now, whom it took over from, and the configs and models deleted."""

    champion: str
    previous: str | None
    removed: list[str]


def move(settings: LakeSettings, request: MoveRequest) -> Champion:
    """Make the model the champion; a repetition changes nothing more.

    Raises:
        ChampionMoved: somebody else moved it since the comparison.
    """
    now = settings.ledger.champion(request.project)
    again = now is not None and now.version == request.version
    champion = Champion(
        version=request.version,
        model_package_arn=request.model_package_arn,
        artifact_uri=request.artifact_uri,
        run=now.run if request.for_shadow and now else request.run,
        config_name=_config_name(request, now),
        previous=now.previous if again and now else request.expected_champion,
        promoted_at=now.promoted_at if again and now else dt.datetime.now(dt.UTC),
    )
    settings.ledger.move_champion(request.project, champion, request.expected_champion)
    _note_shadow(settings, request)
    if request.for_shadow:
        _tell_of_shadow(settings, request)
        return champion
    deployment = Deployment(
        project=request.project,
        run=request.run,
        version=champion.version,
        previous=champion.previous,
        endpoint=request.endpoint if request.action != "none" else None,
        config_name=champion.config_name,
        action=DONE[request.action],
        smoke_checks=request.smoke_checks,
        alias_problem=mirror(settings, request.project, champion),
        notes=request.notes,
    )
    place = layout.deployment(settings.lake_bucket, request.project, request.run)
    write_document(place, deployment)
    return champion


def _config_name(request: MoveRequest, now: Champion | None) -> str | None:
    """A change of the shadow that found nothing to do leaves what is known of the champion."""
    if request.action != "none":
        return request.config_name
    return now.config_name if request.for_shadow and now is not None else None


def _note_shadow(settings: LakeSettings, request: MoveRequest) -> None:
    if request.shadow is None:
        settings.ledger.forget_shadow(request.project)
    else:
        shadow = request.shadow
        settings.ledger.note_shadow(request.project, shadow.version, shadow.percent)


def _tell_of_shadow(settings: LakeSettings, request: MoveRequest) -> None:
    change = ShadowChange(
        project=request.project,
        run=request.run,
        champion=request.version,
        version=request.shadow.version if request.shadow else None,
        percent=request.shadow.percent if request.shadow else None,
        endpoint=request.endpoint if request.action != "none" else None,
        action=DONE[request.action],
        notes=request.notes,
    )
    write_document(layout.shadow(settings.lake_bucket, request.project, request.run), change)
