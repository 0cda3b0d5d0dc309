"""Compile the requirement locks of every room from pyproject.toml, or check that they are in step.

    python requirements/lock.py             compile, keeping the versions that still fit
    python requirements/lock.py --upgrade   compile, taking the newest versions that fit
    python requirements/lock.py --check     compare fingerprints only: no network, no uv

All rooms but the notebook's resolve together into constraints.txt, and each room's lock is cut from
it, so a package has one version in every room. The locks are universal (any Python the project
supports, any platform), carry hashes, and name no index: that is the machine's own business.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
CONSTRAINTS = FOLDER / "constraints.txt"
OLDEST_PYTHON = "3.11"
PROJECT = "cli"  # [project].dependencies: the domain and the CLI
TOGETHER = ("bootstrap", PROJECT, "infra", "lambdas", "jobs", "local", "dev")
# sagemaker 2 wants older attrs and packaging than the other rooms have: it shares only what the
# Lambda functions use (boto3, pydantic and what they bring), the part dropforge's domain imports.
# The AWS CLI pins a botocore of its own: it shares nothing, and the tests run it beside the rest.
# MLflow's server shares nothing either: the product speaks to it by HTTP.
# The benchmark's other servers share versions with the jobs' room: both run the same LightGBM.
# What compiles trees is added to the jobs' room in an image that is asked for it.
ALONE = FOLDER / "bootstrap.txt"
APART = {
    "notebook": FOLDER / "lambdas.txt",
    "awscli": ALONE,
    "mlflow": ALONE,
    "bench": FOLDER / "jobs.txt",
    "compiled": CONSTRAINTS,
}
FINGERPRINT = "# fingerprint of the requirements: "


def lock_files() -> dict[Path, tuple[str, ...]]:
    """Return every file that this script writes, with the rooms whose requirements it holds."""
    files: dict[Path, tuple[str, ...]] = {CONSTRAINTS: TOGETHER}
    return files | {FOLDER / f"{room}.txt": (room,) for room in (*TOGETHER, *APART)}


def declared(document: dict[str, Any], room: str) -> list[str]:
    """Return what pyproject.toml asks for in a room, groups that it includes among it."""
    if room == PROJECT:
        return list(document["project"]["dependencies"])
    entries: list[str | dict[str, str]] = document["dependency-groups"][room]
    found: list[str] = []
    for entry in entries:
        found += [entry] if isinstance(entry, str) else declared(document, entry["include-group"])
    return found


def fingerprint(rooms: tuple[str, ...]) -> str:
    """Return a SHA-256 over what these rooms ask for.

    A lock carries its own rooms' only: a new linter must not change the bytes that the job image
    and the functions' layer are built from.
    """
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {room: sorted(declared(document, room)) for room in rooms}
    asked["python"] = [document["project"]["requires-python"]]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def stale_locks() -> list[Path]:
    """Return the locks that were not compiled from today's pyproject.toml."""
    return [
        path
        for path, rooms in lock_files().items()
        if not path.is_file()
        or FINGERPRINT + fingerprint(rooms) not in path.read_text(encoding="utf-8").splitlines()[:3]
    ]


def sources(room: str) -> list[str]:
    """Return the arguments that make uv read a room's requirements."""
    return ["pyproject.toml"] if room == PROJECT else ["--group", f"pyproject.toml:{room}"]


def compile_lock(target: Path, title: str, arguments: list[str], upgrade: bool) -> None:
    """Write one lock: our header, then what uv resolves."""
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    # What this shell sets for uv (constraints, a cut-off date, a Python) must not shape a lock.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("UV_")}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / target.name
        if target.is_file() and not upgrade:  # uv prefers the versions it finds in its output file
            shutil.copy(target, output)
        command = [str(uv), "pip", "compile", "--quiet", "--no-header"]
        command += ["--universal", "--python-version", OLDEST_PYTHON, "--fork-strategy", "fewest"]
        command += ["--output-file", str(output), *arguments]
        if subprocess.run(command, cwd=ROOT, env=environment).returncode != 0:
            raise SystemExit(f"lock: uv could not resolve {target.name}, which was left as it was.")
        resolved = output.read_text(encoding="utf-8")
    stamp = FINGERPRINT + fingerprint(lock_files()[target])
    header = f"# {title} Written by `make lock` from pyproject.toml.\n{stamp}\n"
    target.write_text(header + resolved, encoding="utf-8")
    print(f"requirements/{target.name}: {resolved.count('==')} packages")


def compile_all(upgrade: bool) -> None:
    """Compile the common constraints, then cut every room's lock from them."""
    everything = [argument for room in TOGETHER for argument in sources(room)]
    compile_lock(CONSTRAINTS, "One version of a package for all rooms.", everything, upgrade)
    shared = {room: CONSTRAINTS for room in TOGETHER} | APART
    for room, constraints in shared.items():
        cut = ["--constraints", f"requirements/{constraints.name}", "--generate-hashes"]
        arguments = [*sources(room), *cut, "--no-annotate"]
        compile_lock(FOLDER / f"{room}.txt", f"Lock of the room `{room}`.", arguments, upgrade)


def main() -> None:
    """Compile or check, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare fingerprints, change nothing")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    options = parser.parse_args()
    if not options.check:
        compile_all(options.upgrade)
    elif stale := stale_locks():
        names = ", ".join(path.name for path in stale)
        raise SystemExit(f"lock: not compiled from today's pyproject.toml: {names}. Run: make lock")


if __name__ == "__main__":
    main()
