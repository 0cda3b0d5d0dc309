"""An account in memory (moto): the buckets, the ledger, the topic and the state machines."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from moto import mock_aws

from dropforge.aws import clients
from dropforge.aws.ledger import Ledger
from dropforge.aws.projects import publish_project
from dropforge.project import ProjectSpec
from lambdas import settings
from tests.unit.lambdas.documents import make_spec

REGION = "eu-west-1"
ACCOUNT = "123456789012"
EVENTS = Path(__file__).parents[2] / "events"
DROPS = "dropforge-dev-dropbucket-1a2b3c4d5e6f"
LAKE = "dropforge-dev-lakebucket-6f5e4d3c2b1a"
TABLE = "dropforge-dev-Ledger"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/dropforge-jobs:1"


@dataclass
class LambdaContext:
    """What Powertools reads of a Lambda context."""

    function_name: str = "under-test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:under-test"
    aws_request_id: str = "da658bd3-2d6f-4e7b-8ec2-937234644fdc"


@dataclass
class Account:
    """A deployed stage without its functions."""

    ledger: Ledger
    pipeline_arn: str
    deployment_arn: str
    topic_arn: str
    mailbox_url: str
    context: Any = field(default_factory=LambdaContext)

    def client(self, service: str) -> Any:
        """A client of the account's region."""
        return _client(service)

    def push(self, **changes: Any) -> ProjectSpec:
        """Push a project; `changes` are parts of its specification."""
        spec = make_spec(**changes)
        publish_project(LAKE, self.ledger, spec)
        return spec

    def executions(self, machine: str | None = None) -> list[dict[str, Any]]:
        """The executions of a machine (the pipeline), each with its input read."""
        states = self.client("stepfunctions")
        listed = states.list_executions(stateMachineArn=machine or self.pipeline_arn)["executions"]
        described = [states.describe_execution(executionArn=e["executionArn"]) for e in listed]
        return [{**found, "input": json.loads(found["input"])} for found in described]

    def start(self, name: str, machine: str | None = None, **payload: Any) -> str:
        """Start an execution as something else than the function under test would."""
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=machine or self.pipeline_arn, name=name, input=json.dumps(payload)
        )
        return str(answer["executionArn"])

    def stop(self, execution: str) -> None:
        """Abort an execution."""
        self.client("stepfunctions").stop_execution(executionArn=execution)

    def mails(self) -> list[dict[str, Any]]:
        """Every mail sent so far: subject, body, attributes."""
        queue = self.client("sqs")
        found = []
        while batch := queue.receive_message(
            QueueUrl=self.mailbox_url, MaxNumberOfMessages=10, VisibilityTimeout=0
        ).get("Messages"):
            for message in batch:
                queue.delete_message(
                    QueueUrl=self.mailbox_url, ReceiptHandle=message["ReceiptHandle"]
                )
                note = json.loads(message["Body"])
                attributes = {k: v["Value"] for k, v in note["MessageAttributes"].items()}
                found.append({"subject": note["Subject"], "body": note["Message"], **attributes})
        return found

    def lake_keys(self, prefix: str = "") -> list[str]:
        """Every key in the lake below a prefix."""
        listed = self.client("s3").list_objects_v2(Bucket=LAKE, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]


@pytest.fixture(scope="module")
def process() -> Iterator[pytest.MonkeyPatch]:
    """The environment of a function's process, and clients that live as long as it does."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "DROPFORGE_STAGE": "dev",
            "DROPFORGE_LEDGER_TABLE": TABLE,
            "DROPFORGE_LAKE_BUCKET": LAKE,
            "DROPFORGE_IMAGE_URI": IMAGE,
            "DROPFORGE_ENDPOINT_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/dropforge-dev-Endpoint",
            "POWERTOOLS_LOG_LEVEL": "ERROR",
        }.items():
            environment.setenv(name, value)
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            environment.delenv(name, raising=False)
        _forget()
        yield environment
        _forget()


@pytest.fixture
def account(process: pytest.MonkeyPatch) -> Iterator[Account]:
    """A deployed stage `dev`, empty."""
    with mock_aws():
        made = _make()
        process.setenv("DROPFORGE_PIPELINE_ARN", made.pipeline_arn)
        process.setenv("DROPFORGE_DEPLOYMENT_ARN", made.deployment_arn)
        process.setenv("DROPFORGE_TOPIC_ARN", made.topic_arn)
        yield made


@pytest.fixture
def sqs_event() -> Callable[[str], dict[str, Any]]:
    """A fixture of tests/events/sqs by name."""
    return lambda name: read_event(f"sqs/{name}.json")


def read_event(path: str) -> dict[str, Any]:
    """A recorded event."""
    event: dict[str, Any] = json.loads((EVENTS / path).read_text("utf-8"))
    return event


def arrival_event(key: str, size: int = 10, version: str = "v1") -> dict[str, Any]:
    """The recorded put of an object, with another key (encoded as S3 encodes it)."""
    event = read_event("sqs/put.json")
    body = json.loads(event["Records"][0]["body"])
    body["Records"][0]["s3"]["object"] |= {
        "key": quote_plus(key, safe="/"),
        "size": size,
        "versionId": version,
    }
    event["Records"][0]["body"] = json.dumps(body)
    return event


@cache
def _client(service: str) -> Any:
    """The tests' own client: what a test breaks in the function's does not break it."""
    return boto3.client(service, region_name=REGION)


def _forget() -> None:
    """Drop what a process keeps between invocations."""
    _client.cache_clear()
    clients.client.cache_clear()
    settings.load.cache_clear()
    settings._ledger.cache_clear()


def _make() -> Account:
    s3 = _client("s3")
    for bucket in (DROPS, LAKE):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    _client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )
    topic = _client("sns").create_topic(Name="dropforge-dev")["TopicArn"]
    return Account(
        ledger=settings._ledger(TABLE),
        pipeline_arn=_machine("pipeline"),
        deployment_arn=_machine("deployment"),
        topic_arn=topic,
        mailbox_url=_mailbox(topic),
    )


def _machine(name: str) -> str:
    wait = {"Type": "Wait", "Seconds": 1, "End": True}
    definition = {"StartAt": "Wait", "States": {"Wait": wait}}
    answer = _client("stepfunctions").create_state_machine(
        name=f"dropforge-dev-{name}",
        definition=json.dumps(definition),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/dropforge-dev-{name}",
    )
    return str(answer["stateMachineArn"])


def _mailbox(topic: str) -> str:
    sqs = _client("sqs")
    url = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    _client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    return str(url)
