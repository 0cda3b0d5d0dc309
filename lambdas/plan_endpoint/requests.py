"""The requests that make a model, an endpoint config and an endpoint.

Names come from content: the same model with the same settings has the same names, so planning twice
plans the same, and what already exists need not be made.
"""

import hashlib
import json
from dataclasses import replace
from typing import Any

from lambdas.plan_endpoint.candidates import SHADOW
from lambdas.plan_endpoint.carrying import CARRIED, capture_config, declared
from lambdas.plan_endpoint.modes import mode
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.request import PlanRequest
from lambdas.plan_endpoint.shadows import shadow_variants
from lambdas.plan_endpoint.variants import production_variants

ARTIFACT = "DROPFORGE_ARTIFACT_URI"

NOT_SERVERLESS = (
    *("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants"),
    *("VpcConfig", "EnableNetworkIsolation"),
)
"""What a serverless endpoint cannot have
(https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html)."""


def model_request(observed: Observed, request: PlanRequest) -> dict[str, Any]:
    """The CreateModel request: the registered container, without a network of its own.

    A serverless endpoint takes neither an uncompressed artifact nor isolation: there the server
    reads the artifact itself, from `DROPFORGE_ARTIFACT_URI`
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html).
    """
    serverless = mode(observed) == "serverless"
    registered = observed.container
    environment = {
        **registered.get("Environment", {}),
        "DROPFORGE_MODEL_VERSION": request.version,
    }
    container = {"Image": registered["Image"], "Environment": environment}
    content: dict[str, Any] = {
        "PrimaryContainer": container,
        "ExecutionRoleArn": observed.role_arn,
    }
    if serverless:
        environment[ARTIFACT] = request.artifact_uri
    else:
        container["ModelDataSource"] = registered["ModelDataSource"]
        content["EnableNetworkIsolation"] = True
        if vpc := (observed.model or {}).get("VpcConfig"):
            content["VpcConfig"] = vpc
    name = _name(observed, request, content)
    return {"ModelName": name, **content, "Tags": _tags(_own_tags(observed))}


def shadow_model_request(observed: Observed) -> dict[str, Any] | None:
    """The CreateModel request of our shadow, if there is to be one."""
    candidate = observed.candidate
    if candidate is None:
        return None
    return model_request(replace(observed, container=candidate.container), candidate.request)


def config_request(
    observed: Observed, request: PlanRequest, model_name: str, shadow_name: str | None = None
) -> dict[str, Any]:
    """The CreateEndpointConfig request: variants, capture, and whatever was set by hand."""
    serverless = mode(observed) == "serverless"
    left_out = NOT_SERVERLESS if serverless else ()
    content: dict[str, Any] = {
        key: (observed.config or {}).get(key) for key in CARRIED if key not in left_out
    }
    content = {key: value for key, value in content.items() if value}
    content["ProductionVariants"] = production_variants(observed, model_name)
    if not serverless:
        content["DataCaptureConfig"] = capture_config(observed)
        if shadows := shadow_variants(observed, content["ProductionVariants"], shadow_name):
            content["ShadowProductionVariants"] = shadows
    carried = {k: v for k, v in observed.config_tags.items() if not k.startswith("aws:")}
    carried.pop(SHADOW, None)
    ours = {SHADOW: observed.candidate.shadow.tag} if observed.candidate else {}
    content["Tags"] = _tags({**carried, **_own_tags(observed), **declared(observed), **ours})
    return {"EndpointConfigName": _name(observed, request, content), **content}


def endpoint_request(observed: Observed, config_name: str | None) -> dict[str, Any] | None:
    """The CreateEndpoint request; an endpoint that is replaced keeps its tags."""
    if config_name is None:
        return None
    kept = {k: v for k, v in observed.endpoint_tags.items() if not k.startswith("aws:")}
    return {
        "EndpointName": observed.endpoint_name,
        "EndpointConfigName": config_name,
        "Tags": _tags({**kept, **_own_tags(observed)}),
    }


def _name(observed: Observed, request: PlanRequest, content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{observed.endpoint_name}-v{request.version}-{digest}"


def _own_tags(observed: Observed) -> dict[str, str]:
    return {"dropforge:project": observed.spec.name, "dropforge:stage": observed.stage}


def _tags(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(values.items())]
