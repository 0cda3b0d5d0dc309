"""The stack as a whole: its outputs, its size, and a synthesis on a bare machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

from dropforge.aws.stack import Stack
from infra.idle_cost import ALWAYS_BILLED_ELSEWHERE, idle_cost
from tests.infra.template import Template

ROOT = Path(__file__).resolve().parents[2]
OUTPUTS = {
    "DropBucket",
    "LakeBucket",
    "LedgerTable",
    "PipelineArn",
    "DeploymentArn",
    "TopicArn",
    "DropQueueUrl",
    "DropDeadLetterQueueUrl",
    "JobImageUri",
    "JobRoleArn",
    "TrainingRoleArn",
    "EndpointRoleArn",
    "UploaderPolicyArn",
}


def test_outputs_are_those_that_everybody_reads(dev: Template) -> None:
    outputs = {id: dev.resolve(o["Value"]) for id, o in dev.body["Outputs"].items()}
    assert set(outputs) == OUTPUTS
    stack = Stack.model_validate(outputs)
    assert stack.pipeline_arn.endswith(":stateMachine:dropforge-dev-pipeline")
    assert stack.deployment_arn.endswith(":stateMachine:dropforge-dev-deployment")


def test_the_built_arns_are_those_of_the_machines(dev: Template) -> None:
    functions = dev.of_type("AWS::Lambda::Function").values()
    variables = [f["Properties"].get("Environment", {}).get("Variables", {}) for f in functions]
    told = {v["DROPFORGE_PIPELINE_ARN"] for v in variables if "DROPFORGE_PIPELINE_ARN" in v}
    assert told == {dev.resolve(dev.body["Outputs"]["PipelineArn"]["Value"])}
    told = {v["DROPFORGE_DEPLOYMENT_ARN"] for v in variables if "DROPFORGE_DEPLOYMENT_ARN" in v}
    assert told == {dev.resolve(dev.body["Outputs"]["DeploymentArn"]["Value"])}


def test_the_template_is_inside_the_limits(dev: Template) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
    assert len(dev.resources) <= 500
    assert len(json.dumps(dev.body, separators=(",", ":"))) <= 1_000_000
    for machine in dev.of_type("AWS::StepFunctions::StateMachine").values():
        assert len(machine["Properties"]["DefinitionString"]) <= 1_048_576


def test_it_is_tied_to_no_account_and_no_region(dev: Template) -> None:
    manifest = json.loads((dev.assembly / "manifest.json").read_text())
    artifact = manifest["artifacts"]["dropforge-dev"]
    assert artifact["environment"] == "aws://unknown-account/unknown-region"


def test_production_is_protected_from_a_careless_destroy(dev: Template, prod: Template) -> None:
    for template, protected in ((dev, False), (prod, True)):
        manifest = json.loads((template.assembly / "manifest.json").read_text())
        properties = manifest["artifacts"][f"dropforge-{template.stage}"]["properties"]
        assert properties.get("terminationProtection", False) is protected


def test_nothing_costs_by_the_hour_when_idle(dev: Template) -> None:
    types = {resource["Type"] for resource in dev.resources.values()}
    assert not types & ALWAYS_BILLED_ELSEWHERE
    assert sum(count * price.usd for count, price in idle_cost(dev.body)) < 5


def test_cdk_json_runs_without_credentials_and_without_docker(tmp_path: Path) -> None:
    """The app as the cdk command runs it, with nothing on the PATH and nothing in the home."""
    app = json.loads((ROOT / "cdk.json").read_text())["app"].split()
    assert app == [".venv/bin/python", "-m", "infra.app"]
    environment = {
        "PATH": str(tmp_path / "empty"),
        "HOME": str(tmp_path),
        "CDK_OUTDIR": str(tmp_path / "out"),
        "CDK_CONTEXT_JSON": json.dumps({"stage": "staging"}),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ.get(
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT",
            str(Path.home() / ".cache" / "aws" / "jsii" / "package-cache"),
        ),
    }
    done = subprocess.run(
        [sys.executable, *app[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "out" / "dropforge-staging.template.json").is_file()
