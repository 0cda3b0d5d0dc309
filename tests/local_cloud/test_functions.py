"""Lambda under the official runtime client; S3 → SQS → Lambda; SNS → mail."""

import json
import time
import uuid
from typing import Any

import pytest

from local.cloud import LocalCloud
from local.deploy import DeploymentFailed
from local.mailbox import Mailbox
from tests.local_cloud import stacks
from tests.local_cloud.conftest import wait_for

CODE = """
import os, sys, time, json
COLD = time.time()
class Custom(Exception): pass
def handler(event, context):
    print("seen", event.get("do"))
    if event.get("do") == "raise": raise Custom("no")
    if event.get("do") == "exit": os._exit(7)
    if event.get("do") == "sleep": time.sleep(60)
    if event.get("do") == "s3":
        import boto3
        boto3.client("s3").list_buckets()
    if event.get("do") == "import":
        import dropforge.errors
    return {"cold": COLD, "path": sys.path, "environment": dict(os.environ),
            "id": context.aws_request_id, "left": context.get_remaining_time_in_millis()}
"""


@pytest.fixture(scope="module")
def name(cloud: LocalCloud) -> str:
    return stacks.deploy(
        cloud,
        {
            "Role": stacks.role("lambda.amazonaws.com"),
            "Function": stacks.function(
                cloud, {"app.py": CODE}, "Role", timeout=3, environment={"COLOUR": "blue"}
            ),
        },
        {"Name": {"Ref": "Function"}},
    )["Name"]


