"""What a contract's rule asks of a value, in the words of every refusal: of a file, of a request.

Apart from the rules themselves, because the server imports no pydantic.
"""

from collections.abc import Sequence

SHOWN_VALUES = 10
"""So many allowed values are listed in a message."""

NOT_EMPTY = "must not be empty"


def range_says(low: object, high: object) -> str:
    """What bounds ask of a value; None is no bound."""
    if low is None:
        return f"must be at most {high}"
    return f"must be at least {low}" if high is None else f"must be between {low} and {high}"


def allowed_says(allowed: Sequence[object]) -> str:
    """What allowed values ask of a value."""
    shown = ", ".join(map(str, allowed[:SHOWN_VALUES]))
    rest = len(allowed) - SHOWN_VALUES
    return f"must be one of {shown}{f' and {rest} more' if rest > 0 else ''}"


def pattern_says(pattern: str) -> str:
    """What a pattern asks of a text."""
    return f"must have the form {pattern}"
