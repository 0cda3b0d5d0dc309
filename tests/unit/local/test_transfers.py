"""Names of files and keys."""

from pathlib import Path
from typing import Any

import pytest

from local.sagemaker.transfers import TransferFailed, download_prefix, split_uri, upload_folder


class FakeS3:
    """Holds keys; "downloads" the key itself as content."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.uploaded: dict[str, dict[str, str]] = {}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": key} for key in self.keys if key.startswith(Prefix)]}]

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_text(key)

    def upload_file(self, path: str, bucket: str, key: str, ExtraArgs: dict[str, str]) -> None:
        self.uploaded[f"{bucket}/{key}"] = ExtraArgs


@pytest.mark.parametrize(
    "prefix, files",
    [
        ("a/b/", {"one.txt", "c/two.txt"}),
        ("a/b", {"one.txt", "c/two.txt", "bb.txt"}),
        ("a/b/one.txt", {"one.txt"}),
        ("", {"a/b/one.txt", "a/b/c/two.txt", "a/bb.txt"}),
    ],
)
def test_files_are_relative_to_the_prefix(tmp_path: Path, prefix: str, files: set[str]) -> None:
    s3 = FakeS3("a/b/one.txt", "a/b/c/two.txt", "a/bb.txt", "a/b/")
    download_prefix(s3, f"s3://bucket/{prefix}", tmp_path)
    found = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert found == files


def test_nothing_there_is_a_failure_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match='No S3 objects found under S3 URL "s3://bucket/x/"'):
        download_prefix(FakeS3(), "s3://bucket/x/", tmp_path)


def test_a_key_cannot_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(TransferFailed, match="leaves the folder"):
        download_prefix(FakeS3("p/../../evil"), "s3://bucket/p/", tmp_path / "in")


def test_uploads_carry_the_key(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "f").write_text("x")
    s3 = FakeS3()
    assert upload_folder(s3, tmp_path, "s3://bucket/out/", "key-arn") == 1
    assert s3.uploaded == {
        "bucket/out/sub/f": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key-arn"}
    }


@pytest.mark.parametrize("uri", ["bucket/key", "https://bucket/key", "s3:///key"])
def test_only_s3_uris_are_read(uri: str) -> None:
    with pytest.raises(TransferFailed, match="is not an S3 URI"):
        split_uri(uri)
