"""What one worker takes on, and what it refuses instead of queueing: read from the environment."""

import os
from dataclasses import dataclass
from typing import Self

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.serving.reading import MAX_ROWS

MAX_BODY_BYTES = 6 * 1024 * 1024
"""SageMaker's own limit for real-time invocations.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

MAX_PENDING = 128
MAX_SECONDS = 60.0
"""SageMaker waits so long for an answer, and then asks nothing of this one.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""


@dataclass(frozen=True)
class Limits:
    """Of a request: bytes, rows, seconds. Of a worker: requests begun and unanswered, batches.

    A batch is a request whose rows are scored in a thread, beside the small ones.
    """

    body_bytes: int = MAX_BODY_BYTES
    rows: int = MAX_ROWS
    seconds: float = MAX_SECONDS
    pending: int = MAX_PENDING
    batches: int = 8

    @classmethod
    def from_environment(cls) -> Self:
        """The limits that DROPFORGE_MAX_ROWS, _SECONDS and _PENDING set.

        Raises:
            ArtifactBroken: one of them is no whole number above 0.
        """
        return cls(
            rows=whole("DROPFORGE_MAX_ROWS", MAX_ROWS),
            seconds=float(whole("DROPFORGE_MAX_SECONDS", int(MAX_SECONDS))),
            pending=whole("DROPFORGE_MAX_PENDING", MAX_PENDING),
        )


def whole(name: str, default: int, least: int = 1) -> int:
    """A whole number of the environment.

    Raises:
        ArtifactBroken: it is something else, or less than the least.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise ArtifactBroken(
            f"{name} must be a whole number from {least} on, it is {text!r}. Nothing was served. "
            "Change it in the model's container definition."
        )
    return int(text)
