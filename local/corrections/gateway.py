"""SageMaker behind ministack's router: routing, the action and the resource that IAM evaluates."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions, responses, router

from local.home import ACCOUNT, REGION

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

# Which field of a request names the resource, and the resource type in its ARN. The names in the
# ARNs are lower case, as the service authorization reference has them:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
_NAMED = {
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "ModelName": "model",
    "EndpointConfigName": "endpoint-config",
    "EndpointName": "endpoint",
    "TransformJobName": "transform-job",
    "ExperimentName": "experiment",
    "TrialComponentName": "experiment-trial-component",
    "TrialName": "experiment-trial",
    "PipelineName": "pipeline",
}
_ARNS = ("ResourceArn", "ModelPackageArn")


def install(handler: Handler) -> None:
    """Routes SageMaker and its runtime to `handler`, with every call authorised."""
    app.SERVICE_HANDLERS["sagemaker"] = handler
    router.SERVICE_PATTERNS["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"sagemaker\."],
        "credential_scope": "sagemaker",
        "path_patterns": [r"^/endpoints/[^/]+/invocations"],
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions._BOTOCORE_SERVICE_MAP["sagemaker"] = ["sagemaker-runtime"]
    # A model's answer keeps its own content type; the emulator would call all JSON x-amz-json-1.1.
    responses._WIRE_CT_SUCCESS_OVERRIDE["sagemaker"] = "application/json"
    _authorise_on("sagemaker", resource_arn)


def install_scaling(handler: Handler) -> None:
    """Routes Application Auto Scaling, which the emulator lacks, to `handler`; authorised too.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html
    """
    service = "application-autoscaling"
    app.SERVICE_HANDLERS[service] = handler
    router.SERVICE_PATTERNS[service] = {
        "target_prefixes": ["AnyScaleFrontendService."],
        "host_patterns": [r"application-autoscaling\."],
        "credential_scope": service,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[service] = service
    iam_actions._BOTOCORE_SERVICE_MAP[service] = [service]
    targets = f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/*"
    _authorise_on(service, lambda name, *_: "*" if name.startswith("Describe") else targets)


def _authorise_on(service: str, resource: Callable[[str, str, bytes], str]) -> None:
    """The ARN of a call of the service is what `resource(operation, path, body)` says."""
    original = iam_actions.extract_resource_arn

    def extract_resource_arn(
        called: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> str:
        if called == service:
            return resource(headers.get("x-amz-target", "").rpartition(".")[2], path, body)
        return str(original(called, method, path, headers, body, *rest))

    iam_actions.extract_resource_arn = extract_resource_arn


def resource_arn(operation: str, path: str, body: bytes) -> str:
    """The ARN on which a SageMaker call is authorised, `*` for calls without one."""
    if path.startswith("/endpoints/"):
        return arn("endpoint", unquote(path.split("/")[2]))
    if operation.startswith("List") and operation != "ListTags":
        return "*"
    try:
        fields = json.loads(body or b"{}")
    except json.JSONDecodeError:
        return "*"
    for name in _ARNS:
        if fields.get(name):
            return str(fields[name])
    if name := fields.get("ModelPackageName"):
        return name if name.startswith("arn:") else arn("model-package", name)
    if name := fields.get("ModelPackageGroupName"):
        kind = "model-package" if operation == "CreateModelPackage" else "model-package-group"
        suffix = "/*" if kind == "model-package" else ""
        return (name if name.startswith("arn:") else arn(kind, name)) + suffix
    if operation in ("CreateEndpoint", "UpdateEndpoint"):
        return arn("endpoint", fields.get("EndpointName", ""))
    for field, kind in _NAMED.items():
        if fields.get(field):
            return arn(kind, fields[field])
    return "*"


def arn(kind: str, name: str) -> str:
    """The ARN of a SageMaker resource of this account."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name.lower()}"
