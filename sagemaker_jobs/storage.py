"""The few S3 habits that jobs share."""

import mimetypes
from pathlib import Path

from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code
from dropforge.aws.documents import read_bytes
from dropforge.layout import S3Uri


def read_if_exists(uri: S3Uri | str) -> bytes | None:
    """An object's bytes, None if there is no such object."""
    try:
        return read_bytes(uri)
    except ClientError as error:
        if error_code(error) in ("NoSuchKey", "404"):
            return None
        raise


def upload_folder(folder: Path, target: S3Uri) -> None:
    """Copy a folder's files below `target`, in parts where they are large."""
    for path in sorted(folder.iterdir()):
        upload_file(path, target / path.name)


def upload_file(path: Path, target: S3Uri) -> str:
    """Copy one file, in parts where it is large; answers its URI."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    client("s3").upload_file(str(path), target.bucket, target.key, ExtraArgs={"ContentType": kind})
    return str(target)
