"""Settings that survive an update.

Three values meet for each: what the project declared when the live config was made (kept in the
config's tags), what it declares now, and what is live. A live value that differs from what was
declared was set by hand and stays, until the project itself declares something new.
"""

from typing import Any, TypeVar

from dropforge import layout
from dropforge.endpoint import Serverless
from lambdas.plan_endpoint.candidates import SHADOW_PERCENT, share
from lambdas.plan_endpoint.observing import Observed

MODE = "dropforge:endpoint"
INSTANCE_TYPE = "dropforge:instance-type"
INSTANCES = "dropforge:instances"
SERVERLESS = "dropforge:serverless"
CAPTURE = "dropforge:capture-percentage"
SCALING = "dropforge:scaling"
ALARM_LATENCY = "dropforge:alarm-latency-ms"

CARRIED = (
    "KmsKeyId",
    "AsyncInferenceConfig",
    "ExplainerConfig",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
    "MetricsConfig",
)
"""Parts of an endpoint config that the project says nothing about."""

CONTENT_TYPES = {
    "CsvContentTypes": ["text/csv"],
    "JsonContentTypes": ["application/json", "application/jsonlines"],
}
"""Without them capture writes payloads as base64
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CaptureContentTypeHeader.html)."""

Value = TypeVar("Value", str, int)


def declared(observed: Observed) -> dict[str, str]:
    """What the project declares, as tags of the config it is made into."""
    spec = observed.spec
    scaling, latency = spec.scaling, spec.deployment.alarms.latency_ms
    return {
        MODE: spec.endpoint,
        INSTANCE_TYPE: spec.resources.endpoint,
        INSTANCES: str(spec.resources.endpoint_instances),
        SERVERLESS: _serverless(spec.serverless),
        CAPTURE: str(spec.capture.sampling_percentage),
        SCALING: f"{scaling.min}-{scaling.max}/{scaling.invocations_per_instance:g}"
        if scaling
        else "none",
        ALARM_LATENCY: f"{latency:g}" if latency else "none",
        SHADOW_PERCENT: share(spec.shadow),
    }


def _serverless(size: Serverless) -> str:
    """What is not declared is not in the tag: it may be set by hand."""
    provisioned = size.provisioned_concurrency
    text = f"{size.memory_mb}/{size.max_concurrency}"
    return text if provisioned is None else f"{text}/{provisioned}"


def changed(observed: Observed, tag: str) -> bool:
    """Whether the project declares something else than when the live config was made."""
    before = observed.config_tags.get(tag)
    return before is not None and before != declared(observed)[tag]


def choose(observed: Observed, tag: str, now: Value, live: Value | None) -> Value:
    """The value to use of what is declared now and what is live."""
    return now if live is None or changed(observed, tag) else live


def capture_config(observed: Observed) -> dict[str, Any]:
    """The data capture config: on at the declared share, what was set by hand kept."""
    live: dict[str, Any] = (observed.config or {}).get("DataCaptureConfig") or {}
    percentage = choose(
        observed,
        CAPTURE,
        observed.spec.capture.sampling_percentage,
        live.get("InitialSamplingPercentage"),
    )
    config = {
        "EnableCapture": percentage > 0,
        "DestinationS3Uri": str(layout.capture(observed.lake)),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        **live,
        "InitialSamplingPercentage": percentage,
        "CaptureContentTypeHeader": _content_types(live.get("CaptureContentTypeHeader") or {}),
    }
    if changed(observed, CAPTURE):
        config["EnableCapture"] = percentage > 0
    return config


def _content_types(live: dict[str, list[str]]) -> dict[str, list[str]]:
    return {
        kind: list(dict.fromkeys([*live.get(kind, []), *types]))
        for kind, types in CONTENT_TYPES.items()
    }