def invoke(cloud: LocalCloud, name: str, **event: Any) -> tuple[Any, str | None]:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_a_process_is_reused(cloud: LocalCloud, name: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
    first, _ = invoke(cloud, name)
    second, _ = invoke(cloud, name)
    assert first["cold"] == second["cold"]
    assert first["id"] != second["id"]
    assert 0 < second["left"] <= 3000


def test_the_environment_is_the_functions_own(cloud: LocalCloud, name: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
    answer, _ = invoke(cloud, name)
    environment = answer["environment"]
    assert environment["COLOUR"] == "blue"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_ENDPOINT_URL"] == cloud.info.endpoint_url
    assert cloud.info.secret_access_key not in environment.values()
    assert answer["path"][0] == environment["LAMBDA_TASK_ROOT"]


@pytest.mark.parametrize(
    "do, kind, message",
    [
        ("raise", "Custom", "no"),
        ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 7"),
        ("sleep", "Sandbox.Timedout", "Task timed out after 3.00 seconds"),
        ("s3", "AccessDenied", "s3:ListAllMyBuckets"),
        ("import", "ModuleNotFoundError", "No module named 'dropforge'"),
    ],
)
def test_errors_have_the_types_of_aws(
    cloud: LocalCloud, name: str, do: str, kind: str, message: str
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html

    The last two: a function acts as its role, and has the files of its package only.
    """
    document, error = invoke(cloud, name, do=do)
    assert error == "Unhandled"
    assert document["errorType"] == kind
    assert message in document["errorMessage"]
    assert "id" in invoke(cloud, name)[0], "the function answers again afterwards"


def test_output_goes_to_the_log_group(cloud: LocalCloud, name: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""
    mark = uuid.uuid4().hex
    invoke(cloud, name, do=mark)
    events = cloud.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{name}", filterPattern=f'"{mark}"'
    )["events"]
    assert [event["message"].strip() for event in events] == [f"seen {mark}"]


INTAKE = """
import json, os, boto3
def handler(event, context):
    for record in event["Records"]:
        for notice in json.loads(record["body"]).get("Records", []):
            boto3.client("sns").publish(
                TopicArn=os.environ["TOPIC"], Subject="seen", Message=notice["s3"]["object"]["key"],
                MessageAttributes={"event": {"DataType": "String", "StringValue": "results"}})
    return {"batchItemFailures": []}
"""


def intake_resources(cloud: LocalCloud) -> dict[str, Any]:
    queue_arn = {"Fn::GetAtt": ["Queue", "Arn"]}
    return {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Results": subscription("results@example.com", {"event": ["results"]}),
        "Failures": subscription("failures@example.com", {"event": ["failures"]}),
        "Queue": {"Type": "AWS::SQS::Queue"},
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
                "VersioningConfiguration": {"Status": "Enabled"},
                "NotificationConfiguration": {
                    "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": queue_arn}]
                },
            },
        },
        "Role": stacks.role(
            "lambda.amazonaws.com",
            ("sns:Publish", {"Ref": "Topic"}),
            (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue_arn),
        ),
        "Function": stacks.function(
            cloud, {"app.py": INTAKE}, "Role", environment={"TOPIC": {"Ref": "Topic"}}
        ),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": queue_arn,
                "FunctionName": {"Ref": "Function"},
                "BatchSize": 10,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
            },
        },
    }


def subscription(address: str, policy: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::SNS::Subscription",
        "Properties": {
            "TopicArn": {"Ref": "Topic"},
            "Protocol": "email",
            "Endpoint": address,
            "FilterPolicy": policy,
        },
    }


def test_a_drop_becomes_a_mail(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html

    Keys arrive URL-encoded; SNS filters by attributes:
    https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
    """
    outputs = stacks.deploy(cloud, intake_resources(cloud), {"Bucket": {"Ref": "Bucket"}})
    mailbox = Mailbox(cloud.home.mail)
    mailbox.clear()
    start = time.monotonic()
    cloud.client("s3").put_object(Bucket=outputs["Bucket"], Key="p/a b+ü 月.csv", Body=b"x")
    mail = wait_for(mailbox.newest)
    assert time.monotonic() - start < 2.0
    assert (mail.recipient, mail.subject) == ("results@example.com", "seen")
    assert mail.body.strip() == "p/a+b%2B%C3%BC+%E6%9C%88.csv"
    assert mail.sender.endswith("<no-reply@sns.amazonaws.com>")
    time.sleep(0.2)
    assert len(mailbox.list()) == 1


def test_a_mapping_needs_permissions_on_its_queue(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""
    resources = intake_resources(cloud) | {"Role": stacks.role("lambda.amazonaws.com")}
    with pytest.raises(DeploymentFailed, match="Mapping .*ReceiveMessage on SQS"):
        stacks.deploy(cloud, resources, {})


def test_a_rule_reaches_a_target_only_if_admitted(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"""
    source = f"test.{uuid.uuid4().hex[:8]}"
    code = "def handler(event, context): print('ran', event['detail']['n'])"
    admitted = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "Open"},
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
        },
    }
    outputs = stacks.deploy(
        cloud,
        {
            "Role": stacks.role("lambda.amazonaws.com"),
            "ShutQueue": {"Type": "AWS::SQS::Queue"},
            "Open": stacks.function(cloud, {"app.py": code}, "Role"),
            "Shut": stacks.function(cloud, {"app.py": code}, "Role"),
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventPattern": {"source": [source]},
                    "Targets": [
                        {"Id": "open", "Arn": {"Fn::GetAtt": ["Open", "Arn"]}},
                        {"Id": "shut", "Arn": {"Fn::GetAtt": ["Shut", "Arn"]}},
                        {"Id": "queue", "Arn": {"Fn::GetAtt": ["ShutQueue", "Arn"]}},
                    ],
                },
            },
            "Permission": admitted,
        },
        {"Open": {"Ref": "Open"}, "Shut": {"Ref": "Shut"}, "Queue": {"Ref": "ShutQueue"}},
    )
    cloud.client("events").put_events(
        Entries=[{"Source": source, "DetailType": "t", "Detail": json.dumps({"n": 1})}]
    )
    groups = cloud.client("logs").describe_log_groups
    wait_for(lambda: groups(logGroupNamePrefix=f"/aws/lambda/{outputs['Open']}")["logGroups"])
    assert not groups(logGroupNamePrefix=f"/aws/lambda/{outputs['Shut']}")["logGroups"]
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=outputs["Queue"])
