"""Numbers as people read them: few digits, thousands apart, `n/a` where there is none."""

import math

from dropforge.evaluation import Interval
from dropforge.metrics import Metric

UNBOUNDED: frozenset[Metric] = frozenset({"rmse", "mae"})
"""Metrics in the target's own unit; the others need four decimals."""

NONE = "n/a"


def number(value: float | None, digits: int = 4) -> str:
    """Significant digits: `0.01234`, `12.3`, `1,234,567`."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size >= 15 or size < -5:
        return f"{value:.{digits - 1}e}"
    decimals = max(digits - 1 - size, 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: float | None, digits: int = 4) -> str:
    """The same with its sign."""
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 and text != NONE else text


def tick(value: float) -> str:
    """A short number for an axis: `0.25`, `40k`, `1.5M`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{number(value / min(size, 1e3 if unit == 'k' else size), 3)}{unit}"
    return number(value, 3)


def share(value: float | None) -> str:
    """A share in per cent."""
    return NONE if value is None or not math.isfinite(value) else f"{value:.1%}"


def count(value: float | None) -> str:
    """A whole number."""
    return NONE if value is None else f"{value:,.0f}"


def plural(count_: int, noun: str) -> str:
    """`1 group`, `2 groups`."""
    return f"{count_:,} {noun}{'' if count_ == 1 else 's'}"


def size(count_: int) -> str:
    """Bytes in the unit people use."""
    if count_ >= 1_000_000:
        return f"{count_ / 1e6:,.1f} MB"
    return f"{count_ / 1e3:,.1f} kB" if count_ >= 1_000 else f"{count_} bytes"


def figure(metric: Metric, value: float | None, *, sign: bool = False) -> str:
    """A metric's value: four decimals, or significant digits of one with a unit."""
    if value is None or not math.isfinite(value):
        return NONE
    if metric in UNBOUNDED:
        return signed(value, 5) if sign else number(value, 5)
    return format(value, "+.4f" if sign else ".4f")


def bounds(metric: Metric, found: Interval, *, sign: bool = False) -> str:
    """A metric's interval."""
    return f"{figure(metric, found.low, sign=sign)} to {figure(metric, found.high, sign=sign)}"
