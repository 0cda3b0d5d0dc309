"""Data files from S3 are fetched once where a job reads the history more than once."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from dropforge.aws import clients
from sagemaker_jobs.history import storage
from sagemaker_jobs.history.storage import local_copy
from sagemaker_jobs.history.table import History
from tests.unit.jobs.conftest import SETTINGS, World

TABLE = f"s3://{SETTINGS.lake_bucket}/lake/loans/history"
PATH = "_period=202010/drop%2D1.parquet"


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A data file in S3."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        clients.client.cache_clear()
        boto3.client("s3").create_bucket(Bucket=SETTINGS.lake_bucket)
        put(b"rows")
        yield
    clients.client.cache_clear()


def put(body: bytes) -> None:
    key = "lake/loans/history/_period=202010/drop-1.parquet"
    boto3.client("s3").put_object(Bucket=SETTINGS.lake_bucket, Key=key, Body=body)


def read(copies: Path | None, path: str = PATH) -> bytes:
    with local_copy(TABLE, path, copies) as local:
        return local.read_bytes()


@pytest.mark.usefixtures("stored")
def test_a_copy_stays_for_the_next_reader(tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    assert read(copies) == b"rows"
    put(b"fetched again")
    assert read(copies) == b"rows"
    assert [path.read_bytes() for path in copies.iterdir()] == [b"rows"]
    assert read(None) == b"fetched again"
    with pytest.raises(FileNotFoundError):
        read(copies, "_period=202010/absent.parquet")
    assert len(list(copies.iterdir())) == 1


@pytest.mark.usefixtures("stored")
def test_no_copy_stays_on_a_disk_that_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_SPARE_BYTES", 1 << 60)
    assert read(tmp_path) == b"rows"
    assert list(tmp_path.iterdir()) == []
    put(b"fetched again")
    assert read(tmp_path) == b"fetched again"


def test_prepare_keeps_copies_as_long_as_it_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[History] = []

    def opening(uri: str) -> History:
        opened.append(History(uri))
        return opened[-1]

    monkeypatch.setattr("sagemaker_jobs.prepare.History", opening)
    world.prepare()
    (history,) = opened
    assert history.copies is not None
    assert not history.copies.parent.exists()
