"""A job's failure, written where SageMaker reads it so that the mail can carry it."""

from dropforge.errors import DropforgeError
from sagemaker_jobs import paths

LIMIT_BYTES = 1024
"""SageMaker fails to read a longer processing message.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeProcessingJob.html
"""


def describe(error: BaseException) -> str:
    """The error in one paragraph: its own words if it is ours, type and message otherwise."""
    if isinstance(error, DropforgeError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def report(job: str, error: BaseException) -> None:
    """Write the failure text of a job. The server writes none: nobody reads one of an endpoint, and
    its user may have no right to write.
    """
    if job == "serve":
        return
    target = paths.failure() if job == "train" else paths.message()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(cut(describe(error)))


def cut(text: str) -> bytes:
    """At most 1 KB of UTF-8, never ending inside a character."""
    encoded = text.encode()
    if len(encoded) <= LIMIT_BYTES:
        return encoded
    ellipsis = " …".encode()
    kept = encoded[: LIMIT_BYTES - len(ellipsis)].decode(errors="ignore")
    return kept.encode() + ellipsis
