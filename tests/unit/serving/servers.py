"""Real servers, as processes."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jobs.conftest import Made
from tests.unit.serving.calling import ROW

ROOT = Path(__file__).resolve().parents[3]
JSON = {"Content-Type": "application/json"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Running:
    """A server's supervisor, its ports and its folder."""

    process: "subprocess.Popen[bytes]"
    port: int
    metrics: int
    folder: Path

    def ask(self, body: object = None, path: str = "/invocations") -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", path, json.dumps(body or ROW), JSON)
        answer = connection.getresponse()
        document = json.loads(answer.read())
        connection.close()
        return answer.status, document

    def pings(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            connection.request("GET", "/ping")
            status = connection.getresponse().status
            connection.close()
        except OSError:
            return False
        return status == 200

    def count(self, name: str) -> float:
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics, timeout=20)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def workers(self) -> list[int]:
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in found.stdout.split()]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


Start = Callable[..., Running]


@pytest.fixture
def start(made: Made, tmp_path: Path) -> Iterator[Start]:
    """Starts servers, each in a folder of its own; ends them."""
    started: list[Running] = []

    def start(*, ready: bool = True, port: int | None = None, **environment: str) -> Running:
        folder = tmp_path / str(len(started))
        shutil.copytree(made.artifact, folder / "model")
        metrics = free_port()
        port = port or free_port()
        values = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DROPFORGE_ML_ROOT": str(folder),
            "DROPFORGE_PORT": str(port),
            "DROPFORGE_HOST": "127.0.0.1",
            "DROPFORGE_METRICS_PORT": str(metrics),
            "DROPFORGE_MODEL_VERSION": "7",
            "DROPFORGE_WORKERS": "2",
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "sagemaker_jobs", "serve"],
                env=values | environment, cwd=folder, stdout=log, stderr=log,
            )  # fmt: skip
        started.append(Running(process, port, metrics, folder))
        if ready:
            until(lambda: process.poll() is not None or started[-1].pings(), "no answer to /ping")
            assert process.poll() is None, started[-1].log
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.process.wait()
