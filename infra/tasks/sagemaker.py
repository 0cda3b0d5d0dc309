"""Plain SageMaker calls, one class an action, each bringing its permission.

They go through `aws-sdk:sagemaker`, which passes every field on: the CDK's own tasks know neither
data capture nor a deployment configuration, and the optimized integrations refuse newer fields.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.naming import endpoint_arns, endpoint_config_arns, model_arns
from infra.permissions import allow, pass_role
from infra.tasks.common import SAGEMAKER_TRANSIENT, SdkCall, jsonata

_CALL_SECONDS = 120


class SageMakerCall(SdkCall):
    """One request and its answer; what it starts is looked after elsewhere."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        action: str,
        arguments: str | Mapping[str, Any],
        machine_role: iam.Role,
        permissions: Sequence[str],
        resources: Sequence[str],
        assign: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            call=f"sagemaker:{action}",
            arguments=arguments,
            seconds=_CALL_SECONDS,
            transient=SAGEMAKER_TRANSIENT,
            assign=assign or {},
        )
        allow(machine_role, permissions, resources)


class CreateModel(SageMakerCall):
    """CreateModel with a whole request, uncompressed model data included."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: str,
        machine_role: iam.Role,
        endpoint_role: iam.IRole,
        request: str,
    ) -> None:
        super().__init__(
            scope,
            id,
            action="createModel",
            arguments=request,
            machine_role=machine_role,
            permissions=["sagemaker:CreateModel", "sagemaker:AddTags"],
            resources=[model_arns(Stack.of(scope), stage)],
        )
        pass_role(machine_role, endpoint_role)


class CreateEndpointConfig(SageMakerCall):
    """CreateEndpointConfig with a whole request, data capture included."""

    def __init__(
        self, scope: Construct, id: str, *, stage: str, machine_role: iam.Role, request: str
    ) -> None:
        super().__init__(
            scope,
            id,
            action="createEndpointConfig",
            arguments=request,
            machine_role=machine_role,
            permissions=["sagemaker:CreateEndpointConfig", "sagemaker:AddTags"],
            resources=[
                endpoint_config_arns(Stack.of(scope), stage),
                model_arns(Stack.of(scope), stage),
            ],
        )


class CreateEndpoint(SageMakerCall):
    """CreateEndpoint with a whole request: the project's first deployment."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: str,
        machine_role: iam.Role,
        request: str,
        assign: Mapping[str, Any],
    ) -> None:
        super().__init__(
            scope,
            id,
            action="createEndpoint",
            arguments=request,
            machine_role=machine_role,
            permissions=["sagemaker:CreateEndpoint", "sagemaker:AddTags"],
            resources=_endpoint_and_config(scope, stage),
            assign=assign,
        )


class UpdateEndpoint(SageMakerCall):
    """UpdateEndpoint with a whole request, its deployment configuration included.

    What runs keeps its instance counts and weights, whatever the request says: without
    `RetainAllVariantProperties` an update sets autoscaled counts back.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: str,
        machine_role: iam.Role,
        request: str,
        assign: Mapping[str, Any],
    ) -> None:
        super().__init__(
            scope,
            id,
            action="updateEndpoint",
            arguments=jsonata(f"$merge([{request}, {{'RetainAllVariantProperties': true}}])"),
            machine_role=machine_role,
            permissions=["sagemaker:UpdateEndpoint"],
            resources=_endpoint_and_config(scope, stage),
            assign=assign,
        )


class DescribeEndpoint(SageMakerCall):
    """DescribeEndpoint, kept as `$endpoint`: `status`, `config` and `reason`."""

    def __init__(
        self, scope: Construct, id: str, *, stage: str, machine_role: iam.Role, endpoint: str
    ) -> None:
        result = "$states.result"
        super().__init__(
            scope,
            id,
            action="describeEndpoint",
            arguments={"EndpointName": jsonata(endpoint)},
            machine_role=machine_role,
            permissions=["sagemaker:DescribeEndpoint"],
            resources=[endpoint_arns(Stack.of(scope), stage)],
            assign={
                "endpoint": {
                    "status": jsonata(f"{result}.EndpointStatus"),
                    "config": jsonata(
                        f"$exists({result}.EndpointConfigName) ? {result}.EndpointConfigName : ''"
                    ),
                    "reason": jsonata(
                        f"$exists({result}.FailureReason) ? {result}.FailureReason : ''"
                    ),
                }
            },
        )


class FindEndpoint(SageMakerCall):
    """Whether there is an endpoint, kept as `$found`: its status, or `gone`.

    To describe one that is absent is an error, which would be tried again.
    """

    def __init__(
        self, scope: Construct, id: str, *, stage: str, machine_role: iam.Role, endpoint: str
    ) -> None:
        listed = f"$states.result.Endpoints[EndpointName = {endpoint}].EndpointStatus"
        super().__init__(
            scope,
            id,
            action="listEndpoints",
            # Names of other projects may contain this one; not a hundred of them.
            arguments={"NameContains": jsonata(endpoint), "MaxResults": 100},
            machine_role=machine_role,
            permissions=["sagemaker:ListEndpoints"],
            resources=["*"],  # AWS has no resource for it
            assign={"found": jsonata(f"$exists({listed}) ? {listed} : 'gone'")},
        )


class DeleteEndpoint(SageMakerCall):
    """DeleteEndpoint: the only call that a Failed endpoint accepts."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: str,
        machine_role: iam.Role,
        endpoint: str,
        assign: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            action="deleteEndpoint",
            arguments={"EndpointName": jsonata(endpoint)},
            machine_role=machine_role,
            permissions=["sagemaker:DeleteEndpoint"],
            resources=[endpoint_arns(Stack.of(scope), stage)],
            assign=assign,
        )


def _endpoint_and_config(scope: Construct, stage: str) -> list[str]:
    stack = Stack.of(scope)
    return [endpoint_arns(stack, stage), endpoint_config_arns(stack, stage)]
