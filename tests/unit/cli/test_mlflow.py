"""`dropforge mlflow`: its server ends with the command, however that ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dropforge.cli import mlflow_server
from dropforge.cli.mlflow_server import serving

SERVER = f"""#!{sys.executable}
import http.server, os, pathlib, subprocess, sys
worker = subprocess.Popen(["sleep", "600"])
pathlib.Path("pids").write_text(f"{{os.getpid()}} {{worker.pid}}")

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Healthy)\
    .serve_forever()
"""

COMMAND = """
import pathlib, sys, time
from dropforge.cli import mlflow_server
mlflow_server._environment = lambda home: home / "python"
with mlflow_server.serving(pathlib.Path.cwd(), int(sys.argv[1])):
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a server that is quick to start: it has a worker, and is healthy at once."""
    (tmp_path / "python").write_text(SERVER)
    (tmp_path / "python").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mlflow_server, "_environment", lambda home: home / "python")
    return tmp_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def gone(home: Path) -> bool:
    """Whether the server and its worker have ended."""
    return all(ended(int(pid)) for pid in (home / "pids").read_text().split())


def ended(pid: int) -> bool:
    """Gone, or dead and not reaped: a worker without its parent is init's, if there is one."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return found.stdout.strip()[:1] in ("", "Z")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_server_and_its_workers(home: Path, number: signal.Signals) -> None:
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(free_port())],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=home,
        env=os.environ | {"PYTHONPATH": str(Path(mlflow_server.__file__).parents[2])},
    )  # fmt: skip
    with command:
        assert command.stdout is not None
        assert command.stdout.readline() == b"up\n"
        assert not gone(home)
        command.send_signal(number)
        code = command.wait(timeout=60)
    assert code == (-signal.SIGINT if number == signal.SIGINT else 128 + number)
    until(lambda: gone(home))


def test_afterwards_signals_do_what_they_did_before(home: Path) -> None:
    before = [signal.getsignal(number) for number in mlflow_server.ENDINGS]
    with pytest.raises(ZeroDivisionError), serving(home, free_port()):
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in mlflow_server.ENDINGS] == before
    until(lambda: gone(home))
