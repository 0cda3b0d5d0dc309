"""The job image without Docker: what is left of its packages works, also for a user without rights.

The environment is what sagemaker_jobs/Dockerfile installs and prunes, for this Python.
"""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from benchmarks.image import Measured, Size, program, report
from benchmarks.measure import run
from benchmarks.places import Places, jobs_environment
from sagemaker_jobs.artifact.golden import read_golden
from tests.unit.serving.servers import free_port, until

ROOT = Path(__file__).resolve().parents[2]
PRUNE = runpy.run_path(str(ROOT / "requirements" / "prune.py"))
NOBODY = 65534
IMPORT_ALL = """
import importlib, pkgutil, sagemaker_jobs
for found in pkgutil.walk_packages(sagemaker_jobs.__path__, "sagemaker_jobs."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""


def installed(folder: Path) -> None:
    """A file for each pattern, and services of AWS."""
    for pattern in PRUNE["FILES_AND_FOLDERS"]:
        path = folder / pattern.replace("**/", "pandas/").replace("*", "26")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for service in ("s3", "ec2"):
        (folder / "botocore" / "data" / service).mkdir(parents=True)
    (folder / "botocore" / "data" / "endpoints.json").touch()
    (folder / "pyarrow" / "libarrow_python.so.26").touch()


def test_only_what_is_listed_is_removed(tmp_path: Path) -> None:
    installed(tmp_path)
    PRUNE["prune"](tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {
        "botocore",
        "botocore/data",
        "botocore/data/endpoints.json",
        "botocore/data/s3",
        "pandas",
        "pyarrow",
        "pyarrow/libarrow_python.so.26",
    }


def test_a_package_that_has_changed_is_not_pruned_by_an_old_list(tmp_path: Path) -> None:
    installed(tmp_path)
    (tmp_path / "pyarrow" / "flight.py").unlink()
    command = [sys.executable, str(ROOT / "requirements" / "prune.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "has no pyarrow/flight.py: the package has changed" in done.stderr


def test_every_service_that_our_code_calls_is_kept() -> None:
    rooms = [ROOT / "dropforge" / "aws", ROOT / "sagemaker_jobs"]
    code = "".join(path.read_text() for room in rooms for path in room.rglob("*.py"))
    called = set(re.findall(r'\b(?:client|resource)\("([a-z0-9-]+)"', code))
    assert "s3" in called
    assert called <= PRUNE["AWS_SERVICES"]


def test_the_table_lists_large_packages_and_adds_all() -> None:
    packages = {"pyarrow": Size(171_000_000, 105_900_000), "six": Size(30_000, 30_000)}
    bytecode, ours = Size(2_000_000, 1_000_000), Size(500_000, 500_000)
    one = Measured(packages, bytecode, ours, 40_000_000)
    other = Measured({"six": Size(30_000, 30_000)}, bytecode, ours, 1_000_000)
    table = report({"x86_64": one, "aarch64": other})
    lines = [re.split(r"\s{2,}", line) for line in table.splitlines()]
    assert [lines[0], *lines[2:]] == [
        ["package", "wheel, x86_64", "in the image, x86_64", "in the image, aarch64"],
        ["pyarrow", "171.0 MB", "105.9 MB", "0.0 MB"],
        ["1 smaller packages", "0.0 MB", "0.0 MB", "0.0 MB"],
        ["bytecode of the packages", "2.0 MB", "1.0 MB", "1.0 MB"],
        ["Dropforge", "0.5 MB", "0.5 MB", "0.5 MB"],
        ["together", "173.5 MB", "107.4 MB", "1.5 MB"],
        ["the same, compressed", "-", "40.0 MB", "1.0 MB"],
    ]


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """What is in the image, where another user may come: packages, our code, a model.

    The model is made by the pruned packages from dropped files. Nothing may be written.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        uv = Path(sys.executable).with_name("uv")
        python = jobs_environment(folder, uv, Path(sys.executable))
        PRUNE["prune"](packages(folder))
        made = Places(folder / "made", python, sys.executable).served(2_000, 300, 5)
        made.joinpath("model").rename(folder / "model")
        program(folder / "program")
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o555 | 0o444)
        yield folder


def packages(image: Path) -> Path:
    """Where the image's packages are."""
    (found,) = image.glob("venv/lib/python*/site-packages")
    return found


def test_every_module_of_the_jobs_can_be_imported(image: Path) -> None:
    run([str(image / "venv" / "bin" / "python"), "-c", IMPORT_ALL])


def interpreter(user: dict[str, Any]) -> str:
    """A Python of this version that the user may start; of a virtual environment it is its base."""
    short = f"python{sys.version_info.major}.{sys.version_info.minor}"
    usual = (sys.executable, f"/usr/local/bin/{short}", f"/usr/bin/{short}")
    for candidate in usual:
        try:
            subprocess.run([candidate, "-S", "-c", "import json"], check=True, **user)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip(f"another user may start none of {', '.join(usual)}")


def test_the_server_needs_no_rights_no_home_and_writes_nothing(image: Path) -> None:
    user: dict[str, Any] = {"cwd": "/"}
    if os.getuid() == 0:  # else the tests run without root's rights already
        user |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    port, before = free_port(), sorted(image.rglob("*"))
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": f"{image / 'program'}:{packages(image)}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DROPFORGE_ML_ROOT": str(image),
        "DROPFORGE_PORT": str(port),
        "DROPFORGE_HOST": "127.0.0.1",
        "DROPFORGE_METRICS_PORT": str(free_port()),
    }
    command = [interpreter(user), "-S", "-m", "sagemaker_jobs", "serve"]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, **user)
        try:
            until(lambda: server.poll() is not None or pings(port), "no answer to /ping")
            log.seek(0)
            assert server.poll() is None, log.read().decode()
            golden = read_golden(image / "model")
            assert ask(port, [one.input for one in golden]) == [one.score for one in golden]
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=30) == 0
        finally:
            server.kill()
            server.wait()
    assert sorted(image.rglob("*")) == before


def pings(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/ping", timeout=20) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ask(port: int, rows: list[dict[str, Any]]) -> list[float]:
    request = Request(
        f"http://127.0.0.1:{port}/invocations",
        json.dumps(rows).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=20) as answer:
        return [one["score"] for one in json.load(answer)["predictions"]]
