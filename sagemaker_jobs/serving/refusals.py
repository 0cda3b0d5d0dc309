"""What the server does not answer, each with the HTTP status that says so."""

from typing import Any

from dropforge.errors import DropforgeError, InvalidRequest
from sagemaker_jobs.features.rows import RowRefused

SHOWN_CHARACTERS = 50
"""So much of a refused value is shown."""


class UnsupportedContentType(InvalidRequest):
    """A body that is none of the three types."""


class NotAcceptable(InvalidRequest):
    """An answer in none of the types that the caller accepts."""


class BodyTooLarge(InvalidRequest):
    """A body, or its rows, over the limit."""


class Overloaded(DropforgeError):
    """More requests wait than this worker takes: to be sent again, a little later."""


class TimeExceeded(DropforgeError):
    """An answer that takes longer than the limit."""


class BodyLate(InvalidRequest):
    """A body that is not whole after the limit."""


STATUS: dict[type[DropforgeError], int] = {
    UnsupportedContentType: 415,
    NotAcceptable: 406,
    BodyTooLarge: 413,
    BodyLate: 408,
    Overloaded: 503,
    TimeExceeded: 503,
}


def status_of(error: DropforgeError) -> int:
    """The status of an error: 400 for a request that is wrong, 500 for a model that is."""
    return STATUS.get(type(error), 400 if isinstance(error, InvalidRequest) else 500)


def document_of(error: DropforgeError, shown: frozenset[str]) -> dict[str, Any]:
    """An error as the caller reads it; `shown` are the columns whose values may be shown.

    A row that breaks the contract also has `row`, `column` and `rule` in fields of their own, and
    `value` if the contract has the column and does not call it personal.
    """
    document: dict[str, Any] = {"error": type(error).__name__, "message": error.message}
    if isinstance(error, RowRefused):
        document |= {"row": error.row, "column": error.column, "rule": error.rule}
        if error.column in shown and error.rule != "required":
            value = error.value
            document["value"] = value[:SHOWN_CHARACTERS] if isinstance(value, str) else value
    return document
