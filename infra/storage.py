"""The drop bucket, the lake bucket, the ledger table and the key that encrypts them."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import StageSettings


class Storage(Construct):
    """Everything that holds data. No name is ours: CloudFormation may replace what it made."""

    def __init__(self, scope: Construct, id: str, settings: StageSettings) -> None:
        super().__init__(scope, id)
        self._removal = RemovalPolicy.RETAIN if settings.retains else RemovalPolicy.DESTROY
        # A key of our own: S3 cannot send to a queue that an AWS managed key encrypts
        # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html).
        self.key = kms.Key(
            self,
            "Key",
            description=f"Dropforge {settings.stage}: drops, lake, ledger and queues",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )
        self.drops = self._bucket("Drops", settings)
        self.lake = self._bucket("Lake", settings)
        self.ledger = dynamodb.Table(
            self,
            "Ledger",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=settings.retains,
            removal_policy=self._removal,
        )

    def _bucket(self, id: str, settings: StageSettings) -> s3.Bucket:
        return s3.Bucket(
            self,
            id,
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    noncurrent_version_expiration=Duration.days(settings.keep_noncurrent_days),
                    expired_object_delete_marker=True,
                )
            ],
            removal_policy=self._removal,
        )
