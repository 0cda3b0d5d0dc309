"""The plan as a pure function of what was observed.

Names come from content: the same model with the same settings has the same names, so planning twice
plans the same, and what already exists need not be made.
"""

import hashlib
import json
from typing import Any

from dropforge import names
from dropforge.errors import EndpointChanged
from lambdas.plan_endpoint.alarms import plan_alarms
from lambdas.plan_endpoint.carrying import CARRIED, capture_config, declared
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.request import Action, PlanAnswer, PlanRequest
from lambdas.plan_endpoint.rollout import (
    deployment_config,
    described,
    restore_request,
    update_request,
)
from lambdas.plan_endpoint.scaling import plan_scaling
from lambdas.plan_endpoint.variants import live_mode, look, mode, production_variants

WAIT_FOR = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
ARTIFACT = "DROPFORGE_ARTIFACT_URI"

NOT_SERVERLESS = (
    *("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants"),
    *("VpcConfig", "EnableNetworkIsolation"),
)
"""What a serverless endpoint cannot have
(https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html)."""


def plan(observed: Observed, request: PlanRequest) -> PlanAnswer:
    """Plan how the endpoint comes to serve the model.

    Raises:
        EndpointChanged: the endpoint is in a state that only a person can judge.
    """
    if observed.spec.endpoint == "none":
        return PlanAnswer(action="none", endpoint=observed.endpoint_name, notes=_left(observed))
    model = model_request(observed, request)
    config = config_request(observed, request, model["ModelName"])
    alarms = plan_alarms(observed)
    rollout = deployment_config(observed, alarms.guarding)
    variants = config["ProductionVariants"]
    (own,) = [v for v in variants if v["VariantName"] == names.VARIANT]
    scaling = plan_scaling(observed, own)
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
        restore_endpoint=restore_request(observed, _previous(observed)),
        deployment_config=rollout,
        target_variant=names.VARIANT if len(variants) > 1 else None,
        latency_ms=observed.spec.deployment.latency_ms,
        before=[*alarms.steps, *scaling.before],
        after=scaling.after,
        undo=scaling.undo,
        rollout=described(observed),
        notes=[*alarms.notes, *_notes(observed)],
    )


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
            next_command=look(observed),
        )
    return "unchanged" if observed.endpoint["EndpointConfigName"] == config_name else "update"


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


def config_request(observed: Observed, request: PlanRequest, model_name: str) -> dict[str, Any]:
    """The CreateEndpointConfig request: variants, capture, and whatever was set by hand."""
    serverless = mode(observed) == "serverless"
    left_out = NOT_SERVERLESS if serverless else ()
    content: dict[str, Any] = {key: _live(observed, key) for key in CARRIED if key not in left_out}
    content = {key: value for key, value in content.items() if value}
    content["ProductionVariants"] = production_variants(observed, model_name)
    if not serverless:
        content["DataCaptureConfig"] = capture_config(observed)
    carried = {k: v for k, v in observed.config_tags.items() if not k.startswith("aws:")}
    content["Tags"] = _tags({**carried, **_own_tags(observed), **declared(observed)})
    return {"EndpointConfigName": _name(observed, request, content), **content}


def _left(observed: Observed) -> list[str]:
    """What a project without endpoint should know of the one that it still has."""
    if observed.endpoint is None:
        return []
    return [
        f"The endpoint {observed.endpoint_name} is still there ({_status(observed)}) and costs "
        "money, though the project says endpoint: none. It answers with the model it had; this "
        f"deployment did not touch it. Next: dropforge endpoint delete {observed.spec.name}"
    ]


def _notes(observed: Observed) -> list[str]:
    now, asked, live = mode(observed), observed.spec.endpoint, live_mode(observed)
    notes = []
    if now != asked:
        notes.append(f"The endpoint is {now}: set by hand, and kept; the project says {asked}.")
    if now == "serverless" and live == "realtime":
        lost = [key for key in (*NOT_SERVERLESS, "DataCaptureConfig") if _live(observed, key)]
        notes += [f"A serverless endpoint has no {key}: it was left out." for key in lost]
    return notes


def _previous(observed: Observed) -> str | None:
    """The config to return to: a failed endpoint serves none."""
    name = observed.endpoint.get("EndpointConfigName") if observed.endpoint else None
    return name if observed.served else None


def _live(observed: Observed, key: str) -> Any:
    return (observed.config or {}).get(key)


def _status(observed: Observed) -> str:
    return str((observed.endpoint or {}).get("EndpointStatus"))


def _name(observed: Observed, request: PlanRequest, content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{observed.endpoint_name}-v{request.version}-{digest}"


def _own_tags(observed: Observed) -> dict[str, str]:
    return {"dropforge:project": observed.spec.name, "dropforge:stage": observed.stage}


def _tags(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(values.items())]
