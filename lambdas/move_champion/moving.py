"""One conditional write; everything else only tells of it: the alias, the run's document."""

import datetime as dt

from dropforge import layout
from dropforge.aws.documents import write_document
from dropforge.ledger import Champion
from dropforge.runs import Deployment, EndpointAction
from lambdas.entry import Answer, Request
from lambdas.move_champion.alias import mirror
from lambdas.plan_endpoint.request import Action
from lambdas.settings import LakeSettings

DONE: dict[Action, EndpointAction] = {
    "create": "created",
    "update": "updated",
    "unchanged": "unchanged",
    "none": "none",
}


class MoveRequest(Request):
    """The deployed model. `expected_champion` is the version it was compared against."""

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
        run=request.run,
        config_name=request.config_name if request.action != "none" else None,
        previous=now.previous if again and now else request.expected_champion,
        promoted_at=now.promoted_at if again and now else dt.datetime.now(dt.UTC),
    )
    settings.ledger.move_champion(request.project, champion, request.expected_champion)
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
