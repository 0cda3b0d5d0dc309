"""The server that SageMaker starts with `<image> serve`.

The model is loaded and has answered its golden rows before the port opens: a container that serves
`/ping` serves the right scores. SIGTERM stops accepting and finishes what is in flight.
"""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator

import uvicorn

from sagemaker_jobs import paths
from sagemaker_jobs.serving.app import Application
from sagemaker_jobs.serving.model import ServedModel

logger = logging.getLogger(__name__)

DEFAULT_PORT = 8080
SHUTDOWN_SECONDS = 30
"""SageMaker kills a container 30 seconds after SIGTERM."""


def main(arguments: list[str]) -> None:
    """Load, check, serve until SIGTERM."""
    del arguments
    started = time.perf_counter()
    model = ServedModel.load(paths.model(), model_version())
    rows = model.check_golden(paths.model())
    logger.info("%d golden rows answered after %.3f s", rows, time.perf_counter() - started)
    CleanServer(configure(Application(model))).run()


class CleanServer(uvicorn.Server):
    """Ends with exit code 0 on SIGTERM: uvicorn alone raises the signal again once it is done."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as the wish to finish, and put the old handlers back."""
        wishes = (signal.SIGTERM, signal.SIGINT)
        before = {wish: signal.signal(wish, self.handle_exit) for wish in wishes}
        try:
            yield
        finally:
            for wish, handler in before.items():
                signal.signal(wish, handler)


def model_version() -> str:
    """The registry's version of the model, which every answer carries."""
    return os.environ.get("DROPFORGE_MODEL_VERSION", "unversioned")


def port() -> int:
    """SageMaker's port, unless it or the local cloud binds another."""
    for name in ("SAGEMAKER_BIND_TO_PORT", "DROPFORGE_PORT"):
        if value := os.environ.get(name):
            return int(value)
    return DEFAULT_PORT


def configure(application: Application) -> uvicorn.Config:
    """uvicorn with uvloop and httptools, and nothing in the hot path that is not needed."""
    return uvicorn.Config(
        application,
        host=os.environ.get("DROPFORGE_HOST", "0.0.0.0"),
        port=port(),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
