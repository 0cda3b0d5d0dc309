"""A stage as the CLI finds it: the stack's outputs and what they name, as moto answers them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from dropforge.aws.clients import client
from dropforge.aws.stack import Stack
from dropforge.cli.main import app
from dropforge.cli.session import Session, connect

ACCOUNT = "123456789012"
REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/machine"
DEFINITION = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})

Dropforge = Callable[..., Result]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty account, and no local cloud."""
    for name, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "DROPFORGE_HOME": str(tmp_path / "home"),
        "COLUMNS": "250",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    client.cache_clear()
    with mock_aws():
        yield
    client.cache_clear()


@pytest.fixture
def session(aws: None, monkeypatch: pytest.MonkeyPatch) -> Session:
    """The stage dev, deployed."""
    stack = make_stack()

    def find(stage: str) -> Stack:
        assert stage == "dev"
        return stack

    monkeypatch.setattr(Stack, "find", find)
    return connect("dev", None, quiet=True)


def make_stack() -> Stack:
    """What the template makes, as far as the CLI touches it."""
    s3, sqs, states = boto3.client("s3"), boto3.client("sqs"), boto3.client("stepfunctions")
    for bucket in ("drops", "lake"):
        where = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
    boto3.client("dynamodb").create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    machines = {
        name: states.create_state_machine(name=name, definition=DEFINITION, roleArn=ROLE)
        for name in ("pipeline", "deployment")
    }
    return Stack(
        DropBucket="drops",
        LakeBucket="lake",
        LedgerTable="ledger",
        TopicArn=boto3.client("sns").create_topic(Name="topic")["TopicArn"],
        DropQueueUrl=sqs.create_queue(QueueName="queue")["QueueUrl"],
        JobImageUri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/jobs:1",
        JobRoleArn="arn:aws:iam::123456789012:role/job",
        DropDeadLetterQueueUrl=sqs.create_queue(QueueName="dead")["QueueUrl"],
        PipelineArn=machines["pipeline"]["stateMachineArn"],
        DeploymentArn=machines["deployment"]["stateMachineArn"],
    )


@pytest.fixture
def dropforge() -> Dropforge:
    """The command line."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run
