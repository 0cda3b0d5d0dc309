"""Everything the plan depends on, read from the project, the registry and SageMaker."""

from dataclasses import dataclass, field, replace
from typing import Any

from dropforge import names
from dropforge.aws.clients import client
from dropforge.aws.projects import fetch_project
from dropforge.errors import ArtifactBroken
from dropforge.project import ProjectSpec
from lambdas.plan_endpoint.candidates import (
    SHADOW_PERCENT,
    Candidate,
    OurShadow,
    Situation,
    choose_shadow,
    live_shadow,
    share,
)
from lambdas.plan_endpoint.guards import LiveScaling, find_alarms, find_scaling
from lambdas.plan_endpoint.request import PlanAnswer, PlanRequest
from lambdas.sagemaker import find
from lambdas.settings import EndpointSettings


@dataclass(frozen=True)
class Observed:
    """What is there, and whether an interruption is allowed (`replace`).

    `config` is what the endpoint serves, or last served if it is gone.
    """

    spec: ProjectSpec
    stage: str
    lake: str
    role_arn: str
    container: dict[str, Any] = field(default_factory=dict)
    replace: bool = False
    endpoint: dict[str, Any] | None = None
    endpoint_tags: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] | None = None
    config_tags: dict[str, str] = field(default_factory=dict)
    model: dict[str, Any] | None = None
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    scaling: LiveScaling | None = None
    candidate: Candidate | None = None

    @property
    def endpoint_name(self) -> str:
        """The endpoint's name, whether it exists or not."""
        return names.endpoint_name(self.spec.name, self.stage)

    @property
    def variants(self) -> list[dict[str, Any]]:
        """The production variants of the live config."""
        found: list[dict[str, Any]] = (self.config or {}).get("ProductionVariants", [])
        return found

    @property
    def live_shadow(self) -> OurShadow | None:
        """The live config's shadow, if we deployed it."""
        return live_shadow(self.endpoint_name, self.config, self.config_tags)

    @property
    def served(self) -> bool:
        """Whether there is an endpoint that serves a config: one that failed or goes does not."""
        gone = ("Failed", "Deleting")
        return self.endpoint is not None and self.endpoint["EndpointStatus"] not in gone


def observe(settings: EndpointSettings, request: PlanRequest) -> Observed:
    """Look, and change nothing."""
    spec = _spec(settings, request)
    nothing = Observed(
        spec,
        settings.stage,
        settings.lake_bucket,
        settings.endpoint_role_arn,
        replace=request.replace,
    )
    endpoint = find("describe_endpoint", EndpointName=nothing.endpoint_name)
    if spec.endpoint == "none":
        return replace(nothing, endpoint=endpoint)
    config = _config(settings, request.project, endpoint)
    seen = replace(nothing, container=_container(request), endpoint=endpoint, config=config)
    seen = replace(
        seen,
        endpoint_tags=_tags(endpoint["EndpointArn"]) if endpoint else {},
        config_tags=_tags(config["EndpointConfigArn"]) if config else {},
        model=_model(config),
        alarms=find_alarms(spec, seen.endpoint_name, settings.stage) if endpoint else {},
        scaling=find_scaling(seen.endpoint_name, seen.variants) if endpoint else None,
    )
    return replace(seen, candidate=_candidate(settings, request, seen))


def note_existing(planned: PlanAnswer) -> PlanAnswer:
    """The plan with what of it exists already."""
    if planned.model_name is None or planned.config_name is None:
        return planned
    model = find("describe_model", ModelName=planned.model_name)
    config = find("describe_endpoint_config", EndpointConfigName=planned.config_name)
    there = {"model_exists": model is not None, "config_exists": config is not None}
    if planned.create_shadow_model is not None:
        shadow = find("describe_model", ModelName=planned.create_shadow_model["ModelName"])
        there["shadowmodel_exists"] = shadow is not None
    return planned.model_copy(update=there)


def _spec(settings: EndpointSettings, request: PlanRequest) -> ProjectSpec:
    """The project as it was pushed last, whatever version the model was trained with.

    How a project is served is declared now: a rollback to an older model must not bring back the
    instance type that was declared when that model was trained.
    """
    pushed = settings.ledger.project(request.project)
    version = pushed.version if pushed else request.project_version
    return fetch_project(settings.lake_bucket, request.project, version)


def _config(
    settings: EndpointSettings, project: str, endpoint: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The config whose settings are carried over.

    A failed endpoint had to be deleted before it is made again: then its settings are in the
    config that the champion was deployed with.
    """
    name = endpoint.get("EndpointConfigName") if endpoint else None
    if name is None:
        champion = settings.ledger.champion(project)
        name = champion.config_name if champion else None
    return find("describe_endpoint_config", EndpointConfigName=name) if name else None


def _candidate(
    settings: EndpointSettings, request: PlanRequest, seen: Observed
) -> Candidate | None:
    """The model that is to be the shadow, if one is."""
    if request.shadow is None and seen.live_shadow is None:
        return None
    declared, before = seen.spec.shadow, seen.config_tags.get(SHADOW_PERCENT)
    models = {model.version: model for model in settings.ledger.models(request.project)}
    situation = Situation(
        project=request.project,
        champion=settings.ledger.champion(request.project),
        models=list(models.values()),
        live=seen.live_shadow,
        declared=declared,
        redeclared=before is not None and before != share(declared),
    )
    chosen = choose_shadow(request, situation)
    if chosen is None:
        return None
    model = models[chosen.version]
    its = request.model_copy(
        update={
            "version": model.version,
            "model_package_arn": model.model_package_arn,
            "artifact_uri": model.artifact_uri,
        }
    )
    return Candidate(chosen, its, _container(its))


def _model(config: dict[str, Any] | None) -> dict[str, Any] | None:
    variants = (config or {}).get("ProductionVariants", [])
    own = [v for v in variants if v["VariantName"] == names.VARIANT] or variants
    name = own[0].get("ModelName") if own else None
    return find("describe_model", ModelName=name) if name else None


def _container(request: PlanRequest) -> dict[str, Any]:
    """The container that was registered: the image that trained the model also serves it."""
    package = client("sagemaker").describe_model_package(ModelPackageName=request.model_package_arn)
    container: dict[str, Any] = package["InferenceSpecification"]["Containers"][0]
    source = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
    if source.rstrip("/") != request.artifact_uri.rstrip("/"):
        raise ArtifactBroken(
            f"Asked to deploy {request.artifact_uri}, but the package "
            f"{request.model_package_arn} holds {source or 'no artifact'}. Nothing was changed.",
            next_command=f"dropforge train {request.project}",
        )
    return container


def _tags(arn: str) -> dict[str, str]:
    pages = client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
