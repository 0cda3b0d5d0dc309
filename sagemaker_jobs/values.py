"""What a single value means: text, or JSON, to the number or category that the model sees.

One definition for files, lake and server. Numbers are IEEE doubles, exact for integers to 2^53;
a column whose integers are larger is text. Missing is NaN for numbers and None for text.
"""

import datetime as dt
import math
import re
from typing import Any, Literal

Kind = Literal["string", "integer", "number", "boolean", "date"]

Decimal = Literal[".", ","]
"""How a file writes the decimal mark: `1234.5`, or `1.234,5` and `1234,5`."""

MISSING_WORDS = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "#N/A"})
"""What stands for a missing number. In a text column only the empty text is missing: `NA` is a
category there."""

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1", "1.0"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "0", "0.0"})

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA_NUMBER = re.compile(
    r"([+-]?(?:\d{1,3}(?:\.\d{3})+|\d*))(?:,(\d*))?((?:[eE][+-]?\d+)?)", re.ASCII
)
_DATE = re.compile(r"(\d{4})([-/]?)(\d{2})\2(\d{2})(?:[T ]00:00:00(?:\.0+)?)?", re.ASCII)
_EPOCH = dt.date(1970, 1, 1).toordinal()
_NAN = math.nan

RULES: dict[Kind, str] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date (2020-10-01)",
}
"""What a value of each kind must be, for messages: `column age: must be a number`."""


def number_from_text(text: str) -> float:
    """A finite double, NaN for a missing word.

    Raises:
        ValueError: anything else, including infinities and `1_000`.
    """
    text = text.strip()
    if text in MISSING_WORDS:
        return _NAN
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("not a number")
    value = float(text)
    if math.isinf(value):
        raise ValueError("not a finite number")
    return value


def point_for_comma(text: str) -> str:
    """A number written with a decimal comma as the same with a point; other texts unchanged.

    Points may group thousands: `1.234,5` is `1234.5`. A point anywhere else is no number:

    Raises:
        ValueError: `1.5`, which a file with decimal commas does not mean as one and a half.
    """
    text = text.strip()
    match = _COMMA_NUMBER.fullmatch(text)
    if match is not None:
        whole, fraction, exponent = match.groups()
        return whole.replace(".", "") + ("" if fraction is None else f".{fraction}") + exponent
    if _NUMBER.fullmatch(text) is not None:
        raise ValueError("not a number with a decimal comma")
    return text


def integer_from_text(text: str) -> float:
    """A whole number as a double, NaN for a missing word."""
    value = number_from_text(text)
    if value == value and not value.is_integer():
        raise ValueError("not a whole number")
    return value + 0.0  # an integer has no -0.0


def boolean_from_text(text: str) -> float:
    """1.0, 0.0, or NaN for a missing word."""
    word = text.strip()
    if word in MISSING_WORDS:
        return _NAN
    word = word.lower()
    if word in TRUE_WORDS:
        return 1.0
    if word in FALSE_WORDS:
        return 0.0
    raise ValueError("neither true nor false")


def date_from_text(text: str) -> float:
    """Days since 1970-01-01, NaN for a missing word; `2020-10-01`, `20201001`, `2020/10/01`."""
    text = text.strip()
    if text in MISSING_WORDS:
        return _NAN
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("not a date")
    year, _, month, day = match.groups()
    return float(dt.date(int(year), int(month), int(day)).toordinal() - _EPOCH)


FROM_TEXT = {
    "number": number_from_text,
    "integer": integer_from_text,
    "boolean": boolean_from_text,
    "date": date_from_text,
}
"""Text to double, by kind."""


def number_from_json(value: Any, kind: Kind) -> float:
    """A JSON value as the double of its kind.

    Raises:
        ValueError: a value of another kind.
    """
    if value is None:
        return _NAN
    if isinstance(value, str):
        return FROM_TEXT[kind](value)
    if isinstance(value, bool):
        if kind == "date":
            raise ValueError("not a date")
        return 1.0 if value else 0.0
    if isinstance(value, int | float) and kind != "date":
        return _checked(value, kind)
    raise ValueError(f"not {RULES[kind]}")


def number_to_json(value: float, kind: Kind) -> float | int | bool | str | None:
    """A double of a kind as a caller would write it; None for NaN."""
    if value != value:
        return None
    if kind == "date":
        return dt.date.fromordinal(int(value) + _EPOCH).isoformat()
    if kind == "boolean":
        return value == 1.0
    return int(value) if kind == "integer" else value


def _checked(value: int | float, kind: Kind) -> float:
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("not a finite number") from error
    if math.isinf(number):
        raise ValueError("not a finite number")
    if kind == "integer" and number == number and not number.is_integer():
        raise ValueError("not a whole number")
    if kind == "boolean" and number not in (0.0, 1.0) and number == number:
        raise ValueError("neither true nor false")
    return number if kind == "number" else number + 0.0


def text_from_json(value: Any) -> str | None:
    """A JSON value as the text that a file would hold; None for missing.

    Raises:
        ValueError: a list or an object.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) <= 2**53 else repr(value)
    raise ValueError("not a single value")
