"""SageMaker's front: parses, checks permissions and parameters, answers in its protocol."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from local.corrections.gateway import Response, arn
from local.corrections.identity import AccessDenied, require, trusts
from local.home import Home
from local.sagemaker import runtime, validation
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.errors import Denied, Invalid, SageMakerError
from local.sagemaker.fallback import Fallback
from local.sagemaker.jobs import Jobs
from local.sagemaker.kinds import Processing, Training
from local.sagemaker.models import Models
from local.sagemaker.registry import Registry
from local.sagemaker.store import Document
from local.sagemaker.tags import Tags

_ROLE_FIELDS = {
    "CreateProcessingJob": "RoleArn",
    "CreateTrainingJob": "RoleArn",
    "CreateModel": "ExecutionRoleArn",
}
_SERVICE = "sagemaker.amazonaws.com"
_AT_ONCE = 128
_JSON = {"Content-Type": "application/x-amz-json-1.1"}

Emit = Callable[[str, str, Document], None]


class SageMaker:
    """The service: everything of it that this process holds."""

    def __init__(self, home: Home, emit: Emit) -> None:
        self.registry = Registry(home, emit)
        self.models = Models(home, self.registry)
        self.processing = Jobs(Processing, home, emit)
        self.training = Jobs(Training, home, emit)
        self.endpoints = Endpoints(home, self.models, emit)
        self.tags = Tags(home)
        self._fallback = Fallback(Path(home.state) / "sagemaker-moto.jsonl")
        self._operations = self._table()
        # Apart from the API's own threads: slow models must not keep anyone from an update.
        self._invocations = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="invocation")

    def resume(self) -> None:
        """Takes up what the documents say after a restart."""
        self.processing.resume()
        self.training.resume()
        self.endpoints.resume()

    def shutdown(self) -> None:
        """Ends every process of jobs and endpoints."""
        self.processing.shutdown()
        self.training.shutdown()
        self.endpoints.shutdown()

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """One request, already authenticated and authorised for its own action."""
        try:
            if path.startswith("/endpoints/"):
                return await asyncio.get_running_loop().run_in_executor(
                    self._invocations, runtime.invoke, self.endpoints, path, headers, body
                )
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            return await asyncio.to_thread(self._call, operation, headers, body)
        except SageMakerError as error:
            return (
                error.status,
                _JSON | {"x-amzn-errortype": error.code},
                json.dumps(error.document()).encode(),
            )

    def _call(self, operation: str, headers: dict[str, str], body: bytes) -> Response:
        handler = self._operations.get(operation)
        if handler is None:
            return self._fallback.call(operation, headers, body)
        request = json.loads(body or b"{}")
        validation.check(operation, request)
        self._check_permissions(operation, request, headers)
        answer = handler(request)
        tags = answer.pop("Tags", None) if operation.startswith("Create") else None
        if tags:
            created = next(value for key, value in answer.items() if key.endswith("Arn"))
            self.tags.add({"ResourceArn": created, "Tags": tags})
        return 200, dict(_JSON), json.dumps(answer).encode()

    def _check_permissions(
        self, operation: str, request: Document, headers: dict[str, str]
    ) -> None:
        """iam:PassRole for the role, sagemaker:AddTags for tags; and the role must trust us.

        https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
        """
        try:
            if request.get("Tags"):
                require(headers, "sagemaker:AddTags", _created_arn(operation, request))
            role = request.get(_ROLE_FIELDS.get(operation, ""))
            if role is None:
                return
            require(headers, "iam:PassRole", role, {"iam:PassedToService": _SERVICE})
        except AccessDenied as error:
            raise Denied(str(error)) from error
        if not trusts(role, _SERVICE):
            raise Invalid(
                f"Could not assume role {role}. Please ensure that the role exists and "
                f"allows principal '{_SERVICE}' to assume the role."
            )

    def _table(self) -> dict[str, Callable[[Document], Document]]:
        return {
            "CreateProcessingJob": self.processing.create,
            "DescribeProcessingJob": self.processing.describe,
            "ListProcessingJobs": self.processing.list,
            "StopProcessingJob": self.processing.stop,
            "CreateTrainingJob": self.training.create,
            "DescribeTrainingJob": self.training.describe,
            "ListTrainingJobs": self.training.list,
            "StopTrainingJob": self.training.stop,
            "CreateModel": self.models.create_model,
            "DescribeModel": self.models.describe_model,
            "DeleteModel": self.models.delete_model,
            "ListModels": self.models.list_models,
            "CreateEndpointConfig": self.models.create_endpoint_config,
            "DescribeEndpointConfig": self.models.describe_endpoint_config,
            "DeleteEndpointConfig": self.models.delete_endpoint_config,
            "ListEndpointConfigs": self.models.list_endpoint_configs,
            "CreateEndpoint": self.endpoints.create,
            "DescribeEndpoint": self.endpoints.describe,
            "ListEndpoints": self.endpoints.list,
            "UpdateEndpoint": self.endpoints.update,
            "UpdateEndpointWeightsAndCapacities": self.endpoints.update_weights,
            "DeleteEndpoint": self.endpoints.delete,
            "CreateModelPackageGroup": self.registry.create_group,
            "DescribeModelPackageGroup": self.registry.describe_group,
            "ListModelPackageGroups": self.registry.list_groups,
            "DeleteModelPackageGroup": self.registry.delete_group,
            "CreateModelPackage": self.registry.create_package,
            "DescribeModelPackage": self.registry.describe_package,
            "ListModelPackages": self.registry.list_packages,
            "UpdateModelPackage": self.registry.update_package,
            "DeleteModelPackage": self.registry.delete_package,
            "AddTags": self.tags.add,
            "ListTags": self.tags.list,
            "DeleteTags": self.tags.delete,
        }


def _created_arn(operation: str, request: Document) -> str:
    """The ARN of what a Create call with tags will create."""
    kinds = {
        "ProcessingJob": "processing-job",
        "TrainingJob": "training-job",
        "Model": "model",
        "EndpointConfig": "endpoint-config",
        "Endpoint": "endpoint",
        "ModelPackageGroup": "model-package-group",
    }
    thing = operation.removeprefix("Create")
    if thing not in kinds:
        return "*"
    return arn(kinds[thing], request[f"{thing}Name"])
