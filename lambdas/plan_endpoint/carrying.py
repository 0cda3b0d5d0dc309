"""Settings that survive an update.

Three values meet for each: what the project declared when the live config was made (kept in the
config's tags), what it declares now, and what is live. A live value that differs from what was
declared was set by hand and stays, until the project itself declares something new.
"""

from typing import Any, TypeVar

from dropforge import layout
from lambdas.plan_endpoint.observing import Observed

INSTANCE_TYPE = "dropforge:instance-type"
INSTANCES = "dropforge:instances"
CAPTURE = "dropforge:capture-percentage"

CARRIED = (
    "KmsKeyId",
    "AsyncInferenceConfig",
    "ExplainerConfig",
    "ShadowProductionVariants",
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
    resources = observed.spec.resources
    return {
        INSTANCE_TYPE: resources.endpoint,
        INSTANCES: str(resources.endpoint_instances),
        CAPTURE: str(observed.spec.capture.sampling_percentage),
    }


def changed(observed: Observed, tag: str) -> bool:
    """Whether the project declares something else than when the live config was made."""
    before = observed.config_tags.get(tag)
    return before is not None and before != declared(observed)[tag]


def choose(observed: Observed, tag: str, now: Value, live: Value | None) -> Value:
    """The value to use of what is declared now and what is live."""
    return now if live is None or changed(observed, tag) else live


def variant(observed: Observed) -> dict[str, Any]:
    """The live variant, or nothing if there is none."""
    variants = (observed.config or {}).get("ProductionVariants", [])
    return dict(variants[0]) if variants else {}


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
