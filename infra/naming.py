"""ARNs of what the flows make themselves, by the patterns of their names."""

from aws_cdk import ArnFormat, Stack


def machine_arn(stack: Stack, name: str) -> str:
    """The machine's ARN from its fixed name: functions and machines would else need each other."""
    return stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def execution_arns(stack: Stack, name: str) -> str:
    """All executions of a machine."""
    return stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{name}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def job_arns(stack: Stack, kind: str, step: str) -> str:
    """Jobs of one step: their names are `<run>-<step>-<round>-…`."""
    return stack.format_arn(service="sagemaker", resource=kind, resource_name=f"*-{step}-*")


def endpoint_arns(stack: Stack, stage: str) -> str:
    """The stage's endpoints, `<project>-<stage>`."""
    return stack.format_arn(service="sagemaker", resource="endpoint", resource_name=f"*-{stage}")


def every_endpoint_arns(stack: Stack) -> list[str]:
    """All endpoints and configurations of the account: one of another name may use our models."""
    return [
        stack.format_arn(service="sagemaker", resource=kind, resource_name="*")
        for kind in ("endpoint", "endpoint-config")
    ]


def foreign_setting_arns(stack: Stack) -> list[str]:
    """All endpoint configurations and models of the account: what was set by hand is carried on."""
    return [
        stack.format_arn(service="sagemaker", resource=kind, resource_name="*")
        for kind in ("endpoint-config", "model")
    ]


def endpoint_config_arns(stack: Stack, stage: str) -> str:
    """The stage's endpoint configurations, `<project>-<stage>-<hash>`."""
    return stack.format_arn(
        service="sagemaker", resource="endpoint-config", resource_name=f"*-{stage}-*"
    )


def model_arns(stack: Stack, stage: str) -> str:
    """The stage's models, `<project>-<stage>-<hash>`."""
    return stack.format_arn(service="sagemaker", resource="model", resource_name=f"*-{stage}-*")


def package_group_arns(stack: Stack, stage: str) -> str:
    """The stage's model package groups, `<project>-<stage>`."""
    return stack.format_arn(
        service="sagemaker", resource="model-package-group", resource_name=f"*-{stage}"
    )


def package_arns(stack: Stack, stage: str) -> str:
    """The stage's model packages, `<group>/<version>`."""
    return stack.format_arn(
        service="sagemaker", resource="model-package", resource_name=f"*-{stage}/*"
    )


def sagemaker_log_arns(stack: Stack, *groups: str) -> list[str]:
    """Log streams of SageMaker's shared groups, such as `/aws/sagemaker/TrainingJobs`."""
    return [
        stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"/aws/sagemaker/{group}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for group in groups
    ]
