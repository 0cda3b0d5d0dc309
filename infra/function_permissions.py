"""Who may call what: each function's permissions, beside the reason it needs them."""

from aws_cdk import Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam

from dropforge.names import machine_name
from infra.endpoint_permissions import (
    allow_move_champion,
    allow_plan_endpoint,
    allow_smoke_test,
)
from infra.functions import TIMEOUTS, Functions
from infra.naming import (
    execution_arns,
    machine_arn,
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
        allow_plan_endpoint(function, self._storage, self._stage)

    def _smoke_test(self, function: iam.IGrantable) -> None:
        allow_smoke_test(function, self._storage, self._stage)

    def _move_champion(self, function: iam.IGrantable) -> None:
        allow_move_champion(function, self._storage, self._stage)

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
