"""One worker process: it loads the model, answers the golden rows, and serves until it is told.

Told by SIGTERM, or by the end of the channel to its supervisor: nobody is left who would tell it.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

import uvicorn
import uvloop  # noqa: F401  before the fork, as everything that workers share

from sagemaker_jobs.serving.app import Application
from sagemaker_jobs.serving.protocol import ServingProtocol

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 29
"""SageMaker kills a container 30 seconds after SIGTERM.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

TICKS_A_SECOND = 10
SWITCH_SECONDS = 0.001
"""How long a batch's Python may keep a small request waiting, of the interpreter's 5 ms."""

READY, FAILED, GO = b"+", b"-", b"!"
"""What goes over the channel: from the worker the first two (a message behind the second)."""


def work(listener: socket.socket, channel: socket.socket, make: Callable[[], Application]) -> None:
    """Make the application, say so, and serve once the supervisor says go."""
    started = time.perf_counter()
    application = make()
    logger.info("worker %d: ready after %.3f s", os.getpid(), time.perf_counter() - started)
    gc.collect()
    gc.freeze()  # the model stays: searching it for garbage finds none
    sys.setswitchinterval(SWITCH_SECONDS)
    channel.sendall(READY)
    if channel.recv(1) == GO:
        Server(application, channel).run([listener])
    application.log.flush()


class Server(uvicorn.Server):
    """uvicorn, that ends on SIGTERM without raising the signal again, and has an hourglass."""

    def __init__(self, application: Application, channel: socket.socket) -> None:
        super().__init__(configure(application))
        self._application, self._channel = application, channel
        application.waiting = lambda: len(self.server_state.tasks)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen to callers, and for the end of the supervisor."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._channel, self._supervisor_ended)

    def _supervisor_ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._channel)
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Once a second: write the log, give up on bodies that do not come, and what is asked."""
        if counter % TICKS_A_SECOND == 0:
            self._application.log.flush()
            self._application.bodies.stop_late()
            self._application.each_second()
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM as the wish to finish; SIGINT is the supervisor's to pass on."""
        before = signal.signal(signal.SIGTERM, self.handle_exit)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


def configure(application: Application) -> uvicorn.Config:
    """uvicorn with uvloop and httptools, and nothing in the hot path that is not needed."""
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=ServingProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
