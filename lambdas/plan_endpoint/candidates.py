"""Which model is to be the champion's shadow: asked for, awaited, or the one that is it now."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dropforge import names
from dropforge.endpoint import Shadow
from dropforge.errors import EndpointChanged
from dropforge.ledger import Champion, RegisteredModel, ShadowRequest
from lambdas.plan_endpoint.request import PlanRequest

SHADOW = "dropforge:shadow"
"""The tag of a config that has a shadow of ours: `<version>/<percent>`."""

SHADOW_PERCENT = "dropforge:shadow-percent"
"""The tag with the share that the project declared."""


@dataclass(frozen=True)
class OurShadow:
    """A shadow that we deploy or deployed: its version, its share of the requests in percent."""

    version: str
    percent: int

    @property
    def variant(self) -> str:
        """The name of its variant."""
        return names.shadow_variant(self.version, self.percent)

    @property
    def tag(self) -> str:
        """What the config says of it."""
        return f"{self.version}/{self.percent}"


@dataclass(frozen=True)
class Candidate:
    """The model that is to be the shadow, and its registered container."""

    shadow: OurShadow
    request: PlanRequest
    container: dict[str, Any]


@dataclass(frozen=True)
class Situation:
    """What the choice depends on.

    `declared` is the project's shadow, `redeclared` whether its share is another one than when the
    live config was made.
    """

    project: str
    champion: Champion | None
    models: Sequence[RegisteredModel]
    live: OurShadow | None
    declared: Shadow | None
    redeclared: bool = False


def live_shadow(
    endpoint: str, config: dict[str, Any] | None, tags: dict[str, str]
) -> OurShadow | None:
    """The live config's shadow, if it is ours: tag, variant and model say so."""
    shadows = (config or {}).get("ShadowProductionVariants") or []
    found = re.fullmatch(r"(\d+)/(\d+)", tags.get(SHADOW, ""))
    if len(shadows) != 1 or found is None:
        return None
    shadow = OurShadow(found[1], int(found[2]))
    ours = str(shadows[0].get("ModelName", "")).startswith(f"{endpoint}-v{shadow.version}-")
    return shadow if ours and shadows[0]["VariantName"] == shadow.variant else None


def share(declared: Shadow | None) -> str:
    """The project's share as a tag of a config says it."""
    return str(declared.percent) if declared else "none"


def beside_the_champion(request: PlanRequest, champion: Champion | None) -> PlanRequest:
    """The request for whoever is the champion now: it may have moved while this one waited.

    Raises:
        EndpointChanged: there is no champion.
    """
    if champion is None:
        raise EndpointChanged(
            f"{request.project} has no model in production: there is nothing to shadow. Nothing "
            "was changed.",
            next_command=f"dropforge model list {request.project}",
        )
    return request.model_copy(
        update={
            "version": champion.version,
            "model_package_arn": champion.model_package_arn,
            "artifact_uri": champion.artifact_uri,
        }
    )


def choose_shadow(request: PlanRequest, situation: Situation) -> OurShadow | None:
    """The shadow beside the model that is to be deployed; None for none.

    A shadow is compared with the champion that it is beside: when that changes, it goes.

    Raises:
        EndpointChanged: the model asked for does not exist, or is the champion itself.
    """
    asked, champion = request.shadow, situation.champion
    if asked is None:
        same = champion is not None and champion.version == request.version
        return _live(situation) if same else None
    if asked.ask == "off":
        return None
    if asked.ask == "version":
        return _asked_for(asked, situation)
    return _awaited(asked, situation)


def _asked_for(asked: ShadowRequest, situation: Situation) -> OurShadow:
    known = {model.version for model in situation.models}
    champion = situation.champion
    if asked.version is None or asked.version not in known:
        raise _refused(situation, f"{situation.project} has no model v{asked.version}")
    if champion is not None and asked.version == champion.version:
        raise _refused(situation, f"v{asked.version} of {situation.project} is in production")
    return OurShadow(asked.version, asked.percent or (situation.declared or Shadow()).percent)


def _awaited(asked: ShadowRequest, situation: Situation) -> OurShadow | None:
    """The newest model that awaits approval against today's champion, if the project shadows it;
    else what is there, unless a person refused it.
    """
    current = situation.champion.version if situation.champion else None
    waiting = [
        model.version
        for model in situation.models
        if model.awaiting and model.expected_champion == current and model.version != asked.without
    ]
    live = _live(situation)
    if situation.declared is not None and waiting:
        if live is not None and live.version == waiting[-1]:
            return live
        return OurShadow(waiting[-1], situation.declared.percent)
    return None if live is not None and live.version == asked.without else live


def _live(situation: Situation) -> OurShadow | None:
    """The shadow that is there, at the project's share if that was declared anew."""
    live = situation.live
    known = {model.version: model for model in situation.models}
    if live is None or live.version not in known or known[live.version].was_refused:
        return None
    if situation.redeclared and situation.declared is not None:
        return OurShadow(live.version, situation.declared.percent)
    return live


def _refused(situation: Situation, why: str) -> EndpointChanged:
    return EndpointChanged(
        f"{why}: it cannot be a shadow. The endpoint was left as it is.",
        next_command=f"dropforge model list {situation.project}",
    )
