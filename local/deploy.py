"""Deploys a synthesized cloud assembly through CloudFormation, as `cdk deploy` does.

Assets first (zipped deterministically, only what is missing), then the stack; nothing is defined
here, the template is the only definition.
"""

import json
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from dropforge.errors import DropforgeError
from local.cloud import LocalCloud
from local.home import ACCOUNT, REGION

BOOTSTRAP_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
TIMEOUT = 300.0
_POLL = 0.05
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


class DeploymentFailed(DropforgeError):
    """The stack could not be created or updated."""


def deploy(assembly: Path, cloud: LocalCloud, stage: str) -> dict[str, str]:
    """Deploys the stack `dropforge-<stage>` of the assembly; its outputs.

    Raises DeploymentFailed naming the resource that failed and why.
    """
    name = f"dropforge-{stage}"
    artifact = _stack_artifact(assembly, name)
    bootstrap(cloud)
    publish_assets(assembly, cloud)
    template = (assembly / artifact["properties"]["templateFile"]).read_text()
    return deploy_template(template, cloud, name)


def deploy_template(
    template: str, cloud: LocalCloud, name: str, parameters: dict[str, str] | None = None
) -> dict[str, str]:
    """Creates or updates a stack from a template's text and waits; its outputs."""
    client = cloud.client("cloudformation")
    request: dict[str, Any] = {
        "StackName": name,
        "Capabilities": _CAPABILITIES,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in (parameters or {}).items()
        ],
    } | _template(template, cloud)
    status = _status(client, name)
    if status in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):
        client.delete_stack(StackName=name)
        _wait(client, name)
        status = None
    seen = _event_ids(client, name) if status else set()
    if status is None:
        client.create_stack(**request)
    else:
        try:
            client.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise DeploymentFailed(
                    f"CloudFormation refused the update of {name}: "
                    f"{error.response['Error']['Message']}"
                ) from error
    stack = _wait(client, name)
    if stack is None or stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentFailed(_failure(client, name, stack, seen))
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def bootstrap(cloud: LocalCloud) -> None:
    """What `cdk bootstrap` would leave, as far as a deployment needs it."""
    cloud.client("ssm").put_parameter(
        Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True
    )
    s3 = cloud.client("s3")
    if not any(bucket["Name"] == BOOTSTRAP_BUCKET for bucket in s3.list_buckets()["Buckets"]):
        s3.create_bucket(Bucket=BOOTSTRAP_BUCKET)


def publish_assets(assembly: Path, cloud: LocalCloud) -> int:
    """Uploads the file assets that are not there yet; returns how many it uploaded."""
    s3 = cloud.client("s3")
    uploaded = 0
    for manifest in sorted(assembly.glob("*.assets.json")):
        for asset in json.loads(manifest.read_text()).get("files", {}).values():
            source = assembly / asset["source"]["path"]
            for destination in asset["destinations"].values():
                target = {
                    "Bucket": _filled(destination["bucketName"]),
                    "Key": _filled(destination["objectKey"]),
                }
                if not _exists(s3, target):
                    zipped = asset["source"]["packaging"] == "zip"
                    s3.put_object(
                        **target, Body=zip_folder(source) if zipped else source.read_bytes()
                    )
                    uploaded += 1
    return uploaded


def zip_folder(folder: Path) -> bytes:
    """The folder as a zip whose bytes depend on nothing but names and contents."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.external_attr = (path.stat().st_mode & 0o777) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _stack_artifact(assembly: Path, name: str) -> dict[str, Any]:
    manifest = json.loads((assembly / "manifest.json").read_text())
    stacks = {}
    for key, artifact in manifest["artifacts"].items():
        if artifact["type"] == "aws:cloudformation:stack":
            stacks[artifact["properties"].get("stackName", key)] = artifact
    if name not in stacks:
        raise DeploymentFailed(
            f"The assembly {assembly} has no stack {name}; it has: "
            f"{', '.join(sorted(stacks)) or 'none'}."
        )
    found: dict[str, Any] = stacks[name]
    return found


def _template(template: str, cloud: LocalCloud) -> dict[str, str]:
    """TemplateBody, or TemplateURL above CloudFormation's limit of 51,200 bytes."""
    if len(template.encode()) <= 51_200:
        return {"TemplateBody": template}
    bootstrap(cloud)
    cloud.client("s3").put_object(Bucket=BOOTSTRAP_BUCKET, Key="template.json", Body=template)
    return {"TemplateURL": f"{cloud.info.endpoint_url}/{BOOTSTRAP_BUCKET}/template.json"}


def _filled(text: str) -> str:
    return (
        text.replace("${AWS::AccountId}", ACCOUNT)
        .replace("${AWS::Region}", REGION)
        .replace("${AWS::Partition}", "aws")
    )


def _exists(s3: Any, target: dict[str, str]) -> bool:
    try:
        s3.head_object(**target)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def _status(client: Any, name: str) -> str | None:
    stack = _describe(client, name)
    return stack["StackStatus"] if stack else None


def _describe(client: Any, name: str) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _wait(client: Any, name: str) -> dict[str, Any] | None:
    """The stack once nothing is in progress any more; None if it is gone."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        stack = _describe(client, name)
        if stack is None or not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(_POLL)
    raise DeploymentFailed(f"Stack {name} is not ready after {TIMEOUT:.0f} s.")


def _event_ids(client: Any, name: str) -> set[str]:
    return {event["EventId"] for event in _events(client, name)}


def _events(client: Any, name: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("describe_stack_events").paginate(StackName=name)
    return [event for page in pages for event in page["StackEvents"]]


def _failure(client: Any, name: str, stack: dict[str, Any] | None, seen: set[str]) -> str:
    """What failed by itself, oldest first, with reasons; validation findings spelt out."""
    failed = [
        event
        for event in reversed(_events(client, name))
        if event["EventId"] not in seen
        and event["ResourceStatus"].endswith("_FAILED")
        and "cancelled" not in event.get("ResourceStatusReason", "")
    ]
    own = [event for event in failed if event["LogicalResourceId"] != name]
    lines = [_line(event, "ResourceStatusReason") for event in own or failed]
    if any("DescribeEvents" in line for line in lines):
        found = client.describe_events(StackName=name, Filters={"FailedEvents": True})
        lines = [
            _line(event, "ValidationStatusReason")
            for event in found["OperationEvents"]
            if "ValidationStatusReason" in event
        ]
    status = stack["StackStatus"] if stack else "gone"
    return f"Stack {name} is {status}. " + "; ".join(dict.fromkeys(lines))


def _line(event: dict[str, Any], reason: str) -> str:
    return (
        f"{event['LogicalResourceId']} ({event['ResourceType']}): "
        f"{event.get(reason, 'no reason given')}"
    )
