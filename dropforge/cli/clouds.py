"""Which cloud a command works on. Only the endpoint and the credentials differ.

They are put into the environment before the first boto3 client is made; from there on nothing
knows which cloud it is.
"""

import os
from dataclasses import dataclass

import boto3

from dropforge.aws.clients import forget
from dropforge.cli.options import CloudKind
from dropforge.errors import CloudUnavailable

_ENDPOINT = "AWS_ENDPOINT_URL"


@dataclass(frozen=True)
class Cloud:
    """The cloud in use. `endpoint_url` is None when AWS's own endpoints are used."""

    kind: CloudKind
    region: str
    endpoint_url: str | None = None

    def __str__(self) -> str:
        if self.kind == "local":
            return f"local cloud {self.endpoint_url}"
        at = f" through {self.endpoint_url}" if self.endpoint_url else ""
        return f"AWS {self.region}{at}"


def choose(kind: CloudKind | None) -> Cloud:
    """The cloud that was asked for; unasked, the local one if it runs, else AWS.

    Raises:
        CloudUnavailable: the local cloud was asked for and does not run, or AWS has no region.
    """
    if kind != "aws":
        settings = local_environment()
        if settings is not None:
            return _use_local(settings)
        if kind == "local":
            raise CloudUnavailable(
                "Looked for a running local cloud and found none. Nothing was changed.",
                next_command="dropforge up",
            )
    return _use_aws()


def local_environment() -> dict[str, str] | None:
    """The variables that point any AWS tool at the local cloud; None if it does not run."""
    try:
        from local.cloud import LocalCloud
    except ModuleNotFoundError:  # an installation for AWS only: the room's packages are not there
        return None
    cloud = LocalCloud()
    return cloud.environment if cloud.running else None


def to_unset() -> list[str]:
    """Variables of this shell that would lead an AWS tool elsewhere than the local cloud."""
    names = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"]
    names += ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]
    return [n for n in names if n in os.environ] + sorted(
        n for n in os.environ if n.startswith(f"{_ENDPOINT}_")
    )


def _use_local(settings: dict[str, str]) -> Cloud:
    for name in to_unset():
        del os.environ[name]
    os.environ.update(settings)
    forget()
    return Cloud("local", settings["AWS_REGION"], settings[_ENDPOINT])


def _use_aws() -> Cloud:
    region = boto3.Session().region_name
    if region is None:
        raise CloudUnavailable(
            "No local cloud runs here, and no AWS region is set. Nothing was changed.",
            next_command="dropforge up for the local cloud, or export AWS_REGION=... for AWS",
        )
    forget()
    return Cloud("aws", region, os.environ.get(_ENDPOINT))
