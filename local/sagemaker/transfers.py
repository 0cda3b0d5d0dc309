"""S3 to a job's folder and back, with the credentials of the job's role."""

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any


class TransferFailed(Exception):
    """Data could not be moved; the message is a SageMaker FailureReason."""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of an s3:// URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise TransferFailed(f"ClientError: {uri} is not an S3 URI")
    return bucket, key


def download_prefix(s3: Any, uri: str, folder: Path) -> int:
    """Downloads every object under the prefix, relative to it; returns how many.

    As S3DataType S3Prefix: every key that starts with the prefix.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    bucket, prefix = split_uri(uri)
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for key in _keys(s3, bucket, prefix):
        target = folder / _relative(key, prefix)
        if not target.resolve().is_relative_to(folder.resolve()):
            raise TransferFailed(f"ClientError: key {key} leaves the folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, key, str(target))
        count += 1
    if not count:
        raise TransferFailed(
            f'ClientError: Data download failed: No S3 objects found under S3 URL "{uri}" '
            "given in input data source. Please ensure that the bucket exists in the selected "
            "region, that objects exist under that S3 prefix, and that the role has s3:ListBucket "
            "permissions on the bucket."
        )
    return count


def _keys(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not item["Key"].endswith("/"):
                yield item["Key"]


def _relative(key: str, prefix: str) -> str:
    if key == prefix:
        return PurePosixPath(key).name
    if prefix.endswith("/") or not prefix:
        return key[len(prefix) :]
    if key.startswith(prefix + "/"):
        return key[len(prefix) + 1 :]
    return key[len(prefix.rpartition("/")[0]) :].lstrip("/")


def upload_folder(s3: Any, folder: Path, uri: str, kms_key: str | None = None) -> int:
    """Uploads every file of the folder below the URI; returns how many."""
    bucket, prefix = split_uri(uri)
    count = 0
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        key = f"{prefix.rstrip('/')}/{file.relative_to(folder).as_posix()}".lstrip("/")
        s3.upload_file(str(file), bucket, key, ExtraArgs=_encryption(kms_key))
        count += 1
    return count


def upload_archive(s3: Any, folder: Path, uri: str, kms_key: str | None = None) -> None:
    """Uploads the folder's content as one .tar.gz."""
    bucket, key = split_uri(uri)
    archive = folder.parent / (folder.name + ".tar.gz")
    with tarfile.open(archive, "w:gz") as tar:
        for entry in sorted(folder.iterdir()):
            tar.add(entry, arcname=entry.name)
    s3.upload_file(str(archive), bucket, key, ExtraArgs=_encryption(kms_key))
    archive.unlink()


def extract_archive(path: Path, folder: Path) -> None:
    """Unpacks a model.tar.gz."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path) as tar:
        tar.extractall(folder, filter="data")


def _encryption(kms_key: str | None) -> dict[str, str]:
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
