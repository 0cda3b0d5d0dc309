"""boto3 clients, made once a process.

`AWS_ENDPOINT_URL` points them at the local cloud, as it does for any boto3 client
(https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html): no code differs.
"""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 5},
    connect_timeout=5,
    read_timeout=60,
    s3={"addressing_style": "path"},
)


@cache
def client(service: str) -> Any:
    """The process's client of a service, with standard retries (five attempts, backoff)."""
    return boto3.client(service, config=_CONFIG)


@cache
def resource(service: str) -> Any:
    """The process's resource of a service, configured like its clients."""
    return boto3.resource(service, config=_CONFIG)


def forget() -> None:
    """Make clients anew: the environment names another endpoint or other credentials now."""
    client.cache_clear()
    resource.cache_clear()
    boto3.DEFAULT_SESSION = None


def error_code(error: Exception) -> str:
    """The code of a botocore ClientError, `""` for anything else."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
