"""CSV fields to doubles, from their bytes: what `values.py` says of their text, mostly in C."""

import datetime as dt
import math
from collections.abc import Callable, Sequence

from sagemaker_jobs.values import FROM_TEXT, Kind

NAN = math.nan
_EPOCH = dt.date(1970, 1, 1).toordinal()


def plain_numbers(given: Sequence[bytes], underscored: bool) -> list[float]:
    """The doubles of fields of numbers, NaN for missing words; whole ones are not checked to be.

    Raises:
        ValueError: a field that is no number.
    """
    try:
        values = list(map(float, given))
    except ValueError:
        return list(map(_number, given))
    # A word for infinity or NaN makes the sum of all values that.
    if math.isfinite(sum(values)) and not (underscored and b"_" in b"".join(given)):
        return values
    return list(map(_number, given))


def _number(field: bytes) -> float:
    if not field:
        return NAN
    try:
        value = float(field)
    except ValueError:
        value = NAN
    if value - value == 0.0 and b"_" not in field:
        return value
    return FROM_TEXT["number"](field.decode())


def _date(field: bytes) -> float:
    if len(field) == 10 and field[4] == field[7] == 45:  # dashes
        return float(dt.date.fromisoformat(field.decode()).toordinal() - _EPOCH)
    return FROM_TEXT["date"](field.decode())


FROM_FIELD: dict[Kind, Callable[[bytes], float]] = {
    "date": _date,
    "boolean": lambda field: FROM_TEXT["boolean"](field.decode()),
}
"""Fields of the other kinds."""
