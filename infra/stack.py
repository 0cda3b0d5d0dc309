"""One stack a stage: everything of Dropforge in an account (two would need each other)."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from dropforge.names import machine_name, stack_name
from infra.deployment import Deployment
from infra.events import Events
from infra.function_permissions import FunctionPermissions
from infra.functions import Functions
from infra.image import JobImage
from infra.intake import Intake
from infra.naming import machine_arn
from infra.notifications import Notifications
from infra.pipeline import Pipeline
from infra.roles import JobRoles
from infra.settings import StageSettings
from infra.storage import Storage


class DropforgeStack(Stack):
    """`dropforge-<stage>`, for whatever account and region the deployer's credentials name."""

    def __init__(self, scope: Construct, settings: StageSettings, **kwargs: Any) -> None:
        super().__init__(
            scope,
            stack_name(settings.stage),
            description="Dropforge: a dropped file becomes a judged, deployed model",
            termination_protection=settings.retains,
            **kwargs,
        )
        storage = Storage(self, "Storage", settings)
        notifications = Notifications(self, "Notifications", settings)
        image = JobImage(self, "JobImage", settings)
        roles = JobRoles(
            self, "Roles", settings=settings, storage=storage, repository=image.repository
        )
        pipeline_arn = machine_arn(self, machine_name(settings.stage, "pipeline"))
        deployment_arn = machine_arn(self, machine_name(settings.stage, "deployment"))
        places = {
            "DROPFORGE_STAGE": settings.stage,
            "DROPFORGE_LEDGER_TABLE": storage.ledger.table_name,
            "DROPFORGE_LAKE_BUCKET": storage.lake.bucket_name,
            "DROPFORGE_DROP_BUCKET": storage.drops.bucket_name,
        }
        functions = Functions(
            self,
            "Functions",
            settings=settings,
            environment=places | {"DROPFORGE_TOPIC_ARN": notifications.topic.topic_arn},
        )
        # Built from the machines' fixed names: a function need not wait for a machine.
        functions["intake"].add_environment("DROPFORGE_PIPELINE_ARN", pipeline_arn)
        functions["on_approval"].add_environment("DROPFORGE_DEPLOYMENT_ARN", deployment_arn)
        functions["register"].add_environment("DROPFORGE_IMAGE_URI", image.uri)
        functions["plan_endpoint"].add_environment(
            "DROPFORGE_ENDPOINT_ROLE_ARN", roles.endpoint.role_arn
        )
        FunctionPermissions(
            stage=settings.stage,
            functions=functions,
            storage=storage,
            notifications=notifications,
            repository=image.repository,
        )
        intake = Intake(
            self,
            "Intake",
            settings=settings,
            storage=storage,
            notifications=notifications,
            function_timeout=functions.timeout("intake"),
        )
        intake.feed(functions["intake"])
        deployment = Deployment(
            self,
            "Deployment",
            settings=settings,
            functions=functions,
            endpoint_role=roles.endpoint,
        )
        pipeline = Pipeline(
            self,
            "Pipeline",
            settings=settings,
            functions=functions,
            job_defaults={
                "job_role": roles.job,
                "image_uri": image.uri,
                "environment": places | _tracking(settings),
                "volume_gb": settings.volume_gb,
                "output_key_arn": storage.key.key_arn,
            },
            training_role=roles.training,
            lake_bucket=storage.lake.bucket_name,
            deployment=deployment.machine,
        )
        Events(
            self,
            "Events",
            settings=settings,
            functions=functions,
            notifications=notifications,
            pipeline_arn=pipeline_arn,
        )
        self._outputs(
            DropBucket=storage.drops.bucket_name,
            LakeBucket=storage.lake.bucket_name,
            LedgerTable=storage.ledger.table_name,
            PipelineArn=pipeline.machine.state_machine_arn,
            DeploymentArn=deployment.machine.state_machine_arn,
            TopicArn=notifications.topic.topic_arn,
            DropQueueUrl=intake.queue.queue_url,
            DropDeadLetterQueueUrl=intake.dead_letters.queue_url,
            JobImageUri=image.uri,
            JobRoleArn=roles.job.role_arn,
            TrainingRoleArn=roles.training.role_arn,
            EndpointRoleArn=roles.endpoint.role_arn,
            UploaderPolicyArn=roles.uploaders.managed_policy_arn,
        )

    def _outputs(self, **values: str) -> None:
        for name, value in values.items():
            CfnOutput(self, name, value=value)


def _tracking(settings: StageSettings) -> dict[str, str]:
    return {"DROPFORGE_TRACKING_SERVER": settings.tracking.server} if settings.tracking else {}
