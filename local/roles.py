"""boto3 clients that act as a role: how jobs, endpoints and state machines reach the cloud."""

import os
import threading
from typing import Any

import boto3
from botocore.config import Config

from local.corrections.identity import Session, register_session
from local.home import REGION

_lock = threading.Lock()
_clients: dict[tuple[str, str, str], Any] = {}
_sessions: dict[tuple[str, str], Session] = {}

# An integration must fail when AWS would, not after the SDK's own retries; a function may run
# for 15 minutes.
_CONFIG = Config(
    retries={"total_max_attempts": 1},
    read_timeout=930,
    max_pool_connections=50,
    parameter_validation=True,
)


def session(role_arn: str, session_name: str) -> Session:
    """The credentials of the role under this session name; the same ones at every call."""
    with _lock:
        key = (role_arn, session_name)
        if key not in _sessions:
            _sessions[key] = register_session(role_arn, session_name)
        return _sessions[key]


def client(service: str, role_arn: str, session_name: str) -> Any:
    """A boto3 client of this cloud that acts as the role."""
    credentials = session(role_arn, session_name)
    key = (service, role_arn, session_name)
    with _lock:
        if key not in _clients:
            _clients[key] = boto3.Session(
                credentials.access_key_id,
                credentials.secret_access_key,
                credentials.session_token,
                region_name=REGION,
            ).client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=_CONFIG)
        return _clients[key]


def environment(role_arn: str, session_name: str) -> dict[str, str]:
    """The environment variables that make an SDK act as the role."""
    credentials = session(role_arn, session_name)
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
    }
