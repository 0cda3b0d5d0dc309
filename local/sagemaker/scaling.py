"""A stand-in for Application Auto Scaling: keeps what is registered, and scales nothing.

https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-sagemaker.html
"""

import json
import uuid
from collections.abc import Callable, Collection
from typing import Any

from local.corrections.gateway import Response, arn
from local.corrections.identity import AccessDenied, require
from local.home import ACCOUNT, REGION, Home
from local.sagemaker import validation
from local.sagemaker.attached import Attached, chosen, key_of, where
from local.sagemaker.errors import Denied, Invalid, ObjectNotFound, SageMakerError
from local.sagemaker.store import Document, Store, now

COUNT = "sagemaker:variant:DesiredInstanceCount"
_DIMENSIONS = (COUNT, "sagemaker:variant:DesiredProvisionedConcurrency")
_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_JSON = {"Content-Type": "application/x-amz-json-1.1"}
# What a caller needs beside the operation's own permission, of the endpoint and of its alarms:
# https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html
_OF_THE_ENDPOINT = ("sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities")
_OF_ITS_ALARMS = {
    "PutScalingPolicy": "cloudwatch:PutMetricAlarm",
    "DeleteScalingPolicy": "cloudwatch:DeleteAlarms",
}


class ScalableTargets:
    """Targets and policies; `variants(endpoint)` names the variants that an endpoint serves."""

    def __init__(self, home: Home, variants: Callable[[str], Collection[str]]) -> None:
        self._targets = Store(home.state / "scalable-targets.json")
        self._policies = Attached(
            home.state / "scaling-policies.json", "PolicyName", "ScalingPolicies"
        )
        self._schedules = Attached(
            home.state / "scheduled-actions.json", "ScheduledActionName", "ScheduledActions"
        )
        self._variants = variants
        self._operations: dict[str, Callable[[Document], Document]] = {
            "RegisterScalableTarget": self._register,
            "DeregisterScalableTarget": self._deregister,
            "DescribeScalableTargets": self._describe_targets,
            "PutScalingPolicy": self._put_policy,
            "DeleteScalingPolicy": self._policies.delete,
            "DescribeScalingPolicies": self._policies.describe,
            "PutScheduledAction": self._put_schedule,
            "DeleteScheduledAction": self._schedules.delete,
            "DescribeScheduledActions": self._schedules.describe,
            "DescribeScalingActivities": lambda _: {"ScalingActivities": []},
        }

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """One request, already authenticated and authorised for its own action."""
        try:
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            answer = self._call(operation, json.loads(body or b"{}"), headers)
        except SageMakerError as error:
            return error.status, dict(_JSON), json.dumps(error.document()).encode()
        return 200, dict(_JSON), json.dumps(answer).encode()

    def check_update(self, endpoint: str, before: Document, after: Document) -> None:
        """Raises Invalid if a registered variant would go, or get another instance type.

        https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
        """
        old, new = (
            {v["VariantName"]: v.get("InstanceType") for v in config["ProductionVariants"]}
            for config in (before, after)
        )
        stuck = [
            name
            for name in old
            if self._registered(endpoint, name) and old[name] != new.get(name, "gone")
        ]
        if stuck:
            raise Invalid(
                f'The variant(s) "[{", ".join(stuck)}]" must be deregistered as scalable targets '
                "with AWS Auto Scaling before they can be removed or have their instance type "
                "updated."
            )

    def endpoint_deleted(self, endpoint: str) -> None:
        """Deregisters the endpoint's variants, as the deletion of an endpoint does."""
        for target in list(self._targets):
            if target["ResourceId"].startswith(f"endpoint/{endpoint}/variant/"):
                self._remove(target)

    def _call(self, operation: str, request: Document, headers: dict[str, str]) -> Document:
        handler = self._operations.get(operation)
        if handler is None:
            raise Invalid(f"The local cloud does not have this operation: {operation}")
        validation.check(operation, request, "application-autoscaling")
        if request.get("ServiceNamespace") != "sagemaker":
            raise Invalid("The local cloud has scalable targets of SageMaker only.")
        _check_permissions(operation, request, headers)
        return handler(request)

    def _register(self, request: Document) -> Document:
        """A new target needs both capacities; an existing one is changed."""
        known = self._targets.get(key_of(request))
        target = (known or {}) | request
        low, high = target.get("MinCapacity"), target.get("MaxCapacity")
        if low is None or high is None:
            raise Invalid("MinCapacity and MaxCapacity are required to register a scalable target.")
        if low > high:
            raise Invalid("MaxCapacity must be greater than or equal to MinCapacity.")
        self._check_resource(request)
        target.setdefault("ScalableTargetARN", _arn("scalable-target", uuid.uuid4().hex))
        target.setdefault("CreationTime", now())
        target.setdefault("RoleARN", _ROLE)
        target.setdefault("SuspendedState", dict.fromkeys(_SUSPENDED, False))
        target.pop("Tags", None)
        self._targets.put(key_of(request), target)
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def _check_resource(self, request: Document) -> None:
        parts = request["ResourceId"].split("/")
        if request["ScalableDimension"] not in _DIMENSIONS:
            raise Invalid(f"Unsupported scalable dimension: {request['ScalableDimension']}")
        if len(parts) != 4 or (parts[0], parts[2]) != ("endpoint", "variant"):
            raise Invalid(f"Unsupported resource ID: {request['ResourceId']}")
        if parts[3] not in self._variants(parts[1]):
            raise Invalid(f"SageMaker endpoint variant does not exist: {request['ResourceId']}")

    def _deregister(self, request: Document) -> Document:
        """The target and its policies."""
        self._remove(self._found(request))
        return {}

    def _describe_targets(self, request: Document) -> Document:
        return {"ScalableTargets": chosen(self._targets, request)}

    def _put_policy(self, request: Document) -> Document:
        """Keeps the policy; the alarms that AWS would make for it are not made."""
        self._found(request)
        made = {
            "PolicyType": "StepScaling",
            "PolicyARN": f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{uuid.uuid4()}:"
            f"resource/sagemaker/{request['ResourceId']}:policyName/{request['PolicyName']}",
        }
        return {"PolicyARN": self._policies.put(request, made)["PolicyARN"], "Alarms": []}

    def _put_schedule(self, request: Document) -> Document:
        """Keeps the scheduled action; nothing is done at its time."""
        self._found(request)
        made = {"ScheduledActionARN": _arn("scheduled-action", uuid.uuid4().hex)}
        self._schedules.put(request, made)
        return {}

    def _found(self, request: Document) -> Document:
        target = self._targets.get(key_of(request))
        if target is None:
            raise ObjectNotFound(f"No scalable target registered for {where(request)}")
        return target

    def _remove(self, target: Document) -> None:
        self._targets.remove(key_of(target))
        self._policies.forget(target)
        self._schedules.forget(target)

    def _registered(self, endpoint: str, variant: str) -> bool:
        resource = f"endpoint/{endpoint}/variant/{variant}"
        return any(target["ResourceId"] == resource for target in self._targets)


def _check_permissions(operation: str, request: Document, headers: dict[str, str]) -> None:
    resource = request.get("ResourceId", "")
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:TargetTracking-{resource}-AlarmHigh"
    try:
        if operation == "RegisterScalableTarget":
            for action in _OF_THE_ENDPOINT:
                require(headers, action, arn("endpoint", resource.split("/")[1]))
        if operation in _OF_ITS_ALARMS:
            require(headers, _OF_ITS_ALARMS[operation], alarm)
    except AccessDenied as error:
        raise Denied(str(error)) from error


_SUSPENDED = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:{kind}/{name}"
