"""How long one row takes through the endpoint, as its callers see it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

MOST, LEAST = 50, 5
PATIENCE_MS = 60_000
"""All requests together may take half of the function's time."""


@dataclass(frozen=True)
class Latency:
    """What was measured, in milliseconds: `slow` of `asked` requests took longer than allowed."""

    p95: float
    slow: int
    asked: int
    within: bool


def measure(
    ask: Callable[[], object],
    limit: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """The p95 (nearest rank) of calls one after the other, fewer if `limit` is long.

    Ends early once so many were slow that the p95 cannot be within `limit`. Whoever asks has warmed
    the endpoint up: other checks came first.
    """
    count = max(LEAST, min(MOST, int(PATIENCE_MS / limit)))
    rank = math.ceil(0.95 * count)
    taken: list[float] = []
    while len(taken) < count and sum(t > limit for t in taken) <= count - rank:
        start = clock()
        ask()
        taken.append((clock() - start) * 1000)
    slow = sum(t > limit for t in taken)
    p95 = sorted(taken)[math.ceil(0.95 * len(taken)) - 1]
    return Latency(p95, slow, len(taken), within=slow <= count - rank)
