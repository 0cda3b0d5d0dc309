"""Calls that guard an endpoint: CloudWatch's alarms, Application Auto Scaling's targets.

Both take what exists already: a repeated call changes nothing more.
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.naming import endpoint_arns, endpoint_config_arns
from infra.permissions import allow
from infra.tasks.common import SdkCall

CALLS = {
    "put_alarm": ("cloudwatch", "putMetricAlarm"),
    "register": ("applicationautoscaling", "registerScalableTarget"),
    "deregister": ("applicationautoscaling", "deregisterScalableTarget"),
    "put_policy": ("applicationautoscaling", "putScalingPolicy"),
    "put_schedule": ("applicationautoscaling", "putScheduledAction"),
}
"""A step's action, and the call that it is."""

TRANSIENT = {
    "cloudwatch": (
        "CloudWatch.CloudWatchException",
        "CloudWatch.InternalServiceFaultException",
        "CloudWatch.SdkClientException",
    ),
    "applicationautoscaling": (
        "ApplicationAutoScaling.ApplicationAutoScalingException",
        "ApplicationAutoScaling.ConcurrentUpdateException",
        "ApplicationAutoScaling.InternalServiceException",
        "ApplicationAutoScaling.SdkClientException",
    ),
}

_CALL_SECONDS = 60


class GuardCall(SdkCall):
    """One step of the plan: its request as it is."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        action: str,
        request: str | Mapping[str, Any],
        assign: Mapping[str, Any],
        stage: str,
        machine_role: iam.Role,
    ) -> None:
        service, call = CALLS[action]
        super().__init__(
            scope,
            id,
            call=f"{service}:{call}",
            arguments=request,
            seconds=_CALL_SECONDS,
            transient=TRANSIENT[service],
            assign=assign,
        )
        if service == "cloudwatch":
            _allow_alarms(machine_role, stage)
        else:
            _allow_scaling(machine_role, stage, call)


def alarm_arns(stack: Stack, *names: str) -> list[str]:
    """Alarms by the patterns of their names."""
    return [
        stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for name in names
    ]


def _allow_alarms(role: iam.Role, stage: str) -> None:
    """The stage's own, and to name them in an update."""
    own = alarm_arns(Stack.of(role), f"*-{stage}-*")
    allow(role, ["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"], own)


def _allow_scaling(role: iam.Role, stage: str, call: str) -> None:
    """The call, and what it is checked for at the endpoint and its alarms
    (https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html).
    """
    stack = Stack.of(role)
    allow(
        role,
        [f"application-autoscaling:{call[0].upper()}{call[1:]}"],
        [
            stack.format_arn(
                service="application-autoscaling",
                resource="scalable-target",
                resource_name="*",  # targets are called by numbers that AWS makes up
            )
        ],
        # Every such call carries its namespace.
        {"StringEqualsIfExists": {"application-autoscaling:service-namespace": "sagemaker"}},
    )
    allow(
        role,
        ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"],
        [endpoint_arns(stack, stage)],
    )
    allow(role, ["sagemaker:DescribeEndpointConfig"], [endpoint_config_arns(stack, stage)])
    if call == "putScalingPolicy":
        allow(
            role,
            ["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
            alarm_arns(stack, f"TargetTracking-endpoint/*-{stage}/variant/*"),
        )
    if call == "registerScalableTarget":
        _allow_service_role(role, stack)


def _allow_service_role(role: iam.Role, stack: Stack) -> None:
    """The first target of an account makes the role that scales
    (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html).
    """
    service = "sagemaker.application-autoscaling.amazonaws.com"
    allow(
        role,
        ["iam:CreateServiceLinkedRole"],
        [
            stack.format_arn(
                service="iam",
                region="",
                resource="role",
                resource_name=f"aws-service-role/{service}/"
                "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
            )
        ],
        {"StringLike": {"iam:AWSServiceName": service}},
    )
