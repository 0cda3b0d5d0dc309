"""Customer managed keys: kept, and needed."""

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from local.deploy import DeploymentFailed
from tests.local_cloud import stacks
from tests.local_cloud.conftest import client_of, wait_for

KEY_ARN = {"Fn::GetAtt": ["Key", "Arn"]}
ROOT = {
    "Effect": "Allow",
    "Action": "kms:*",
    "Resource": "*",
    "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
}
S3_MAY = {
    "Effect": "Allow",
    "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
    "Resource": "*",
    "Principal": {"Service": "s3.amazonaws.com"},
}


def resources(*key_statements: dict[str, Any]) -> dict[str, Any]:
    """A key, a bucket that notifies a queue, and a topic, all encrypted with it."""
    queue_arn = {"Fn::GetAtt": ["Queue", "Arn"]}
    return {
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "KeyPolicy": {"Version": "2012-10-17", "Statement": [ROOT, *key_statements]}
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": KEY_ARN}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": KEY_ARN}},
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "sqs:SendMessage",
                            "Resource": queue_arn,
                            "Principal": {"Service": "s3.amazonaws.com"},
                        }
                    ],
                },
            },
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "DependsOn": "QueuePolicy",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": KEY_ARN,
                            },
                        }
                    ]
                },
                "NotificationConfiguration": {
                    "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": queue_arn}]
                },
            },
        },
    }


def outputs_of(cloud: LocalCloud, *key_statements: dict[str, Any]) -> dict[str, str]:
    return stacks.deploy(
        cloud,
        resources(*key_statements),
        {
            "Key": KEY_ARN,
            "Bucket": {"Ref": "Bucket"},
            "Topic": {"Ref": "Topic"},
            "Queue": {"Ref": "Queue"},
        },
    )


def test_a_bucket_keeps_its_key(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html"""
    outputs = outputs_of(cloud)
    rule = cloud.client("s3").get_bucket_encryption(Bucket=outputs["Bucket"])[
        "ServerSideEncryptionConfiguration"
    ]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": outputs["Key"],
    }
    assert rule["BucketKeyEnabled"] is True


def test_kms_without_a_key_is_the_accounts_own(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    bucket = f"managed-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=bucket)
    answer = cloud.client("s3").put_object(
        Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms"
    )
    assert answer["SSEKMSKeyId"].endswith(":alias/aws/s3")


def test_using_a_key_needs_permission(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    outputs = outputs_of(cloud)
    item = f"arn:aws:s3:::{outputs['Bucket']}/*"
    without = client_of(
        cloud,
        f"without-{uuid.uuid4().hex[:6]}",
        (["s3:PutObject", "s3:GetObject"], item),
        ("sns:Publish", "*"),
    )
    put = {"Bucket": outputs["Bucket"], "Key": "k", "Body": b"x"}
    with pytest.raises(ClientError, match="kms:GenerateDataKey on resource: arn:aws:kms"):
        without("s3").put_object(**put)
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        without("sns").publish(TopicArn=outputs["Topic"], Message="m")
    writer = client_of(
        cloud,
        f"writer-{uuid.uuid4().hex[:6]}",
        (["s3:PutObject", "s3:GetObject"], item),
        ("sns:Publish", "*"),
        ("kms:GenerateDataKey", outputs["Key"]),
    )
    writer("s3").put_object(**put)
    with pytest.raises(ClientError, match="kms:Decrypt"):
        writer("s3").get_object(Bucket=outputs["Bucket"], Key="k")
    with pytest.raises(ClientError, match="kms:Decrypt"):
        writer("sns").publish(TopicArn=outputs["Topic"], Message="m")
    with pytest.raises(ClientError, match="s3:DeleteObject"):
        writer("s3").delete_object(Bucket=outputs["Bucket"], Key="k")


@pytest.mark.parametrize("statements, delivered", [([S3_MAY], True), ([], False)])
def test_s3_needs_the_key_of_the_queue(
    cloud: LocalCloud, statements: list[dict[str, Any]], delivered: bool
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html"""
    outputs = outputs_of(cloud, *statements)
    cloud.client("s3").put_object(Bucket=outputs["Bucket"], Key="dropped", Body=b"x")
    sqs = cloud.client("sqs")

    def keys() -> list[str]:
        found = sqs.receive_message(QueueUrl=outputs["Queue"], MaxNumberOfMessages=10)
        records = [
            record
            for message in found.get("Messages", [])
            for record in json.loads(message["Body"]).get("Records", [])
        ]
        return [record["s3"]["object"]["key"] for record in records]

    if delivered:
        assert wait_for(keys) == ["dropped"]
    else:
        time.sleep(0.5)
        assert keys() == []


def test_a_mapping_needs_the_key_of_its_queue(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    queue_arn = {"Fn::GetAtt": ["Queue", "Arn"]}
    mapped = resources(S3_MAY) | {
        "Role": stacks.role(
            "lambda.amazonaws.com",
            (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue_arn),
        ),
        "Function": stacks.function(cloud, {"app.py": "def handler(e, c): pass"}, "Role"),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": queue_arn, "FunctionName": {"Ref": "Function"}},
        },
    }
    with pytest.raises(DeploymentFailed, match="Mapping .*Decrypt on KMS"):
        stacks.deploy(cloud, mapped, {})


def test_publishing_needs_permission(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html"""
    topic = stacks.deploy(
        cloud, {"Topic": {"Type": "AWS::SNS::Topic"}}, {"Topic": {"Ref": "Topic"}}
    )["Topic"]
    nobody = client_of(cloud, f"nobody-{uuid.uuid4().hex[:6]}")
    with pytest.raises(ClientError, match="sns:Publish"):
        nobody("sns").publish(TopicArn=topic, Message="m")


def test_loopback_counts_as_secure(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"""
    s3 = cloud.client("s3")
    bucket = f"tls-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    user = f"tls-{uuid.uuid4().hex[:6]}"
    limited = client_of(cloud, user, ("s3:PutObject", "*"))("s3")
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": {"AWS": "*"},
                        "Action": "s3:*",
                        "Resource": f"arn:aws:s3:::{bucket}/*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            }
        ),
    )
    limited.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": {"AWS": "*"},
                        "Action": "s3:*",
                        "Resource": f"arn:aws:s3:::{bucket}/*",
                        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
                    }
                ],
            }
        ),
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        limited.put_object(Bucket=bucket, Key="k", Body=b"x")
