"""Every server under the same load, in turns: requests a second, latencies, ratios, goals."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import BenchmarkFailed
from benchmarks.serving_contenders import Contender, Name
from benchmarks.serving_load import Figures, Load
from benchmarks.serving_questions import Format, Questions, check, read_ours
from benchmarks.serving_servers import answer
from benchmarks.table import NONE, aligned

HEADERS = ("load", "server", "requests/s", "p50", "p99", "ours / it", "goal", "")
BESIDE: dict[Name, tuple[Name, ...]] = {
    "echo, 1 worker": ("ours, 1 worker",),
    "FastAPI": ("ours", "ours, compiled"),
    "SageMaker": ("ours", "ours, compiled"),
    "MLflow": ("ours", "ours, compiled"),
}
"""Whom of ours a server is compared with: those that have as many workers, but for MLflow."""

ORDER: tuple[Name, ...] = (
    "ours",
    "ours, compiled",
    "SageMaker",
    "FastAPI",
    "MLflow",
    "ours, 1 worker",
    "echo, 1 worker",
)


@dataclass(frozen=True)
class Cell:
    """One load: the body's format, its rows, how many connections ask at the same time."""

    kind: Format
    rows: int
    connections: int

    def __str__(self) -> str:
        plural = "" if self.rows == 1 else "s"
        return f"{self.rows} row{plural}, {self.kind}, c={self.connections}"


GOALS: dict[tuple[Name, int, int], float] = {
    ("SageMaker", 1, 1): 8,
    ("SageMaker", 1, 8): 11,
    ("SageMaker", 1, 64): 12,
    ("SageMaker", 100, 8): 5,
    ("MLflow", 1, 8): 60,
    ("echo, 1 worker", 1, 1): 0.80,
    ("echo, 1 worker", 1, 8): 0.70,
}
"""The least that ours answers, times what it is compared with: by server, rows, connections."""


@dataclass(frozen=True)
class Line:
    """One server under one load; `beside` is ours under the same."""

    cell: Cell
    name: Name
    called: str
    figures: Figures
    beside: Figures | None

    @property
    def ratio(self) -> float | None:
        """Ours over this server, in requests a second."""
        if self.beside is None or not self.figures.rate:
            return None
        return self.beside.rate / self.figures.rate

    @property
    def goal(self) -> float | None:
        """The least ratio."""
        return GOALS.get((self.name, self.cell.rows, self.cell.connections))

    @property
    def errors(self) -> int:
        """What was no 2xx answer, of both."""
        return self.figures.errors + (self.beside.errors if self.beside else 0)

    def cells(self) -> tuple[str, ...]:
        """The line as text."""
        figures = self.figures
        ratio = NONE if self.ratio is None else f"{self.ratio:.2f}"
        goal = NONE if self.goal is None else f">= {self.goal:g}"
        times = [f"{seconds * 1000:,.3f} ms" for seconds in (figures.p50, figures.p99)]
        return (
            str(self.cell),
            self.called,
            f"{figures.rate:,.0f}",
            *times,
            ratio,
            goal,
            self._said,
        )

    @property
    def _said(self) -> str:
        if self.errors:
            return f"failed: {self.errors} requests were not answered with 2xx"
        if self.goal is None or self.ratio is None:
            return NONE
        return "met" if self.ratio >= self.goal else "not met"


def check_answers(contenders: Sequence[Contender], questions: Questions) -> None:
    """Every server answers every kind of body with the right scores, before it is loaded.

    Raises:
        BenchmarkFailed: one does not.
    """
    kinds: tuple[Format, ...] = ("csv", "json")
    for contender in contenders:
        for kind, rows in [(kind, rows) for kind in kinds for rows in (1, 100)]:
            request = contender.ask(questions, kind, rows)
            status, body = answer(contender.server.port, request, request.bodies[0])
            if status != 200:
                raise BenchmarkFailed(f"{contender.called} answers {status}: {body[:500]!r}")
            if contender.read is None:
                if body != request.bodies[0].encode():
                    raise BenchmarkFailed(f"{contender.called} answers something else")
                continue
            mine = contender.read is read_ours
            expected = questions.scores if mine else questions.uncalibrated
            check(contender.called, contender.read(body), expected[:rows])


def measure(
    contenders: Sequence[Contender],
    questions: Questions,
    load: Load,
    cells: Sequence[Cell],
    *,
    rounds: int,
    seconds: int,
) -> list[Line]:
    """Load them in turns, `rounds` times each for every cell; the medians."""
    for contender in contenders:  # warm: every worker has answered by then
        load.run(contender.server.port, contender.ask(questions, "csv", 1), 64, seconds)
    lines = []
    for cell in cells:
        taken: dict[Name, list[Figures]] = {contender.name: [] for contender in contenders}
        asked = {one.name: one.ask(questions, cell.kind, cell.rows) for one in contenders}
        loaded = [one for one in contenders if cell.rows >= one.least_rows]
        for _ in range(rounds):
            for one in loaded:
                request = asked[one.name]
                found = load.run(one.server.port, request, cell.connections, seconds)
                taken[one.name].append(found)
        medians = {name: median(each) for name, each in taken.items() if each}
        lines += compared(cell, {one.name: one.called for one in contenders}, medians)
    return lines


def median(taken: Sequence[Figures]) -> Figures:
    """The median of each figure; of errors, all."""
    return Figures(
        statistics.median(figures.rate for figures in taken),
        statistics.median(figures.p50 for figures in taken),
        statistics.median(figures.p99 for figures in taken),
        sum(figures.errors for figures in taken),
    )


def render(lines: Sequence[Line]) -> str:
    """The table as text."""
    return aligned(HEADERS, [line.cells() for line in lines], names=2)


def compared(cell: Cell, called: Mapping[Name, str], found: Mapping[Name, Figures]) -> list[Line]:
    """Everybody's lines, in order; one that is compared with several of ours has as many."""
    lines = []
    for name in (name for name in ORDER if name in found):
        ours = [other for other in BESIDE.get(name, ()) if other in found]
        if not ours:
            lines.append(Line(cell, name, called[name], found[name], None))
        for other in ours:
            than = called[name] if other == ours[0] else f"  beside {called[other]}"
            lines.append(Line(cell, name, than, found[name], found[other]))
    return lines
