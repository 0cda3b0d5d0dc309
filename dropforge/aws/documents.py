"""JSON documents in S3."""

from collections.abc import Iterator
from typing import Any, TypeVar

from botocore.exceptions import ClientError
from pydantic import BaseModel

from dropforge.aws.clients import client, error_code
from dropforge.layout import S3Uri

Model = TypeVar("Model", bound=BaseModel)


def read_bytes(uri: S3Uri | str) -> bytes:
    """The object's bytes.

    Raises:
        botocore.exceptions.ClientError: `NoSuchKey`, `AccessDenied` …
    """
    bucket, key = _parse(uri)
    body: bytes = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def read_document(uri: S3Uri | str, model: type[Model]) -> Model:
    """The object as a typed document."""
    return model.model_validate_json(read_bytes(uri))


def find_document(uri: S3Uri | str, model: type[Model]) -> Model | None:
    """The object as a typed document, or None if there is no such object.

    S3 answers `NoSuchKey` only to those who may list the bucket
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html); readers have that right.
    """
    try:
        return read_document(uri, model)
    except ClientError as error:
        if error_code(error) in ("NoSuchKey", "404"):
            return None
        raise


def write_document(uri: S3Uri | str, document: BaseModel) -> str:
    """Write a document; answers its URI."""
    return write_bytes(uri, document.model_dump_json(indent=1).encode(), "application/json")


def write_bytes(uri: S3Uri | str, body: bytes, content_type: str) -> str:
    """Write an object; answers its URI."""
    bucket, key = _parse(uri)
    client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    return f"s3://{bucket}/{key}"


def list_objects(prefix: S3Uri | str) -> Iterator[dict[str, Any]]:
    """Every object below a prefix, as list_objects_v2 describes it."""
    bucket, key = _parse(prefix)
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        yield from page.get("Contents", [])


def _parse(uri: S3Uri | str) -> S3Uri:
    return S3Uri.parse(uri) if isinstance(uri, str) else uri
