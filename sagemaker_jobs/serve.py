"""The server that SageMaker starts with `<image> serve`.

A worker process a core. Each has loaded the model and answered its golden rows before the port
opens: a container that serves `/ping` serves the right scores. SIGTERM stops accepting and finishes
what is in flight.
"""

import gc
import logging
import os
import socket
import time

from sagemaker_jobs import paths
from sagemaker_jobs.fetching import fetch_artifact
from sagemaker_jobs.serving.access_log import LINES_A_SECOND, AccessLog
from sagemaker_jobs.serving.app import Application
from sagemaker_jobs.serving.compiled.compiling import Compiling
from sagemaker_jobs.serving.limits import Limits, whole
from sagemaker_jobs.serving.listening import listen_on
from sagemaker_jobs.serving.metrics import SharedCounts
from sagemaker_jobs.serving.metrics_port import MetricsPort
from sagemaker_jobs.serving.model import ServedModel
from sagemaker_jobs.serving.pages import pages_of
from sagemaker_jobs.serving.supervisor import Supervisor
from sagemaker_jobs.serving.worker import work

logger = logging.getLogger(__name__)

DEFAULT_PORT = 8080
STDOUT = 1


def main(arguments: list[str]) -> None:
    """Load, check, serve until SIGTERM.

    Raises:
        ServerFailed: the model cannot be loaded, or the workers do not stay up.
        ArtifactBroken: a setting of the environment that cannot be meant.
    """
    del arguments
    # One thread a worker; LightGBM's OpenMP reads this when its library is opened.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    workers = whole("DROPFORGE_WORKERS", cores())
    limits = Limits.from_environment()
    lines = whole("DROPFORGE_ACCESS_LINES", LINES_A_SECOND, least=0)
    fetch_artifact(paths.model())
    wanted = bool(whole("DROPFORGE_COMPILED_TREES", 0, least=0))
    compiling = Compiling(paths.model(), wanted=wanted)
    counts = SharedCounts(workers)
    host = os.environ.get("DROPFORGE_HOST", "0.0.0.0")

    def run(place: int, listener: socket.socket, channel: socket.socket) -> None:
        def make() -> Application:
            model = load(limits)
            log = AccessLog(lambda text: os.write(STDOUT, text), model.version, lines)
            counts.of[place].start()
            pages = pages_of(model.contract, model.version, limits, workers)
            application = Application(model, limits, counts.of[place], log, pages)
            application.each_second = compiling.takeover(model, counts.of[place].compiled)
            return application

        work(listener, channel, make)

    supervisor = Supervisor(listen_on(host, port(), workers), run)
    if metrics_port := whole("DROPFORGE_METRICS_PORT", 0):
        metrics = MetricsPort(metrics_port, lambda: counts.text(model_version()))
        supervisor.answer(metrics.listener, metrics.answer)
    # What is imported stays: no worker searches it for garbage, or copies its pages by that.
    # https://docs.python.org/3/library/gc.html#gc.freeze
    gc.freeze()
    with compiling.beside(supervisor):
        supervisor.supervise()


def load(limits: Limits) -> ServedModel:
    """The model of /opt/ml/model, once it has answered its golden rows.

    Raises:
        ArtifactBroken: it does not load, or an answer is not the offline one.
    """
    started = time.perf_counter()
    model = ServedModel.load(paths.model(), model_version(), max_rows=limits.rows)
    rows = model.check_golden(paths.model())
    logger.info("%d golden rows answered after %.3f s", rows, time.perf_counter() - started)
    return model


def model_version() -> str:
    """The registry's version of the model, which every answer carries."""
    return os.environ.get("DROPFORGE_MODEL_VERSION", "unversioned")


def port() -> int:
    """SageMaker's port, unless it or the local cloud binds another."""
    for name in ("SAGEMAKER_BIND_TO_PORT", "DROPFORGE_PORT"):
        if value := os.environ.get(name):
            return int(value)
    return DEFAULT_PORT


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
