"""What S3 says of new objects: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.data_classes.s3_event import S3EventRecord

from dropforge.dropkey import drop_id
from dropforge.errors import DropforgeError


class UnknownMessage(DropforgeError):
    """A message in the drop queue that is not an S3 notification."""


@dataclass(frozen=True)
class Arrival:
    """One version of one object that came into the drop bucket.

    `key` is decoded; `by` is the principal that put it there, as S3 names it (`AWS:AROA…:alice`).
    """

    bucket: str
    key: str
    version: str
    size: int
    by: str | None = None

    @property
    def drop(self) -> str:
        """The drop's identity."""
        return drop_id(self.bucket, self.key, self.version)


def arrivals(body: str) -> Iterator[Arrival]:
    """The objects one message speaks of: none for S3's test event, several if S3 put them together.

    Folder markers (keys that end in `/`, as consoles make them) and events other than
    ObjectCreated are left out.

    Raises:
        UnknownMessage: not a notification of S3; the message ends in the dead-letter queue.
    """
    document = _read(body)
    if document.get("Event") == "s3:TestEvent":
        return
    if not isinstance(document.get("Records"), list):
        raise UnknownMessage("A message in the drop queue is no S3 notification: no Records.")
    for item in document["Records"]:
        record = S3EventRecord(item)
        if not record.event_name.removeprefix("s3:").startswith("ObjectCreated:"):
            continue
        arrival = _arrival(record)
        if not arrival.key.endswith("/"):
            yield arrival


def _read(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise UnknownMessage("A message in the drop queue is not JSON.") from error
    if not isinstance(document, dict):
        raise UnknownMessage("A message in the drop queue is no S3 notification: no JSON object.")
    return document


def _arrival(record: S3EventRecord) -> Arrival:
    item = record.s3.get_object
    return Arrival(
        bucket=record.s3.bucket.name,
        # S3 encodes keys as a form does: a space arrives as "+", a plus sign as "%2B".
        key=unquote_plus(item.key),
        # A bucket without versioning has one version of each object, named "null".
        version=item.version_id or "null",
        size=item.size,
        by=record.raw_event.get("userIdentity", {}).get("principalId"),
    )
