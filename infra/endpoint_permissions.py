"""What the functions of a deployment may do with endpoints, beside the reason they need it."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from infra.naming import (
    endpoint_arns,
    endpoint_config_arns,
    every_endpoint_arns,
    foreign_setting_arns,
    model_arns,
    package_arns,
)
from infra.permissions import allow, read_ledger, read_objects, write_ledger, write_objects
from infra.storage import Storage
from infra.tasks.guards import alarm_arns


def allow_plan_endpoint(function: iam.IGrantable, storage: Storage, stage: str) -> None:
    """Reads whatever an endpoint is made of, and what guards and scales it."""
    stack = Stack.of(storage)
    read_ledger(function, storage)
    read_objects(function, storage, storage.lake, "projects")
    configs = endpoint_config_arns(stack, stage)
    allow(
        function,
        [
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:DescribeModel",
            "sagemaker:DescribeModelPackage",
        ],
        [
            endpoint_arns(stack, stage),
            configs,
            model_arns(stack, stage),
            package_arns(stack, stage),
        ],
    )
    # What the project declared when the live configuration was made is in its tags; an endpoint
    # that is made anew keeps its own.
    allow(function, ["sagemaker:ListTags"], [configs, endpoint_arns(stack, stage)])
    # A person may have given the endpoint a configuration or model under any name.
    allow(
        function,
        ["sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel", "sagemaker:ListTags"],
        foreign_setting_arns(stack),
    )
    # What guards and scales it. Which alarms exist is asked by name.
    allow(
        function,
        ["cloudwatch:DescribeAlarms"],
        alarm_arns(stack, f"*-{stage}-*"),
    )
    allow(
        function,
        [
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingPolicies",
            "application-autoscaling:DescribeScheduledActions",
        ],
        ["*"],  # AWS has no resource for them
    )


def allow_smoke_test(function: iam.IGrantable, storage: Storage, stage: str) -> None:
    """Asks the endpoint what the artifact says it must answer."""
    stack = Stack.of(storage)
    read_objects(function, storage, storage.lake, "models")
    allow(
        function,
        ["sagemaker:InvokeEndpoint"],
        [endpoint_arns(stack, stage)],
    )


def allow_move_champion(function: iam.IGrantable, storage: Storage, stage: str) -> None:
    """Moves the champion, and clears away what no endpoint uses."""
    stack = Stack.of(storage)
    write_ledger(function, storage)
    write_objects(function, storage, storage.lake, "runs")
    # People read the champion's alias off its package. A package's approval is a person's:
    # a request that says anything of it is not allowed
    # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html).
    allow(
        function,
        ["sagemaker:UpdateModelPackage"],
        [package_arns(stack, stage)],
        {"Null": {"sagemaker:ModelApprovalStatus": "true"}},
    )
    # Old configurations and models are deleted, never one that any endpoint still uses.
    allow(
        function,
        ["sagemaker:DeleteEndpointConfig", "sagemaker:DeleteModel"],
        [endpoint_config_arns(stack, stage), model_arns(stack, stage)],
    )
    allow(
        function,
        ["sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig"],
        every_endpoint_arns(stack),
    )
    allow(
        function,
        ["sagemaker:ListEndpointConfigs", "sagemaker:ListEndpoints", "sagemaker:ListModels"],
        ["*"],  # AWS has no resource for them
    )
