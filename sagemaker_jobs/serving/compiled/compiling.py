"""What the server does about compiled trees: the file for them, who fills it, who reads it."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from sagemaker_jobs.boosting.native import Floats
from sagemaker_jobs.boosting.scorer import Scorer

logger = logging.getLogger(__name__)

COMPILER = (sys.executable, "-m", "sagemaker_jobs.serving.compiled.compiler")
SAID = 3
"""The exit code of a compiler that has said in the log why there is no code."""


class Model(Protocol):
    """A served model."""

    scorer: Scorer

    def golden_matrix(self, artifact: Path) -> Floats:
        """The features of its golden rows."""


class Watching(Protocol):
    """A supervisor, that may start something once it serves, and watches sockets."""

    when_serving: Callable[[], None] | None

    def answer(self, listener: socket.socket, handle: Callable[[], None]) -> None:
        """Call `handle` whenever the socket is readable."""

    def forget(self, listener: socket.socket) -> None:
        """Watch it no more."""


class Compiling:
    """Compiles an artifact's trees once, in a process beside the workers; or does nothing.

    Made before the workers are forked: they inherit the file.
    """

    def __init__(self, artifact: Path, *, wanted: bool) -> None:
        self._artifact = artifact
        self._process: subprocess.Popen[bytes] | None = None
        self._file = _new_file() if wanted else None

    def takeover(self, model: Model, done: Callable[[], None]) -> Callable[[], None]:
        """What a worker calls every second, until compiled trees score; `done` is told then."""
        if self._file is None:
            return lambda: None
        # Imported late, as most servers compile nothing.
        from sagemaker_jobs.serving.compiled.takeover import Takeover

        golden = partial(model.golden_matrix, self._artifact)
        return Takeover(self._file, model.scorer, golden, done).look

    @contextlib.contextmanager
    def beside(self, supervisor: Watching) -> Iterator[None]:
        """Compile as soon as the supervisor serves; end with it."""
        if self._file is not None:
            supervisor.when_serving = partial(self._start, supervisor, self._file)
        try:
            yield
        finally:
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def _start(self, supervisor: Watching, file: int) -> None:
        """Start the process. Its end, however it comes, is the end of a line to it.

        The line is made only now: a worker that had inherited its other end would keep it.
        """
        mine, theirs = socket.socketpair()
        command = [*COMPILER, str(self._artifact), str(file)]
        inherited = (file, theirs.fileno())
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=inherited)
        except OSError as error:
            _warn(f"there is no process for it: {error}")
        theirs.close()

        def ended() -> None:
            supervisor.forget(mine)
            mine.close()
            self._ended()

        supervisor.answer(mine, ended)

    def _ended(self) -> None:
        if self._process is not None and self._process.wait() not in (0, SAID):
            _warn(f"the process that does it ended with code {self._process.returncode}")
        self._process = None


def _new_file() -> int | None:
    try:
        return os.memfd_create("compiled-trees", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except (AttributeError, OSError) as error:  # another system than Linux, or one that forbids it
        _warn(f"there is no file for them: {error}")
        return None


def _warn(why: str) -> None:
    logger.warning("the trees are not compiled: %s. LightGBM scores all batches", why)
