"""From an object in the drop bucket to the intake function: notification, queue, dead letters."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from dropforge.names import stack_name
from infra.notifications import Notifications
from infra.settings import StageSettings
from infra.storage import Storage

S3_SERVICE = iam.ServicePrincipal("s3.amazonaws.com")
TRIES = 5
WINDOW_FACTOR = 6
"""AWS asks for a visibility timeout of six function timeouts
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)."""


class Intake(Construct):
    """Every created object is one message; a message that fails five times is a dead letter."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: StageSettings,
        storage: Storage,
        notifications: Notifications,
        function_timeout: Duration,
    ) -> None:
        super().__init__(scope, id)
        self._settings = settings
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=storage.key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            removal_policy=RemovalPolicy.RETAIN if settings.retains else RemovalPolicy.DESTROY,
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=storage.key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            visibility_timeout=Duration.seconds(WINDOW_FACTOR * function_timeout.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=TRIES),
        )
        self._notify_queue(storage)
        notifications.watch(
            self.dead_letters,
            "Drops that could not be taken in wait in the dead-letter queue. "
            "Next: dropforge redrive",
        )

    def feed(self, function: lambda_.Function) -> None:
        """Hand the messages to the intake function, each answered for by itself."""
        function.add_event_source(
            sources.SqsEventSource(
                self.queue,
                batch_size=10,
                report_batch_item_failures=True,
                max_concurrency=self._settings.intake_concurrency,
            )
        )

    def _notify_queue(self, storage: Storage) -> None:
        # Written on the bucket itself: the L2 notification is a custom resource with a function
        # of its own. The bucket must find its permission ready, so the policies name it by the
        # prefix that CloudFormation gives its buckets, not by reference.
        conditions = {
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            "ArnLike": {
                "aws:SourceArn": f"arn:{Aws.PARTITION}:s3:::{stack_name(self._settings.stage)}-*"
            },
        }
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[S3_SERVICE],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions=conditions,
            )
        )
        storage.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[S3_SERVICE],
                actions=["kms:GenerateDataKey", "kms:Decrypt"],
                resources=["*"],  # a key policy's "*" is the key itself
                conditions=conditions,
            )
        )
        bucket = storage.drops.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*", queue=self.queue.queue_arn
                )
            ]
        )
        bucket.node.add_dependency(self.queue.node.find_child("Policy"))
