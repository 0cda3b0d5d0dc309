"""Who may call what: each function's permissions, beside the reason it needs them."""

from aws_cdk import Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam

from dropforge.names import machine_name
from infra.functions import TIMEOUTS, Functions
from infra.naming import (
    endpoint_arns,
    endpoint_config_arns,
    every_endpoint_arns,
    execution_arns,
    foreign_setting_arns,
    machine_arn,
    model_arns,
    package_arns,
    package_group_arns,
    sagemaker_log_arns,
)
from infra.notifications import Notifications
from infra.permissions import (
    allow,
    describe_executions,
    pull_image,
    read_ledger,
    read_objects,
    send_mail,
    write_ledger,
    write_objects,
)
from infra.storage import Storage
from infra.tasks.guards import alarm_arns


class FunctionPermissions:
    """Grants every function its permissions when constructed."""

    def __init__(
        self,
        *,
        stage: str,
        functions: Functions,
        storage: Storage,
        notifications: Notifications,
        repository: ecr.IRepository,
    ) -> None:
        self._stage = stage
        self._stack = Stack.of(functions)
        self._functions = functions
        self._storage = storage
        self._notifications = notifications
        self._repository = repository
        self._pipeline = machine_name(stage, "pipeline")
        self._deployment = machine_name(stage, "deployment")
        for name in TIMEOUTS:
            getattr(self, f"_{name}")(functions[name])

    def _intake(self, function: iam.IGrantable) -> None:
        write_ledger(function, self._storage)
        self._read_lake(function, "projects")
        self._write_lake(function, "quarantine")
        self._start(function, self._pipeline)
        self._mail(function)

    def _acquire_lock(self, function: iam.IGrantable) -> None:
        write_ledger(function, self._storage)
        # Is the lock's holder still running?
        describe_executions(function, self._pipeline, self._deployment)

    def _release_lock(self, function: iam.IGrantable) -> None:
        write_ledger(function, self._storage)

    def _plan_run(self, function: iam.IGrantable) -> None:
        write_ledger(function, self._storage)
        self._read_lake(function, "projects", "runs")

    def _find_champion(self, function: iam.IGrantable) -> None:
        read_ledger(function, self._storage)

    def _decide(self, function: iam.IGrantable) -> None:
        self._read_lake(function, "projects", "runs")
        self._write_lake(function, "runs")

    def _register(self, function: iam.IGrantable) -> None:
        write_ledger(function, self._storage)
        self._read_lake(function, "projects", "runs", "models")
        self._write_lake(function, "runs")
        packages = package_arns(self._stack, self._stage)
        allow(
            function,
            [
                "sagemaker:AddTags",
                "sagemaker:CreateModelPackage",
                "sagemaker:CreateModelPackageGroup",
                "sagemaker:DescribeModelPackage",
                "sagemaker:DescribeModelPackageGroup",
            ],
            [package_group_arns(self._stack, self._stage), packages],
        )
        allow(function, ["sagemaker:ListModelPackages"], ["*"])  # AWS has no resource for it
        # SageMaker looks at a package's image as the caller.
        pull_image(function, self._repository)

    def _plan_endpoint(self, function: iam.IGrantable) -> None:
        read_ledger(function, self._storage)
        self._read_lake(function, "projects")
        configs = endpoint_config_arns(self._stack, self._stage)
        allow(
            function,
            [
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DescribeModel",
                "sagemaker:DescribeModelPackage",
            ],
            [
                endpoint_arns(self._stack, self._stage),
                configs,
                model_arns(self._stack, self._stage),
                package_arns(self._stack, self._stage),
            ],
        )
        # What the project declared when the live configuration was made is in its tags.
        allow(function, ["sagemaker:ListTags"], [configs])
        # A person may have given the endpoint a configuration or model under any name.
        allow(
            function,
            ["sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel", "sagemaker:ListTags"],
            foreign_setting_arns(self._stack),
        )
        # What guards and scales it. Which alarms exist is asked by name.
        allow(
            function,
            ["cloudwatch:DescribeAlarms"],
            alarm_arns(self._stack, f"*-{self._stage}-*"),
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

    def _smoke_test(self, function: iam.IGrantable) -> None:
        self._read_lake(function, "models")
        allow(
            function,
            ["sagemaker:InvokeEndpoint"],
            [endpoint_arns(self._stack, self._stage)],
        )

    def _move_champion(self, function: iam.IGrantable) -> None:
        write_ledger(function, self._storage)
        self._write_lake(function, "runs")
        # People read the champion's alias off its package. A package's approval is a person's:
        # a request that says anything of it is not allowed
        # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html).
        allow(
            function,
            ["sagemaker:UpdateModelPackage"],
            [package_arns(self._stack, self._stage)],
            {"Null": {"sagemaker:ModelApprovalStatus": "true"}},
        )
        # Old configurations and models are deleted, never one that any endpoint still uses.
        allow(
            function,
            ["sagemaker:DeleteEndpointConfig", "sagemaker:DeleteModel"],
            [endpoint_config_arns(self._stack, self._stage), model_arns(self._stack, self._stage)],
        )
        allow(
            function,
            ["sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig"],
            every_endpoint_arns(self._stack),
        )
        allow(
            function,
            ["sagemaker:ListEndpointConfigs", "sagemaker:ListEndpoints", "sagemaker:ListModels"],
            ["*"],  # AWS has no resource for them
        )

    def _notify(self, function: iam.IGrantable) -> None:
        write_ledger(function, self._storage)
        self._read_lake(function, "runs")
        self._mail(function)
        describe_executions(function, self._pipeline, self._deployment)
        # A failure mail ends with the log's tail.
        allow(
            function,
            ["logs:DescribeLogStreams", "logs:GetLogEvents"],
            sagemaker_log_arns(self._stack, "ProcessingJobs", "TrainingJobs"),
        )

    def _notify_failure(self, function: iam.IGrantable) -> None:
        self._notify(function)
        # Which state was it in?
        allow(
            function,
            ["states:GetExecutionHistory"],
            [execution_arns(self._stack, self._pipeline)],
        )

    def _on_approval(self, function: iam.IGrantable) -> None:
        write_ledger(function, self._storage)
        allow(
            function,
            ["sagemaker:DescribeModelPackage"],
            [package_arns(self._stack, self._stage)],
        )
        self._start(function, self._deployment)
        self._mail(function)

    def _read_lake(self, function: iam.IGrantable, *prefixes: str) -> None:
        read_objects(function, self._storage, self._storage.lake, *prefixes)

    def _write_lake(self, function: iam.IGrantable, *prefixes: str) -> None:
        write_objects(function, self._storage, self._storage.lake, *prefixes)

    def _mail(self, function: iam.IGrantable) -> None:
        send_mail(function, self._notifications, self._notifications.topic)

    def _start(self, function: iam.IGrantable, machine: str) -> None:
        allow(function, ["states:StartExecution"], [machine_arn(self._stack, machine)])
        # Was it this execution that took the name?
        describe_executions(function, machine)
