"""Axes of charts: where values lie on them, and which round ones are named."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sagemaker_jobs.report.numbers import tick

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """A linear axis. `ticks` are (value, text); nice ones are found without."""

    low: float
    high: float
    label: str = ""
    percent: bool = False
    ticks: Sequence[tuple[float, str]] | None = None
    count: int = 5

    def marks(self) -> Sequence[tuple[float, str]]:
        """Where the axis is labelled, and how."""
        if self.ticks is not None:
            return self.ticks
        values = nice_ticks(self.low, self.high, self.count)
        return [(v, f"{100 * v:.3g}%" if self.percent else tick(v)) for v in values]

    def part(self, value: float) -> float:
        """A value's place between the ends, 0 to 1; what lies beyond is at the end."""
        return min(max((value - self.low) / ((self.high - self.low) or 1.0), 0.0), 1.0)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values within [low, high]: steps of 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    rough = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def around(values: Iterable[float], pad: float = 0.05, label: str = "") -> Axis:
    """An axis over all finite values, with a little air."""
    finite = [v for v in values if math.isfinite(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    air = pad * (high - low) or abs(low) * pad or 0.5
    return Axis(low - air, high + air, label)


def thin(points: Sequence[Point], most: int = 200) -> list[Point]:
    """At most so many of the points, the first and the last among them."""
    places = np.unique(np.linspace(0, len(points) - 1, min(most, len(points))).astype(int))
    return [points[place] for place in places]
