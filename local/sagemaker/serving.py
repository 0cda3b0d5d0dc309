"""The server process of one variant: the model's files, `serve`, its health, its requests."""

import os
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from local import roles
from local.sagemaker.cold import Warmth, always_warm
from local.sagemaker.connections import Answer, Connections, NoAnswer, TimedOut
from local.sagemaker.container import SESSION_NAME, Container
from local.sagemaker.logs import LogShipper
from local.sagemaker.store import Document
from local.sagemaker.transfers import download_prefix, extract_archive, split_uri

PING_DEADLINE = 60.0
INVOCATION_TIMEOUT = 60.0
PING_TIMEOUT = 2.0
STOP_GRACE = 30.0
_TIMED_OUT = (
    b"Your invocation timed out while waiting for a response from container primary. Review the "
    b"latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


class NotHealthy(Exception):
    """The server did not answer /ping with 200 in time; the message is a FailureReason."""


class Server:
    """One running model.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
    """

    def __init__(
        self, endpoint: str, variant: Document, model: Document, definition: Document, folder: Path
    ) -> None:
        self.variant = variant["VariantName"]
        self.image = definition.get("Image", "")
        self._role_arn = model["ExecutionRoleArn"]
        self._definition = definition
        self._deadline = float(
            variant.get("ContainerStartupHealthCheckTimeoutInSeconds")
            or os.environ.get("DROPFORGE_PING_DEADLINE")
            or PING_DEADLINE
        )
        self._port = _free_port()
        port = str(self._port)
        self.container = Container(
            folder,
            self._role_arn,
            None,
            ["serve"],
            {"SAGEMAKER_BIND_TO_PORT": port, "DROPFORGE_PORT": port}
            | (definition.get("Environment") or {}),
            bool(model.get("EnableNetworkIsolation")),
        )
        self._connections = Connections(self._port)
        self._logs = LogShipper(
            roles.client("logs", self._role_arn, SESSION_NAME),
            f"/aws/sagemaker/Endpoints/{endpoint}",
            f"{self.variant}/i-{folder.name[-17:]}",
            self.container.log,
        )
        self._closing = threading.Event()
        self._warmth = Warmth(always_warm(variant), self._boot, self._sleep)

    @property
    def role_arn(self) -> str:
        """The model's execution role, which also writes captured data."""
        return self._role_arn

    def download(self) -> None:
        """Brings the model's files to /opt/ml/model, with the model's role."""
        s3 = roles.client("s3", self._role_arn, SESSION_NAME)
        target = self.container.root / "model"
        source = (self._definition.get("ModelDataSource") or {}).get("S3DataSource")
        if source and source.get("CompressionType", "None") == "None":
            download_prefix(s3, source["S3Uri"], target)
            return
        uri = source["S3Uri"] if source else self._definition.get("ModelDataUrl")
        if uri:
            bucket, key = split_uri(uri)
            archive = self.container.folder / "model.tar.gz"
            s3.download_file(bucket, key, str(archive))
            extract_archive(archive, target)

    def start(self) -> None:
        """Starts the process and waits until it is healthy. Raises NotHealthy."""
        if self._boot():
            threading.Thread(target=self._tend, daemon=True, name=f"server {self.variant}").start()
            return
        self.stop()
        raise NotHealthy(
            f"The primary container for production variant {self.variant} did not "
            "pass the ping health check. Please check CloudWatch logs for this "
            "endpoint."
        )

    def awake(self) -> AbstractContextManager[None]:
        """A request's time: a serverless server that sleeps is started first."""
        return self._warmth.kept()

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST /invocations, which a container must answer within 60 seconds.

        A server that cannot be reached is a 500 as the service sees it, a silent one a 0:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
        https://github.com/aws/amazon-sagemaker-examples/issues/799 (the wording)
        """
        try:
            return self._connections.request(
                "POST", "/invocations", invocation_timeout(), body, headers
            )
        except TimedOut:
            return Answer(0, {}, _TIMED_OUT)
        except NoAnswer:
            return Answer(500, {}, b"The model's server did not answer.")

    def stop(self, grace: float = STOP_GRACE) -> None:
        """SIGTERM, time to finish, then SIGKILL; the rest of the log is shipped."""
        self._closing.set()
        self.container.stop(grace)
        self._connections.close()
        self._logs.ship(final=True)

    def _boot(self) -> bool:
        """Starts the process; whether it became healthy in time."""
        self.container.start()
        deadline = time.monotonic() + self._deadline
        while time.monotonic() < deadline and not self._closing.is_set():
            if self.container.wait(0.02):
                break
            if self._healthy():
                return True
        self.container.stop(0.0)
        return False

    def _sleep(self) -> None:
        self.container.stop(STOP_GRACE)
        self._connections.close()

    def _healthy(self) -> bool:
        try:
            return self._connections.request("GET", "/ping", PING_TIMEOUT).status == 200
        except (NoAnswer, TimedOut):
            return False

    def _tend(self) -> None:
        """Ships the log; starts the server again when it dies, as SageMaker does."""
        while not self._closing.wait(1.0):
            self._logs.ship()
            self._warmth.cool()
            ended = not self._warmth.cold and self.container.wait(0.0)
            if ended and not self._closing.is_set():
                self.container.start()


def invocation_timeout() -> float:
    """How long a container may take to answer, in seconds; tests take less than SageMaker."""
    return float(os.environ.get("DROPFORGE_INVOCATION_TIMEOUT") or INVOCATION_TIMEOUT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
