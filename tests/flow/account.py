"""The local cloud as a test's account: drop, wait, look. No test looks behind an API."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from dropforge.aws.ledger import Ledger
from dropforge.cli.executions import fresh_name
from dropforge.dropkey import drop_id
from dropforge.drops import PENDING, DropRecord
from dropforge.layout import S3Uri
from dropforge.ledger import RegisteredModel
from local.cloud import LocalCloud
from local.mailbox import Mail, Mailbox

T = TypeVar("T")
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class Account:
    """One deployed stage on one local cloud."""

    def __init__(self, cloud: LocalCloud, outputs: dict[str, str]) -> None:
        self.cloud = cloud
        self.outputs = outputs
        info = cloud.info
        self._session = boto3.Session(
            info.access_key_id, info.secret_access_key, region_name=info.region
        )

    def client(self, service: str, config: Config | None = None) -> Any:
        address = self.cloud.info.endpoint_url
        return self._session.client(service, endpoint_url=address, config=config)

    @cached_property
    def ledger(self) -> Ledger:
        address = self.cloud.info.endpoint_url
        dynamodb = self._session.resource("dynamodb", endpoint_url=address)
        return Ledger(self.outputs["LedgerTable"], dynamodb)

    @property
    def environment(self) -> dict[str, str]:
        """A shell in which any AWS tool and the CLI talk to this account."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DROPFORGE_"))}
        return kept | self.cloud.environment | {"DROPFORGE_HOME": str(self.cloud.home.path)}

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in that shell; its output is shown if it fails."""
        done = subprocess.run(
            command, cwd=cwd, env=self.environment, capture_output=True, text=True, timeout=300
        )
        said = f"{command} exited {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, said
        return done

    def dropforge(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the CLI as a person would."""
        call = "from dropforge.cli.main import app; app()"
        return self.run(sys.executable, "-c", call, *arguments)

    # Drops ------------------------------------------------------------------------------------

    def drop(self, key: str, body: bytes) -> str:
        """Put an object into the drop bucket; answers the drop's identity."""
        bucket = self.outputs["DropBucket"]
        version = self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
        return drop_id(bucket, key, version)

    def settled(self, project: str, drop: str, seconds: float = 90.0) -> DropRecord:
        """The drop once a run has settled it and that run has ended."""

        def found() -> DropRecord | None:
            record = self.ledger.drop(project, drop)
            return record if record is not None and record.state not in PENDING else None

        record = wait_for(found, seconds, f"{project}: drop {drop} to be settled")
        if record.execution:
            self.ended(record.execution, seconds)
        return record

    def drop_and_wait(self, key: str, body: bytes) -> DropRecord:
        """Drop an object and wait for the end of its run."""
        return self.settled(key.partition("/")[0], self.drop(key, body))

    # Executions -------------------------------------------------------------------------------

    def ended(self, execution: str, seconds: float = 90.0) -> dict[str, Any]:
        """The execution's description once it has ended."""
        states = self.client("stepfunctions")

        def found() -> dict[str, Any] | None:
            answer: dict[str, Any] = states.describe_execution(executionArn=execution)
            return answer if answer["status"] in ENDED else None

        return wait_for(found, seconds, f"{execution} to end")

    def executions(self, project: str) -> list[dict[str, Any]]:
        """The pipeline's executions for a project, oldest first."""
        states = self.client("stepfunctions")
        pages = states.get_paginator("list_executions").paginate(
            stateMachineArn=self.outputs["PipelineArn"]
        )
        listed = [item for page in pages for item in page["executions"]]
        described = [states.describe_execution(executionArn=e["executionArn"]) for e in listed]
        found = [d for d in described if json.loads(d["input"])["project"] == project]
        return sorted(found, key=lambda item: item["startDate"])

    def start_deployment(self, project: str, model: RegisteredModel) -> str:
        """Begin to deploy a model in place of the present champion; the execution's ARN."""
        champion = self.ledger.champion(project)
        run = fresh_name(project, "test")
        document = model.deployment_input(
            project, run=run, expected=champion.version if champion else None, reason="promote"
        )
        arn: str = self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["DeploymentArn"], name=run, input=json.dumps(document)
        )["executionArn"]
        return arn

    def deploy(self, project: str, model: RegisteredModel) -> dict[str, Any]:
        """Deploy a model; the execution's description once it has ended."""
        return self.ended(self.start_deployment(project, model))

    # What came of it --------------------------------------------------------------------------

    def read(self, uri: str) -> bytes:
        bucket, key = S3Uri.parse(uri)
        body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def overwrite(self, uri: str, body: bytes) -> None:
        """Put other bytes where an object is."""
        bucket, key = S3Uri.parse(uri)
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def run_document(self, project: str, run: str, name: str) -> dict[str, Any]:
        """A JSON document that a run wrote about itself."""
        document: dict[str, Any] = json.loads(
            self.read(f"s3://{self.outputs['LakeBucket']}/runs/{project}/{run}/{name}")
        )
        return document

    def keys(self, prefix: str) -> list[str]:
        """Keys in the lake bucket."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self.outputs["LakeBucket"], Prefix=prefix)
        return [item["Key"] for page in listed for item in page.get("Contents", [])]

    def mails(self, text: str) -> list[Mail]:
        """Mails to the stage's operators whose subject holds `text`, oldest first."""
        found = Mailbox(self.cloud.home.mail).list()
        return [
            m for m in found if text in m.subject and m.recipient.endswith("@dropforge.example")
        ]

    def mail_of(self, project: str, run: str) -> Mail:
        """The one mail about a run, waited for."""
        mails = wait_for(
            lambda: [m for m in self.mails(f"[{project}/") if run in m.body], 10, f"{run}'s mail"
        )
        assert len(mails) == 1, [mail.subject for mail in mails]
        return mails[0]

    def mail(self, text: str) -> Mail:
        """The one mail whose subject holds `text`, waited for: SNS delivers after the run."""
        mails = wait_for(lambda: self.mails(text), 10, f"a mail {text!r}")
        assert len(mails) == 1, [mail.subject for mail in mails]
        return mails[0]


def wait_for(condition: Callable[[], T | None], seconds: float, what: str) -> T:
    """The first value of the condition that is true.

    Raises:
        AssertionError: none came in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


def write_project(folder: Path, name: str, **changes: Any) -> Path:
    """A small project on the columns that `customers` makes."""
    document: dict[str, Any] = {
        "name": name,
        "target": "churn",
        "positive": "Yes",
        "favourable": "No",
        "id": "customer_id",
        "tune": {"trials": 1, "max_rounds": 60, "early_stopping_rounds": 10},
        "promotion": {"min": {"auc": 0.60}, "min_positives": 30},
    }
    features = changes.pop("features", {"keep": ["tenure", "contract", "charges"]})
    path = folder / name
    path.mkdir(parents=True, exist_ok=True)
    if python := changes.pop("python", None):
        (path / "features.py").write_text(python)
    if contract := changes.pop("contract", None):
        (path / "contract.yml").write_text(json.dumps(contract))
    (path / "project.yml").write_text(json.dumps(document | changes))  # JSON is YAML
    (path / "features.yml").write_text(json.dumps(features))
    return path
