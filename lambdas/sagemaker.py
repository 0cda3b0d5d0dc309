"""SageMaker's answers read with care: absence is one error among many, and never assumed."""

import re
from typing import Any

from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code

_ABSENT_CODES = ("ResourceNotFound", "ResourceNotFoundException")
_PRESENT_CODES = ("ValidationException", "ConflictException", "ResourceInUse")
# SageMaker says that an endpoint, a config, a model or a group is absent by a ValidationException
# whose text alone tells it from a malformed request.
_ABSENT_TEXT = re.compile(r"could not find|does not exist|not found", re.IGNORECASE)
_EXISTS_TEXT = re.compile(r"already exist", re.IGNORECASE)


def is_absent(error: ClientError) -> bool:
    """Whether an error says that the thing asked for is not there."""
    if error_code(error) in _ABSENT_CODES:
        return True
    return error_code(error) == "ValidationException" and bool(_ABSENT_TEXT.search(_text(error)))


def is_present(error: ClientError) -> bool:
    """Whether an error says that the thing to be made is there already."""
    return error_code(error) in _PRESENT_CODES and bool(_EXISTS_TEXT.search(_text(error)))


def find(operation: str, **arguments: Any) -> dict[str, Any] | None:
    """What a describe operation answers, or None if there is no such thing.

    Raises:
        botocore.exceptions.ClientError: any other refusal (access, throttling, a malformed name).
    """
    try:
        answer: dict[str, Any] = getattr(client("sagemaker"), operation)(**arguments)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return answer


def _text(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))
