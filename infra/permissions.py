"""The statements that roles are given, one function a thing: actions are named one by one.

The CDK's own grants say `s3:GetObject*` and the like; these say what the code calls.
"""

from collections.abc import Iterable

from aws_cdk import Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from infra.naming import execution_arns
from infra.notifications import Notifications
from infra.storage import Storage


def allow(
    grantee: iam.IGrantable,
    actions: Iterable[str],
    resources: Iterable[str],
    conditions: dict[str, object] | None = None,
) -> None:
    """One statement for the grantee's role."""
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            actions=list(actions), resources=list(resources), conditions=conditions or {}
        )
    )


def pass_role(grantee: iam.IGrantable, role: iam.IRole) -> None:
    """Let SageMaker, and nothing else, be given the role."""
    allow(
        grantee,
        ["iam:PassRole"],
        [role.role_arn],
        {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    )


def read_objects(
    grantee: iam.IGrantable, storage: Storage, bucket: s3.Bucket, *prefixes: str
) -> None:
    """Read below the prefixes. Listing is the bucket's: without it a missing key answers 403."""
    allow(grantee, ["s3:ListBucket"], [bucket.bucket_arn])
    allow(grantee, ["s3:GetObject"], [bucket.arn_for_objects(f"{p}/*") for p in prefixes])
    allow(grantee, ["kms:Decrypt"], [storage.key.key_arn])


def write_objects(
    grantee: iam.IGrantable, storage: Storage, bucket: s3.Bucket, *prefixes: str
) -> None:
    """Write below the prefixes (a multipart upload decrypts its own parts)."""
    allow(
        grantee,
        ["s3:PutObject", "s3:AbortMultipartUpload"],
        [bucket.arn_for_objects(f"{p}/*") for p in prefixes],
    )
    allow(grantee, ["kms:Decrypt", "kms:GenerateDataKey"], [storage.key.key_arn])


def read_drops(grantee: iam.IGrantable, storage: Storage) -> None:
    """Read every version of every dropped file; never write one."""
    allow(grantee, ["s3:ListBucket"], [storage.drops.bucket_arn])
    allow(grantee, ["s3:GetObject", "s3:GetObjectVersion"], [storage.drops.arn_for_objects("*")])
    allow(grantee, ["kms:Decrypt"], [storage.key.key_arn])


def read_ledger(grantee: iam.IGrantable, storage: Storage) -> None:
    """Look things up in the ledger."""
    allow(
        grantee,
        ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"],
        [storage.ledger.table_arn],
    )
    allow(grantee, ["kms:Decrypt"], [storage.key.key_arn])


def write_ledger(grantee: iam.IGrantable, storage: Storage) -> None:
    """Look things up in the ledger and change them."""
    read_ledger(grantee, storage)
    allow(
        grantee,
        ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
        [storage.ledger.table_arn],
    )


def send_mail(grantee: iam.IGrantable, notifications: Notifications, topic: sns.Topic) -> None:
    """Publish to a topic."""
    allow(grantee, ["sns:Publish"], [topic.topic_arn])
    allow(grantee, ["kms:Decrypt", "kms:GenerateDataKey"], [notifications.key.key_arn])


def describe_executions(grantee: iam.IGrantable, *machines: str) -> None:
    """Look at executions of the machines of these names."""
    stack = Stack.of(grantee)
    allow(grantee, ["states:DescribeExecution"], [execution_arns(stack, name) for name in machines])


def pull_image(grantee: iam.IGrantable, repository: ecr.IRepository) -> None:
    """Pull the job image."""
    allow(
        grantee,
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        [repository.repository_arn],
    )
    # The token is the account's: AWS has no resource for it.
    allow(grantee, ["ecr:GetAuthorizationToken"], ["*"])


def put_metrics(grantee: iam.IGrantable, *namespaces: str) -> None:
    """Publish CloudWatch metrics of the namespaces."""
    allow(
        grantee,
        ["cloudwatch:PutMetricData"],
        ["*"],  # AWS has no resource for it; the namespace is the bound
        {"StringEquals": {"cloudwatch:namespace": list(namespaces)}},
    )
