"""The ordinary tools work against the local cloud: the AWS CLI, the CDK's own command."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from tests.flow.account import Account, wait_for
from tests.flow.conftest import Push
from tests.flow.customers import customers

ROOT = Path(__file__).resolve().parents[2]
Aws = Callable[..., str]


@pytest.fixture(scope="session")
def aws(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Aws:
    """The AWS CLI, in an environment of its own: it pins another botocore than the rooms have."""
    home = tmp_path_factory.mktemp("awscli")
    uv, lock = Path(sys.executable).parent / "uv", ROOT / "requirements/awscli.txt"
    account.run(str(uv), "venv", "--quiet", "--python", sys.executable, str(home))
    python = str(home / "bin/python")
    install = ["pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", str(lock)]
    account.run(str(uv), *install)
    address = account.cloud.info.endpoint_url

    def run(*arguments: str) -> str:
        command = [python, str(home / "bin/aws"), "--endpoint-url", address, *arguments]
        return account.run(*command).stdout

    return run


@pytest.fixture(scope="module")
def dropped(
    account: Account, push: Push, aws: Aws, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A file dropped with `aws s3 cp`, as users do; answers the run's execution."""
    push("tools", endpoint="realtime")
    file = tmp_path_factory.mktemp("tools") / "initial.csv"
    file.write_bytes(customers(800, seed=30))
    aws("s3", "cp", str(file), f"s3://{account.outputs['DropBucket']}/tools/initial.csv")
    (record,) = wait_for(lambda: account.ledger.drops("tools"), 20, "the claim of the file")
    return account.settled("tools", record.id).execution or ""


def test_list_executions(account: Account, aws: Aws, dropped: str) -> None:
    machine = account.outputs["PipelineArn"]
    out = aws("stepfunctions", "list-executions", "--state-machine-arn", machine)
    listed = {e["executionArn"]: e["status"] for e in json.loads(out)["executions"]}
    assert listed[dropped] == "SUCCEEDED"


def test_list_model_packages(aws: Aws, dropped: str) -> None:
    group = "--model-package-group-name"
    out = aws("sagemaker", "list-model-packages", group, "tools-dev")
    (package,) = json.loads(out)["ModelPackageSummaryList"]
    assert package["ModelApprovalStatus"] == "Approved"


def test_invoke_endpoint(aws: Aws, dropped: str, tmp_path: Path) -> None:
    row = tmp_path / "row.csv"
    row.write_bytes(customers(1, seed=31, labelled=False))
    answer = tmp_path / "answer.json"
    arguments = ["--endpoint-name", "tools-dev", "--content-type", "text/csv"]
    arguments += ["--accept", "application/json", "--body", f"fileb://{row}", str(answer)]
    aws("sagemaker-runtime", "invoke-endpoint", *arguments)
    (prediction,) = json.loads(answer.read_text())["predictions"]
    assert 0.0 < prediction["score"] < 1.0
    assert prediction["model_version"] == "1"


def test_the_cdks_own_command_deploys_the_same_app(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """`cdk bootstrap`, `cdk deploy` and `cdk diff`, on an empty account."""
    folder = tmp_path_factory.mktemp("cdk")
    cloud = LocalCloud(folder / "home", port=0)
    cloud.start()
    try:
        empty = Account(cloud, {})
        cdk = ["npx", "--yes", "aws-cdk@2.1148.1", "--output", str(folder / "out")]
        cdk += ["--app", f"{sys.executable} -m infra.app"]
        empty.run(*_with_node(*cdk, "bootstrap", "aws://000000000000/us-east-1"), cwd=ROOT)
        deploy = [*cdk, "deploy", "--require-approval", "never", "--context", "stage=dev"]
        empty.run(*_with_node(*deploy), cwd=ROOT)
        stack = empty.client("cloudformation").describe_stacks(StackName="dropforge-dev")
        assert stack["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        diff = empty.run(*_with_node(*cdk, "diff", "--fail"), cwd=ROOT)
        assert "There were no differences" in diff.stdout + diff.stderr
    finally:
        cloud.stop()


def _with_node(*command: str) -> tuple[str, ...]:
    """The command with the environment's Node and npm on the PATH, as `make deploy` has it."""
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    npx = shutil.which(command[0], path=search)
    assert npx is not None
    return ("env", f"PATH={search}", "NODE_USE_SYSTEM_CA=1", npx, *command[1:])
