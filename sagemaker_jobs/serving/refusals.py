"""What the server does not answer, each with the HTTP status that says so."""

from collections.abc import Mapping
from typing import Any

from dropforge.errors import DropforgeError, InvalidRequest
from sagemaker_jobs.features.rows import RowRefused

SHOWN_CHARACTERS = 50
"""So much of a refused value is shown."""


class RuleBroken(InvalidRequest):
    """A row whose values together break a rule: which row (counted from 1), and which rule.

    `values` are those of the rule's columns, and may be a person's.
    """

    def __init__(self, row: int, rule: str, says: str, values: Mapping[str, Any]) -> None:
        plural = "s" if len(values) > 1 else ""
        super().__init__(f"Row {row}, column{plural} {', '.join(values)}: {says}.")
        self.row, self.rule, self.values = row, rule, values


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
    `value` if the contract has the column and does not call it personal. One that breaks a row rule
    has that rule's `columns`, and the `values` of those that may be shown.
    """
    document: dict[str, Any] = {"error": type(error).__name__, "message": error.message}
    if isinstance(error, RowRefused):
        document |= {"row": error.row, "column": error.column, "rule": error.rule}
        if error.column in shown and error.rule not in ("required", "unknown"):
            document["value"] = _shortened(error.value)
    elif isinstance(error, RuleBroken):
        document |= {"row": error.row, "columns": [*error.values], "rule": error.rule}
        values = {name: _shortened(v) for name, v in error.values.items() if name in shown}
        document |= {"values": values} if values else {}
    return document


def _shortened(value: Any) -> Any:
    return value[:SHOWN_CHARACTERS] if isinstance(value, str) else value
