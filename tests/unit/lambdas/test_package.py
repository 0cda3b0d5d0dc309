"""The functions' package: every handler is there, and carries only what it may."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py"))

ALLOWED = {
    "annotated_types",
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "certifi",
    "dateutil",
    "dotenv",
    "dropforge",
    "jmespath",
    "lambdas",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "s3transfer",
    "six",
    "typing_extensions",
    "typing_inspection",
    "urllib3",
    "yaml",
}
"""pydantic, Powertools, boto3, PyYAML, and what these bring."""

PROBE = """
import importlib, json, sys
before = set(sys.modules)
for name in json.loads(sys.argv[1]):
    assert callable(importlib.import_module(f"lambdas.{name}.handler").handler)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_every_function_of_the_contract_is_there() -> None:
    assert FUNCTIONS == [
        "acquire_lock",
        "decide",
        "find_champion",
        "intake",
        "move_champion",
        "notify",
        "notify_failure",
        "on_approval",
        "plan_endpoint",
        "plan_run",
        "register",
        "release_lock",
        "smoke_test",
    ]


def test_the_handlers_import_nothing_heavy() -> None:
    probe = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE, json.dumps(FUNCTIONS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert probe.returncode == 0, probe.stderr
    imported = {module.split(".")[0] for module in json.loads(probe.stdout)}
    installed = set(importlib.metadata.packages_distributions())
    assert (imported & (installed | {"lambdas", "dropforge"})) - ALLOWED == set()
    assert "aws_lambda_powertools" in imported


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_handler_fits_in_the_head(name: str) -> None:
    lines = (ROOT / "lambdas" / name / "handler.py").read_text("utf-8").splitlines()
    assert len(lines) <= 60
