"""Small templates for the tests, and how to run them."""

import io
import json
import uuid
import zipfile
from typing import Any

from local.cloud import LocalCloud
from local.deploy import BOOTSTRAP_BUCKET, bootstrap, deploy_template
from tests.local_cloud.conftest import wait_for

Resources = dict[str, Any]
Statement = tuple[str | list[str], Any]


def deploy(
    cloud: LocalCloud, resources: Resources, outputs: dict[str, Any], name: str | None = None
) -> dict[str, str]:
    """Deploys a template made of these resources."""
    template = {
        "Resources": resources,
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    return deploy_template(json.dumps(template), cloud, name or f"s-{uuid.uuid4().hex[:8]}")


def role(service: str, *statements: Statement) -> dict[str, Any]:
    """An AWS::IAM::Role for the service."""
    properties: dict[str, Any] = {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
            ],
        }
    }
    if statements:
        properties["Policies"] = [
            {
                "PolicyName": "inline",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Action": actions, "Resource": resource}
                        for actions, resource in statements
                    ],
                },
            }
        ]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def function(
    cloud: LocalCloud,
    files: dict[str, str],
    role_id: str,
    timeout: int = 5,
    handler: str = "app.handler",
    environment: Any = None,
) -> dict[str, Any]:
    """An AWS::Lambda::Function with this code."""
    bootstrap(cloud)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    key = f"{uuid.uuid4().hex}.zip"
    cloud.client("s3").put_object(Bucket=BOOTSTRAP_BUCKET, Key=key, Body=buffer.getvalue())
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"S3Bucket": BOOTSTRAP_BUCKET, "S3Key": key},
            "Handler": handler,
            "Runtime": "python3.13",
            "Architectures": ["arm64"],
            "Timeout": timeout,
            "Environment": {"Variables": environment or {}},
            "Role": {"Fn::GetAtt": [role_id, "Arn"]},
        },
    }


def machine(definition: dict[str, Any], role_id: str, **properties: Any) -> dict[str, Any]:
    """An AWS::StepFunctions::StateMachine in JSONata."""
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "DefinitionString": {"Fn::Sub": json.dumps({"QueryLanguage": "JSONata"} | definition)},
            "RoleArn": {"Fn::GetAtt": [role_id, "Arn"]},
        }
        | properties,
    }


def execute(
    cloud: LocalCloud, arn: str, document: Any = None, seconds: float = 20, **options: str
) -> dict[str, Any]:
    """Runs an execution to its end; its description."""
    client = cloud.client("stepfunctions")
    execution = client.start_execution(
        stateMachineArn=arn, input=json.dumps(document or {}), **options
    )["executionArn"]
    return finished(cloud, execution, seconds)


def finished(cloud: LocalCloud, execution: str, seconds: float = 20) -> dict[str, Any]:
    """Waits for the end of an execution; its description."""
    client = cloud.client("stepfunctions")

    def ended() -> Any:
        found = client.describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    result: dict[str, Any] = wait_for(ended, seconds)
    return result
