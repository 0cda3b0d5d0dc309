"""Only the endpoint and the credentials differ, and a shell's own settings do not leak in."""

import os

import pytest

from dropforge.aws.clients import client
from dropforge.cli import clouds

from .conftest import Dropforge

SETTINGS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "AWS_ACCESS_KEY_ID": "AKIALOCAL",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture
def local(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clouds, "local_environment", lambda: dict(SETTINGS))
    monkeypatch.setattr("dropforge.cli.local_cloud.local_environment", lambda: dict(SETTINGS))
    for name in [*SETTINGS, "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"]:
        monkeypatch.setenv(name, "of-this-shell")


def test_a_running_local_cloud_comes_first(local: None) -> None:
    cloud = clouds.choose(None)
    assert (cloud.kind, str(cloud)) == ("local", "local cloud http://127.0.0.1:4566")
    assert {name: os.environ[name] for name in SETTINGS} == SETTINGS
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} & set(os.environ)


def test_clients_made_before_are_forgotten(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = client("s3")
    monkeypatch.setattr(clouds, "local_environment", lambda: dict(SETTINGS))
    for name in SETTINGS:
        monkeypatch.setenv(name, os.environ.get(name, "us-east-1"))  # restored afterwards
    clouds.choose("local")
    after = client("s3")
    assert after is not before
    assert after.meta.endpoint_url == SETTINGS["AWS_ENDPOINT_URL"]


def test_aws_when_asked_for(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clouds, "local_environment", lambda: dict(SETTINGS))
    assert str(clouds.choose("aws")) == "AWS eu-west-1"
    assert "AWS_ENDPOINT_URL" not in os.environ


def test_env_prints_what_a_shell_evaluates(local: None, dropforge: Dropforge) -> None:
    lines = dropforge("env").stdout.splitlines()
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:4566" in lines
    assert "unset AWS_PROFILE" in lines
    assert "unset AWS_ENDPOINT_URL_S3" in lines
    assert "set -gx AWS_REGION us-east-1;" in dropforge("env", "--fish").stdout.splitlines()
