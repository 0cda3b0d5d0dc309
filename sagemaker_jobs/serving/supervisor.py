"""The process that starts the workers, opens the port once all are ready, and replaces the dead.

It loads no model. Every worker has a listener of its own on the one port (SO_REUSEPORT), which
outlives it: what the kernel has accepted for a dead worker, its replacement answers.
https://man7.org/linux/man-pages/man7/socket.7.html
"""

import logging
import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from dropforge.errors import DropforgeError
from sagemaker_jobs.failure import describe
from sagemaker_jobs.serving.listening import ServerFailed
from sagemaker_jobs.serving.worker import FAILED, GO, READY

logger = logging.getLogger(__name__)

KILL_SECONDS = 30.0
"""After SIGTERM, what has not ended by itself is killed."""

MAX_DEATHS, DEATH_SECONDS = 5, 60.0
"""So many dead workers in so many seconds are no accident any more: the container ends."""

Run = Callable[[int, socket.socket, socket.socket], None]


@dataclass
class Worker:
    """A process, and the channel to it."""

    place: int
    pid: int
    channel: socket.socket
    ready: bool = False
    serving: bool = False


class Supervisor:
    """Runs `run(place, listener, channel)` in a process for each listener, until SIGTERM."""

    def __init__(self, listeners: list[socket.socket], run: Run) -> None:
        self._listeners, self._run = listeners, run
        self._workers: dict[int, Worker] = {}
        self._selector = selectors.DefaultSelector()
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)
        self._stopping = False
        self._woken, self._wake = socket.socketpair()
        self._answers: dict[socket.socket, Callable[[], None]] = {}
        self.when_serving: Callable[[], None] | None = None
        """Called once, after every worker has been let serve."""

    def answer(self, listener: socket.socket, handle: Callable[[], None]) -> None:
        """Call `handle` whenever the listener has a caller."""
        self._answers[listener] = handle
        self._selector.register(listener, selectors.EVENT_READ)

    def forget(self, listener: socket.socket) -> None:
        """Answer it no more."""
        self._selector.unregister(listener)
        del self._answers[listener]

    def supervise(self) -> None:
        """Until SIGTERM (or SIGINT) has ended every worker.

        Raises:
            ServerFailed: a worker could not load the model, or workers die again and again.
        """
        before = self._catch_signals()
        deadline = 0.0
        try:
            for place in range(len(self._listeners)):
                self._start(place)
            while self._workers:
                if self._stopping and not deadline:
                    deadline = time.monotonic() + KILL_SECONDS
                    self._stop()
                self._wait(deadline)
        finally:
            self._kill()
            for wish, handler in before.items():
                signal.signal(wish, handler)
            signal.set_wakeup_fd(-1)

    def _wait(self, deadline: float) -> None:
        timeout = max(deadline - time.monotonic(), 0.0) if deadline else None
        ready = self._selector.select(timeout)
        if not ready and deadline:
            logger.error("%d workers did not end in %.0f s", len(self._workers), KILL_SECONDS)
            self._kill()
        for key, _ in ready:
            found = key.fileobj
            if found is self._woken:
                self._woken.recv(64)
            elif isinstance(found, socket.socket) and found in self._answers:
                self._answers[found]()
            else:
                self._hear(key.data)

    def _start(self, place: int) -> None:
        mine, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            mine.close()
            self._become(place, theirs)
        theirs.close()
        worker = Worker(place, pid, mine)
        self._workers[place] = worker
        self._selector.register(mine, selectors.EVENT_READ, worker)

    def _become(self, place: int, channel: socket.socket) -> NoReturn:
        """The child: nothing of the supervisor's may run in it, whatever happens."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self._selector.close()
            others = [w.channel for w in self._workers.values()]
            others += [x for i, x in enumerate(self._listeners) if i != place]
            for other in (*others, *self._answers, self._woken, self._wake):
                other.close()
            self._run(place, self._listeners[place], channel)
            code = 0
        except DropforgeError as error:
            channel.sendall(FAILED + str(error).encode())
        except BaseException as error:
            logger.exception("worker %d failed", os.getpid())
            channel.sendall(FAILED + describe(error).encode())
        finally:
            logging.shutdown()
            os._exit(code)

    def _hear(self, worker: Worker) -> None:
        """A worker says that it is ready, or why not; or its end is seen."""
        said = worker.channel.recv(1)
        if said == READY:
            worker.ready = True
            self._open()
            return
        message = b""
        while said == FAILED and (part := worker.channel.recv(65536)):
            message += part
        self._selector.unregister(worker.channel)
        worker.channel.close()
        del self._workers[worker.place]
        _, status = os.waitpid(worker.pid, 0)
        if not self._stopping:
            self._replace(worker, message.decode(), os.waitstatus_to_exitcode(status))

    def _open(self) -> None:
        """Let the ready serve once all are ready, and so every replacement when it is."""
        if all(worker.ready for worker in self._workers.values()):
            for worker in self._workers.values():
                if not worker.serving:
                    worker.channel.sendall(GO)
                    worker.serving = True
            then, self.when_serving = self.when_serving, None
            if then is not None:
                then()

    def _replace(self, worker: Worker, message: str, code: int) -> None:
        if not worker.ready:
            raise ServerFailed(message or f"A worker {_ended(code)} while it loaded the model.")
        logger.error("worker %d %s: it is replaced", worker.pid, _ended(code))
        now = time.monotonic()
        self._deaths.append(now)
        if len(self._deaths) == MAX_DEATHS and now - self._deaths[0] < DEATH_SECONDS:
            raise ServerFailed(
                f"{MAX_DEATHS} workers died within {DEATH_SECONDS:.0f} s, the last {_ended(code)}."
                " Nothing is served any more. The log says what they did; a killed one mostly "
                "wants a larger instance or fewer DROPFORGE_WORKERS."
            )
        self._start(worker.place)

    def _stop(self) -> None:
        """Nobody new, and what is in flight is finished."""
        for listener in self._listeners:
            listener.close()
        for worker in self._workers.values():
            os.kill(worker.pid, signal.SIGTERM)

    def _kill(self) -> None:
        for worker in self._workers.values():
            os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
            worker.channel.close()
        self._workers = {}

    def _catch_signals(self) -> dict[signal.Signals, Any]:
        def wish(number: int, frame: object) -> None:
            self._stopping = True

        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno())
        self._selector.register(self._woken, selectors.EVENT_READ)
        return {w: signal.signal(w, wish) for w in (signal.SIGTERM, signal.SIGINT)}


def _ended(code: int) -> str:
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
