"""The plan as a pure function of what was observed.

Names come from content: the same model with the same settings has the same names, so planning twice
plans the same, and what already exists need not be made.
"""

import hashlib
import json
from typing import Any

from dropforge import names
from dropforge.errors import EndpointChanged
from lambdas.plan_endpoint.carrying import (
    CARRIED,
    INSTANCE_TYPE,
    INSTANCES,
    capture_config,
    changed,
    choose,
    declared,
    variant,
)
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.request import Action, PlanAnswer, PlanRequest
from lambdas.plan_endpoint.rollout import deployment_config, update_request

WAIT_FOR = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


def plan(observed: Observed, request: PlanRequest) -> PlanAnswer:
    """Plan how the endpoint comes to serve the model.

    Raises:
        EndpointChanged: the endpoint is in a state that only a person can judge.
    """
    if observed.spec.endpoint == "none":
        return PlanAnswer(action="none", endpoint=observed.endpoint_name)
    model = model_request(observed, request)
    config = config_request(observed, request, model["ModelName"])
    rollout = deployment_config(observed)
    return PlanAnswer(
        action=action(observed, config["EndpointConfigName"]),
        endpoint=observed.endpoint_name,
        model_name=model["ModelName"],
        config_name=config["EndpointConfigName"],
        previous_config=_previous(observed),
        create_model=model,
        create_endpoint_config=config,
        create_endpoint={
            "EndpointName": observed.endpoint_name,
            "EndpointConfigName": config["EndpointConfigName"],
            "Tags": _tags(_own_tags(observed)),
        },
        update_endpoint=update_request(observed, config["EndpointConfigName"], rollout),
        deployment_config=rollout,
    )


def _previous(observed: Observed) -> str | None:
    """The config to return to: a failed endpoint serves none."""
    if observed.endpoint is None or observed.endpoint["EndpointStatus"] == "Failed":
        return None
    name: str | None = observed.endpoint.get("EndpointConfigName")
    return name


def action(observed: Observed, config_name: str) -> Action:
    """What to do with the endpoint, by its status
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html).
    """
    if observed.endpoint is None:
        return "create"
    status = observed.endpoint["EndpointStatus"]
    if status in WAIT_FOR:
        return "wait"
    if status == "Failed":
        return "delete"  # the only thing that a failed endpoint accepts
    if status != "InService":
        raise EndpointChanged(
            f"The endpoint {observed.endpoint_name} is {status}: "
            f"{observed.endpoint.get('FailureReason', 'no reason given')}. It was left as it is.",
            next_command=_look(observed),
        )
    return "unchanged" if observed.endpoint["EndpointConfigName"] == config_name else "update"


def model_request(observed: Observed, request: PlanRequest) -> dict[str, Any]:
    """The CreateModel request: the registered container, without a network of its own."""
    container = observed.container
    content = {
        "PrimaryContainer": {
            "Image": container["Image"],
            "ModelDataSource": container["ModelDataSource"],
            "Environment": {
                **container.get("Environment", {}),
                "DROPFORGE_MODEL_VERSION": request.version,
            },
        },
        "ExecutionRoleArn": observed.role_arn,
        "EnableNetworkIsolation": True,
    }
    if vpc := (observed.model or {}).get("VpcConfig"):
        content["VpcConfig"] = vpc
    name = _name(observed, request, content)
    return {"ModelName": name, **content, "Tags": _tags(_own_tags(observed))}


def config_request(observed: Observed, request: PlanRequest, model_name: str) -> dict[str, Any]:
    """The CreateEndpointConfig request: one variant, capture, and whatever was set by hand."""
    if len((observed.config or {}).get("ProductionVariants", [])) > 1:
        raise EndpointChanged(
            f"The endpoint {observed.endpoint_name} splits its traffic among several variants, "
            "which Dropforge did not set up. It was left as it is.",
            next_command=_look(observed),
        )
    live = variant(observed)
    content: dict[str, Any] = {
        key: observed.config[key] for key in CARRIED if observed.config and observed.config.get(key)
    }
    content["ProductionVariants"] = [_variant(observed, live, model_name)]
    if "ServerlessConfig" not in live:  # a serverless endpoint has no capture
        content["DataCaptureConfig"] = capture_config(observed)
    name = _name(observed, request, content)
    carried = {k: v for k, v in observed.config_tags.items() if not k.startswith("aws:")}
    tags = _tags({**carried, **_own_tags(observed), **declared(observed)})
    return {"EndpointConfigName": name, **content, "Tags": tags}


def _variant(observed: Observed, live: dict[str, Any], model_name: str) -> dict[str, Any]:
    planned = {
        "InitialVariantWeight": 1.0,
        **live,
        "VariantName": names.VARIANT,
        "ModelName": model_name,
    }
    if "ServerlessConfig" in live:
        return planned
    resources = observed.spec.resources
    planned["InstanceType"] = choose(
        observed, INSTANCE_TYPE, resources.endpoint, live.get("InstanceType")
    )
    planned["InitialInstanceCount"] = choose(
        observed, INSTANCES, resources.endpoint_instances, live.get("InitialInstanceCount")
    )
    if changed(observed, INSTANCE_TYPE):
        planned.pop("InstancePools", None)
    return planned


def _name(observed: Observed, request: PlanRequest, content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{observed.endpoint_name}-v{request.version}-{digest}"


def _look(observed: Observed) -> str:
    return f"aws sagemaker describe-endpoint --endpoint-name {observed.endpoint_name}"


def _own_tags(observed: Observed) -> dict[str, str]:
    return {"dropforge:project": observed.spec.name, "dropforge:stage": observed.stage}


def _tags(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(values.items())]
