"""What every worker counts, in memory that the workers and their supervisor share.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import mmap
from bisect import bisect_left
from collections.abc import Iterator, Sequence

STATUSES = (200, 400, 404, 405, 406, 408, 413, 415, 500, 503)
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""The histogram's upper bounds."""

_PLACE = {status: place for place, status in enumerate(STATUSES)}
_OTHER = _PLACE[500]
_BUCKETS = len(STATUSES)
_ROWS = _BUCKETS + len(SECONDS) + 1
_SUM, _REJECTED, _WARNINGS, _IN_FLIGHT, _STARTS, _COMPILED = range(_ROWS + 1, _ROWS + 7)
_WIDTH = _COMPILED + 1


class Counts:
    """One worker's counts: doubles that nobody else writes."""

    def __init__(self, values: "memoryview[float] | None" = None) -> None:
        self._values = memoryview(bytearray(8 * _WIDTH)).cast("d") if values is None else values

    def start(self) -> None:
        """A worker begins: nothing is in flight. What its predecessor counted stays."""
        self._values[_IN_FLIGHT] = self._values[_COMPILED] = 0.0
        self._values[_STARTS] += 1.0

    def compiled(self) -> None:
        """From now on compiled trees score the batches."""
        self._values[_COMPILED] = 1.0

    def begin(self) -> None:
        """A request begins."""
        self._values[_IN_FLIGHT] += 1.0

    def end(self, status: int, rows: int, seconds: float, warnings: int = 0) -> None:
        """A request ends."""
        self._values[_IN_FLIGHT] -= 1.0
        self.record(status, rows, seconds, warnings)

    def record(self, status: int, rows: int, seconds: float, warnings: int = 0) -> None:
        """A request was answered."""
        values = self._values
        values[_PLACE.get(status, _OTHER)] += 1.0
        values[_BUCKETS + bisect_left(SECONDS, seconds)] += 1.0
        values[_SUM] += seconds
        values[_ROWS] += rows
        if status == 503:
            values[_REJECTED] += 1.0
        if warnings:
            values[_WARNINGS] += warnings

    @property
    def in_flight(self) -> int:
        """Requests begun and not ended."""
        return int(self._values[_IN_FLIGHT])

    def read(self) -> list[float]:
        """All values."""
        return [*self._values]


class SharedCounts:
    """The counts of all workers, made before they are forked."""

    def __init__(self, workers: int) -> None:
        self._memory = mmap.mmap(-1, max(8 * _WIDTH * workers, 1))
        doubles = memoryview(self._memory)[: 8 * _WIDTH * workers].cast("d")
        self.of = [
            Counts(doubles[_WIDTH * place : _WIDTH * (place + 1)]) for place in range(workers)
        ]

    def text(self, version: str) -> bytes:
        """The exposition of all workers together."""
        return ("\n".join(_lines([counts.read() for counts in self.of], version)) + "\n").encode()


def _lines(workers: Sequence[Sequence[float]], version: str) -> Iterator[str]:
    totals = [sum(values) for values in zip(*workers, strict=True)]
    name = "dropforge_requests_total"
    yield from _about(name, "counter", "Requests to /invocations by status of the answer.")
    for status, place in _PLACE.items():
        yield f'{name}{{status="{status}"}} {totals[place]:.0f}'
    for name, place, says in (
        ("dropforge_rows_total", _ROWS, "Rows scored."),
        ("dropforge_rejected_total", _REJECTED, "Requests refused because too many waited."),
        ("dropforge_warnings_total", _WARNINGS, "Values that break rules which only warn."),
        ("dropforge_worker_starts_total", _STARTS, "Workers started, replacements among them."),
    ):
        yield from _about(name, "counter", says)
        yield f"{name} {totals[place]:.0f}"
    name = "dropforge_in_flight"
    yield from _about(name, "gauge", "Requests that are being answered.")
    yield f"{name} {totals[_IN_FLIGHT]:.0f}"
    name = "dropforge_compiled_trees"
    yield from _about(name, "gauge", "Workers whose batches are scored by compiled trees.")
    yield f"{name} {totals[_COMPILED]:.0f}"
    name = "dropforge_request_seconds"
    yield from _about(name, "histogram", "From a request's first byte read to its answer.")
    so_far = 0.0
    for place, bound in enumerate((*map(str, SECONDS), "+Inf")):
        so_far += totals[_BUCKETS + place]
        yield f'{name}_bucket{{le="{bound}"}} {so_far:.0f}'
    yield f"{name}_sum {totals[_SUM]:.6f}"
    yield f"{name}_count {so_far:.0f}"
    name = "dropforge_model_info"
    yield from _about(name, "gauge", "The model's version.")
    label = version.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    yield f'{name}{{version="{label}"}} 1'


def _about(name: str, kind: str, says: str) -> Iterator[str]:
    yield f"# HELP {name} {says}"
    yield f"# TYPE {name} {kind}"
