"""One version of one object from the drop bucket, in blocks. No copy is made in S3."""

from collections.abc import Iterator
from typing import Any

from dropforge.drops import DropRecord
from sagemaker_jobs.reader.problems import refuse
from sagemaker_jobs.reader.spool import BLOCK_BYTES


def object_blocks(s3: Any, drop: DropRecord) -> Iterator[bytes]:
    """The bytes of exactly the version that was dropped.

    Raises:
        Refused: that version is no longer in the bucket.
    """
    version = {"VersionId": drop.version} if drop.version not in ("", "null") else {}
    try:
        answer = s3.get_object(Bucket=drop.bucket, Key=drop.key, **version)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchVersion", "404"):
            raise
        raise refuse(
            "gone", "This version of the file is no longer in the drop bucket. Drop it again."
        ) from error
    yield from answer["Body"].iter_chunks(BLOCK_BYTES)
