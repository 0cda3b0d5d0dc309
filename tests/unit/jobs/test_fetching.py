"""A server that SageMaker brings no artifact reads it itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from dropforge.aws import clients
from dropforge.aws.documents import write_bytes
from dropforge.errors import ArtifactBroken
from sagemaker_jobs.fetching import ARTIFACT_URI, fetch_artifact

URI = "s3://lake/models/credit/run/model/"


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients.forget()
    with mock_aws():
        clients.client("s3").create_bucket(Bucket="lake")
        for name in ("model.txt", "hooks/a.py", ""):
            write_bytes(URI + name, name.encode(), "text/plain")
        write_bytes(URI.replace("run/", "run2/") + "model.txt", b"another", "text/plain")
        yield
    clients.forget()


@pytest.mark.parametrize("uri", [URI, URI.rstrip("/")])
def test_everything_below_the_uri_and_nothing_else(
    lake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uri: str
) -> None:
    monkeypatch.setenv(ARTIFACT_URI, uri)
    fetch_artifact(tmp_path / "model")
    found = {p.relative_to(tmp_path / "model").as_posix() for p in tmp_path.rglob("*.*")}
    assert found == {"model.txt", "hooks/a.py"}
    assert (tmp_path / "model/model.txt").read_text() == "model.txt"


def test_without_a_uri_nothing_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(ARTIFACT_URI, raising=False)
    fetch_artifact(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_nothing_below_the_uri_is_a_broken_artifact(
    lake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(ARTIFACT_URI, "s3://lake/models/none/")
    with pytest.raises(ArtifactBroken, match="s3://lake/models/none/"):
        fetch_artifact(tmp_path)
