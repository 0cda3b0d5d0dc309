"""The alarms and the scaling that an endpoint has, as CloudWatch and Application Auto Scaling say.

A variant is scaled as `endpoint/<endpoint>/variant/<variant>`
(https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-policy.html).
"""

from dataclasses import dataclass, field
from typing import Any

from dropforge import names
from dropforge.aws.clients import client
from dropforge.endpoint import STAGE
from dropforge.project import ProjectSpec

SCALED = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
"""How instances are scaled. A serverless variant scales its provisioned concurrency by another
dimension
(https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html)."""


@dataclass(frozen=True)
class LiveScaling:
    """A scalable target with its policies and scheduled actions, as they are described."""

    target: dict[str, Any]
    policies: list[dict[str, Any]] = field(default_factory=list)
    schedules: list[dict[str, Any]] = field(default_factory=list)

    @property
    def place(self) -> dict[str, str]:
        """What names the target in every call."""
        return {key: str(self.target[key]) for key in (*SCALED, "ResourceId")}


def alarm_names(endpoint: str) -> dict[str, str]:
    """The endpoint's own alarms, by what they watch."""
    return {"errors": f"{endpoint}-5xx", "latency": f"{endpoint}-latency"}


def named_alarms(spec: ProjectSpec, stage: str) -> list[str]:
    """The alarms that the project names, in this stage."""
    return [name.replace(STAGE, stage) for name in spec.deployment.alarms.names]


def resource_id(endpoint: str, variant: str) -> str:
    """What Application Auto Scaling calls a variant."""
    return f"endpoint/{endpoint}/variant/{variant}"


def find_alarms(spec: ProjectSpec, endpoint: str, stage: str) -> dict[str, dict[str, Any]]:
    """The alarms that may guard an update, those that exist, by name."""
    asked = [*alarm_names(endpoint).values(), *named_alarms(spec, stage)]
    answer = client("cloudwatch").describe_alarms(AlarmNames=asked, MaxRecords=100)
    return {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]}


def find_scaling(endpoint: str, variants: list[dict[str, Any]]) -> LiveScaling | None:
    """How the variant that serves the champion is scaled; None if it is not."""
    found = [v["VariantName"] for v in variants]
    if not found:
        return None
    variant = names.VARIANT if names.VARIANT in found else found[0]
    namespace = {"ServiceNamespace": SCALED["ServiceNamespace"]}
    targets = _all(
        "describe_scalable_targets",
        "ScalableTargets",
        ResourceIds=[resource_id(endpoint, variant)],
        **namespace,
    )
    if not targets:
        return None
    place = LiveScaling(targets[0]).place
    return LiveScaling(
        targets[0],
        _all("describe_scaling_policies", "ScalingPolicies", **place),
        _all("describe_scheduled_actions", "ScheduledActions", **place),
    )


def _all(operation: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
    pages = client("application-autoscaling").get_paginator(operation).paginate(**arguments)
    return [item for page in pages for item in page[key]]
