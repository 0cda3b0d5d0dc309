"""Servers as processes of their own on 127.0.0.1: started, asked, ended by their ids."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.measure import ROOT, BenchmarkFailed, environment
from benchmarks.serving_load import Request

START_SECONDS = 90
END_SECONDS = 10
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Process:
    """A command and what its environment has beside the usual; the folder that it starts in."""

    command: Sequence[str]
    told: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT


@dataclass(frozen=True)
class Server:
    """Processes that answer at a port together."""

    port: int
    processes: Sequence[Process]


@contextmanager
def running(server: Server, log: Path, first: Request, pause: float = 0.05) -> Iterator[float]:
    """Start a server, wait for its first answer (the seconds that took), and end it.

    It is asked every `pause` seconds.

    Raises:
        BenchmarkFailed: it ended, or did not answer in time; the message has the log's end.
    """
    with ExitStack() as stack:
        out = stack.enter_context(log.open("wb"))
        started = time.perf_counter()
        ones = [
            stack.enter_context(_started(process, out.fileno())) for process in server.processes
        ]
        deadline = started + START_SECONDS
        while not _answers(server.port, first):
            ended = [one for one in ones if one.poll() is not None]
            if ended or time.perf_counter() > deadline:
                said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                what = "ended" if ended else f"answered nothing in {START_SECONDS} s"
                raise BenchmarkFailed(f"{ones[0].args!r} {what}:\n{said}")
            time.sleep(pause)
        yield time.perf_counter() - started


def answer(port: int, request: Request, body: str) -> tuple[int, bytes]:
    """Send one body; status and body of the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("POST", request.path, body.encode(), dict(request.headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def text_of(port: int, path: str) -> str:
    """The text that is answered to a GET."""
    connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def wait_until(ready: Callable[[], bool], what: str) -> None:
    """Ask again and again.

    Raises:
        BenchmarkFailed: it was not so in time.
    """
    deadline = time.perf_counter() + START_SECONDS
    while not ready():
        if time.perf_counter() > deadline:
            raise BenchmarkFailed(f"{what} was not ready in {START_SECONDS} s")
        time.sleep(0.1)


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answers(port: int, request: Request) -> bool:
    try:
        return answer(port, request, request.bodies[0])[0] == 200
    except (OSError, HTTPException):
        return False


@contextmanager
def _started(process: Process, out: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, so that its workers end with it."""
    one = subprocess.Popen(
        process.command,
        stdout=out,
        stderr=out,
        stdin=subprocess.DEVNULL,
        env={**environment(), **ONE_THREAD, **process.told},
        cwd=process.folder,
        start_new_session=True,
    )
    try:
        yield one
    finally:
        one.terminate()
        try:
            one.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()
        _end_session(one.pid)


def _end_session(leader: int) -> None:
    """End what a process has left behind in its own session."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
