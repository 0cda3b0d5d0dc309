"""CSV fields to doubles: what `values.py` says of their text, in as few steps as that takes."""

import datetime as dt
import re
from collections.abc import Callable, Sequence

import orjson

from sagemaker_jobs.values import FROM_TEXT, Kind

_EPOCH = dt.date(1970, 1, 1).toordinal()
_NO_NUMBERS = ('"', "[", "{", "t", "f")
"""What a JSON array may hold beside numbers and null begins so."""

_MINUS_ZERO = re.compile(r"(?<![^,\s])-0(?![\d.eE])")
"""JSON's -0 is a whole number, which has no sign."""

Number = int | float | None


class NotOrdinary(Exception):
    """The rows are for the reader that reads them one by one."""


def plain_numbers(fields: Sequence[str]) -> list[Number]:
    """The numbers of fields, None for empty ones; finite, and not checked to be whole.

    As the elements of a JSON array: what that allows, `values.py` reads to the same bits, but for
    -0. More is left to it.

    Raises:
        NotOrdinary: a field that JSON does not take for a number.
    """
    text = ",".join([field or "null" for field in fields] if "" in fields else fields)
    for other in _NO_NUMBERS:
        if other in text:
            raise NotOrdinary
    if "-0" in text and _MINUS_ZERO.search(text):
        raise NotOrdinary
    try:
        numbers: list[Number] = orjson.loads(f"[{text}]")
    except orjson.JSONDecodeError as error:
        raise NotOrdinary from error
    if len(numbers) != len(fields):
        raise NotOrdinary  # a comma within a field
    return numbers


def _date(field: str) -> float:
    if len(field) == 10 and field[4] == field[7] == "-":
        return float(dt.date.fromisoformat(field).toordinal() - _EPOCH)
    return FROM_TEXT["date"](field)


FROM_FIELD: dict[Kind, Callable[[str], float]] = {
    "date": _date,
    "boolean": FROM_TEXT["boolean"],
}
"""Fields of the other kinds."""
