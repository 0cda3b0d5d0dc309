"""Where a table lies: a local path or S3, with the same environment that boto3 reads.

Commits are put-if-absent (`aws_conditional_put`), S3's own conditional write: no lock table.
https://delta-io.github.io/delta-rs/usage/writing/writing-to-s3-with-locking-provider/
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from dropforge.layout import S3Uri

_SPARE_BYTES = 4 << 30
"""What a disk must have left for copies to stay: room for the snapshot and for files to come."""


def storage_options(uri: str) -> dict[str, str]:
    """deltalake's options for a table's URI; none for a local path."""
    if not uri.startswith("s3://"):
        return {}
    options = {"aws_conditional_put": "etag"}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region:
        options["aws_region"] = region
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        options["aws_endpoint_url"] = endpoint
        if endpoint.startswith("http://"):
            options["aws_allow_http"] = "true"
    return options


@contextmanager
def new_file(table: str, path: str) -> Iterator[Path]:
    """A local file to write, which is the table's `path` when the block ends well."""
    if not table.startswith("s3://"):
        # Nobody reads a data file before its commit: it may grow in its place.
        target = Path(table, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield target
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return
    from dropforge.aws.clients import client

    with tempfile.TemporaryDirectory(prefix="history-") as folder:
        local = Path(folder, "data.parquet")
        yield local
        uri = S3Uri.parse(table) / path
        client("s3").upload_file(str(local), uri.bucket, uri.key)


@contextmanager
def local_copy(table: str, path: str, copies: Path | None = None) -> Iterator[Path]:
    """The table's `path` (as the log has it: URL-encoded) as a local file.

    A copy from S3 ends with the block; one in the folder `copies` stays, for whoever reads the file
    again: data files never change. It does not stay on a disk that is nearly full.

    Raises:
        FileNotFoundError: there is no such file (any more).
    """
    path = unquote(path)
    if not table.startswith("s3://"):
        yield Path(table, path)
        return
    from botocore.exceptions import ClientError

    from dropforge.aws.clients import client, error_code

    uri = S3Uri.parse(table) / path
    kept = copies / hashlib.sha256(str(uri).encode()).hexdigest() if copies else None
    if kept is not None and kept.exists():
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="history-", dir=_existing(copies)) as folder:
        local = Path(folder, "data.parquet")
        try:
            client("s3").download_file(uri.bucket, uri.key, str(local))
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchKey"):
                raise FileNotFoundError(str(uri)) from error
            raise
        if kept is not None and shutil.disk_usage(folder).free > _SPARE_BYTES:
            local = local.rename(kept)
        yield local


def _existing(folder: Path | None) -> Path | None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder
