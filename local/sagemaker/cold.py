"""Cold starts: a serverless variant that nobody asks for a while has no running server.

Its next request waits until one is up, which counts as overhead, not as the model's latency. Only
provisioned concurrency keeps servers running:
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from local.pace import shortened
from local.sagemaker.store import Document

IDLE_SECONDS = 600.0
"""SageMaker says "a while", and no more: ten minutes of its time, two seconds at our pace."""


class Warmth:
    """Whether a server runs. `boot()` starts it and says whether it is healthy, `end()` stops it.

    The requests of a variant that is `always` warm wait for nothing.
    """

    def __init__(self, always: bool, boot: Callable[[], bool], end: Callable[[], None]) -> None:
        self._always, self._boot, self._end = always, boot, end
        self._lock = threading.Lock()
        self._busy = 0
        self._since = time.monotonic()
        self._cold = False

    @property
    def cold(self) -> bool:
        """Whether the next request has to wait for a start."""
        return self._cold

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """A request's time: the server is started if it is cold, and not stopped meanwhile.

        One that does not come up stays cold; its requests find nobody.
        """
        if self._always:
            yield
            return
        with self._lock:
            if self._cold:
                self._cold = not self._boot()
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._since = time.monotonic()

    def cool(self) -> None:
        """Stops the server if nobody has asked for long enough."""
        if self._always:
            return
        with self._lock:
            idle = time.monotonic() - self._since
            if not self._cold and not self._busy and idle >= shortened(IDLE_SECONDS):
                self._end()
                self._cold = True


def always_warm(variant: Document) -> bool:
    """Instances, and provisioned concurrency."""
    config = variant.get("ServerlessConfig")
    return config is None or bool(config.get("ProvisionedConcurrency"))
