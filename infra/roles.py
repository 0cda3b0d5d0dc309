"""As whom SageMaker runs: processing jobs, training jobs and endpoints, and who may upload."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.naming import sagemaker_log_arns
from infra.permissions import (
    allow,
    pull_image,
    put_metrics,
    read_drops,
    read_objects,
    write_ledger,
    write_objects,
)
from infra.settings import StageSettings, Tracking
from infra.storage import Storage

SAGEMAKER = iam.ServicePrincipal("sagemaker.amazonaws.com")


class JobRoles(Construct):
    """Three roles, each with what its code touches, and the uploaders' policy."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: StageSettings,
        storage: Storage,
        repository: ecr.IRepository,
    ) -> None:
        super().__init__(scope, id)
        self._storage = storage
        self._repository = repository
        self.job = self._processing(settings.tracking)
        self.training = self._training()
        self.endpoint = self._endpoint(settings)
        self.uploaders = self._uploaders(settings)

    def _processing(self, tracking: Tracking | None) -> iam.Role:
        role = self._role("Job", "Dropforge: prepare, evaluate and score", "ProcessingJobs")
        lake = ("projects", "lake", "runs", "models", "predictions", "quarantine")
        read_drops(role, self._storage)
        read_objects(role, self._storage, self._storage.lake, *lake)
        write_objects(role, self._storage, self._storage.lake, *lake[1:])
        # A Delta commit that lost its race removes the files it had written.
        allow(role, ["s3:DeleteObject"], [self._storage.lake.arn_for_objects("lake/*")])
        write_ledger(role, self._storage)
        if tracking is not None:
            self._track(role, tracking)
        return role

    def _track(self, role: iam.Role, tracking: Tracking) -> None:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerwithmlflow.html
        calls = ("CreateExperiment", "GetExperimentByName", "CreateRun", "DeleteRun", "UpdateRun")
        calls += ("LogBatch", "SearchRuns")
        allow(role, [f"sagemaker-mlflow:{call}" for call in calls], [tracking.server])
        store = Stack.of(self).format_arn(
            service="s3", region="", account="", resource=tracking.artifacts, resource_name="*"
        )
        allow(role, ["s3:PutObject"], [store])

    def _training(self) -> iam.Role:
        role = self._role("Training", "Dropforge: train, without a network", "TrainingJobs")
        read_objects(role, self._storage, self._storage.lake, "runs")
        write_objects(role, self._storage, self._storage.lake, "models")
        return role

    def _endpoint(self, settings: StageSettings) -> iam.Role:
        role = self._role("Endpoint", "Dropforge: answer requests", "Endpoints/*")
        read_objects(role, self._storage, self._storage.lake, "models")
        write_objects(role, self._storage, self._storage.lake, "capture")
        alarms = Stack.of(self).format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=f"*-{settings.stage}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        # A guarded update watches its alarms as this role
        # (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html).
        allow(role, ["cloudwatch:DescribeAlarms"], [alarms])
        return role

    def _role(self, id: str, description: str, logs: str) -> iam.Role:
        role = iam.Role(self, id, assumed_by=SAGEMAKER, description=description)
        stack = Stack.of(self)
        allow(
            role,
            [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            sagemaker_log_arns(stack, logs),
        )
        put_metrics(role, "/aws/sagemaker/TrainingJobs", "/aws/sagemaker/Endpoints", "Dropforge")
        pull_image(role, self._repository)
        return role

    def _uploaders(self, settings: StageSettings) -> iam.ManagedPolicy:
        return iam.ManagedPolicy(
            self,
            "Uploaders",
            description=f"May drop files for Dropforge {settings.stage}, and nothing else",
            statements=[
                iam.PolicyStatement(
                    actions=["s3:PutObject", "s3:AbortMultipartUpload"],
                    resources=[self._storage.drops.arn_for_objects("*")],
                ),
                # A multipart upload decrypts its own parts.
                iam.PolicyStatement(
                    actions=["kms:GenerateDataKey", "kms:Decrypt"],
                    resources=[self._storage.key.key_arn],
                ),
            ],
        )
