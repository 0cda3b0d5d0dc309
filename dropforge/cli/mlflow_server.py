"""MLflow's own server as a child process: installed when first needed, ended with its parent."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.error import URLError
from urllib.request import urlopen

from dropforge.cli.console import remark
from dropforge.cli.folders import REPOSITORY
from dropforge.errors import DropforgeError

LOCK = REPOSITORY / "requirements" / "mlflow.txt"
START_SECONDS = 90
STOP_SECONDS = 30
ENDINGS = (signal.SIGTERM, signal.SIGHUP)


class MLflowMissing(DropforgeError):
    """MLflow could not be installed or started."""


@contextmanager
def serving(home: Path, port: int) -> Iterator[str]:
    """MLflow's own server over a SQLite file below `home`, on the loopback only; its address.

    It ends with this process, also when that is told to end by SIGTERM or SIGHUP (exit code 128
    plus the signal's number).

    Raises:
        MLflowMissing: it cannot be installed, or does not start.
    """
    python = _environment(home)
    address = f"http://127.0.0.1:{port}"
    log = home / "server.log"
    command = [str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}"]
    command += ["--serve-artifacts", "--artifacts-destination", str(home / "artifacts")]
    command += ["--workers", "1"]
    with _endings_unwind(), log.open("wb") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=out, env=_plain_environment(), start_new_session=True
        )
        try:
            _wait(server, address, log)
            yield address
        finally:
            _end(server)


@contextmanager
def _endings_unwind() -> Iterator[None]:
    """Within, a signal that ends the process runs what is to be run at the end, as Ctrl-C does."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(server: subprocess.Popen[bytes]) -> None:
    """The server and its workers, which are its process group: asked first, then killed."""
    try:
        _signal(server, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=STOP_SECONDS)
    finally:
        _signal(server, signal.SIGKILL)
        server.wait()


def _signal(server: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server.pid, number)


def _environment(home: Path) -> Path:
    """MLflow in an environment of its own, from its lock; made when first needed."""
    venv, lock = home / "venv", LOCK.read_text(encoding="utf-8")
    python, stamp = venv / "bin" / "python", venv / ".lock"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return python
    remark("Installing MLflow, once (it is large, and no part of the other environments).")
    home.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(venv, ignore_errors=True)
    uv = Path(sys.executable).parent / "uv"
    target = ["--python", str(python), "--require-hashes", "--requirement", str(LOCK)]
    for arguments in (["venv", "--python", sys.executable, str(venv)], ["pip", "install", *target]):
        done = subprocess.run(
            [str(uv), *arguments, "--quiet"], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise MLflowMissing(
                f"MLflow could not be installed into {venv}: {done.stderr.strip()[-500:]}",
                next_command="dropforge mlflow --to a server that runs elsewhere",
            )
    stamp.write_text(lock, encoding="utf-8")
    return python


def _plain_environment() -> dict[str, str]:
    """This process's environment without what would lead MLflow elsewhere."""
    hidden = ("MLFLOW_", "PYTHON", "GUNICORN_", "AWS_")
    return {k: v for k, v in os.environ.items() if not k.startswith(hidden)} | {
        "MLFLOW_DISABLE_TELEMETRY": "true"
    }


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    for _ in range(START_SECONDS * 4):
        if server.poll() is not None:
            break
        try:
            with urlopen(f"{address}/health", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.25)
    last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
    raise MLflowMissing(
        f"MLflow's server did not start at {address}. The end of {log}:\n{last}",
        next_command="dropforge mlflow --port another one",
    )
