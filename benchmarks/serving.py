"""`make bench-serving`: what the endpoint answers a second, beside what others would.

python -m benchmarks.serving [--quick]
"""

import argparse
import datetime as dt
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.data import FOLDER
from benchmarks.measure import BenchmarkFailed
from benchmarks.places import Places
from benchmarks.serving_contenders import Contender, contenders
from benchmarks.serving_load import Load, choose
from benchmarks.serving_places import environments, versions
from benchmarks.serving_questions import Format, Questions
from benchmarks.serving_rows import Cell, Line, check_answers, measure, render
from benchmarks.serving_servers import running, wait_until
from benchmarks.serving_start import first_answer
from benchmarks.table import Row
from benchmarks.table import render as render_rows

ROWS, MONTH, TREES = 60_000, 5_000, 200
"""The history that the model is learnt from: a first file and three months."""

KINDS: tuple[Format, ...] = ("csv", "json")
ALL = [Cell(kind, rows, c) for rows, kind, c in product((1, 100), KINDS, (1, 8, 64))]
JUDGED = [
    *(Cell("csv", 1, connections) for connections in (1, 8, 64)),
    Cell("json", 1, 8),
    Cell("csv", 100, 8),
]


@dataclass(frozen=True)
class Sizes:
    """How much is measured: the loads, each `rounds` times `seconds` a server."""

    cells: Sequence[Cell]
    rounds: int
    seconds: int = 1
    starts: int = 5


FULL = Sizes(ALL, rounds=4)
QUICK = Sizes(JUDGED, rounds=2, starts=3)


def measured(
    servers: Sequence[Contender], questions: Questions, load: Load, sizes: Sizes, logs: Path
) -> list[Line]:
    """Start all servers, check what they answer, load them in turns, and end them.

    One that does not start, or answers wrongly, is said and left out.
    """
    with ExitStack() as stack:
        up = []
        for number, server in enumerate(servers):
            _say(f"{server.called} ...")
            first = server.ask(questions, "csv", 1)
            try:
                stack.enter_context(running(server.server, logs / f"{number}.log", first))
                wait_until(server.ready, server.called)
                check_answers([server], questions)
            except BenchmarkFailed as failure:
                _say(str(failure))
            else:
                up.append(server)
        _say("load ...")
        return measure(up, questions, load, sizes.cells, rounds=sizes.rounds, seconds=sizes.seconds)


def header(
    load: Load, questions: Questions, sizes: Sizes, workers: int, busy: Sequence[float]
) -> str:
    """When, with what, on what: without it the figures mean nothing."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"{now}, {workers} CPUs, {platform.machine()}, "
        f"load {busy[0]:.2f} at the start, {busy[1]:.2f} at the end (the servers' own)\n"
        f"Python {platform.python_version()}, {versions()}\n"
        f"{load.name} on the same machine; {len(questions.features)} features, "
        f"{questions.trees} trees; {workers} workers a server where its name does not say 1\n"
        f"medians of {sizes.rounds} rounds of {sizes.seconds} s, taken in turns"
    )


def report(lines: Sequence[Line], start: Row, missing: Sequence[str]) -> str:
    """Both tables, and who is in neither."""
    failed = [f"\nfailed, see above: {called}" for called in missing]
    return "\n".join([f"{render(lines)}\n\n{render_rows([start])}", *failed])


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the table; answers 1 if a server failed (a goal not met is no failure)."""
    parser = argparse.ArgumentParser(prog="benchmarks.serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer loads and rounds")
    sizes = QUICK if parser.parse_args(arguments).quick else FULL
    workers, before = os.cpu_count() or 1, os.getloadavg()[0]
    try:
        _say("environments, the tool, the model ...")
        python = Path(sys.executable)
        found = environments(FOLDER, python.with_name("uv"), python)
        load = choose(FOLDER / "tools")
        artifact = Places(FOLDER, found.ours, sys.executable).served(ROWS, MONTH, TREES)
        questions = Questions.read(artifact)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            scratch = Path(folder)
            _say("process start to first answer ...")
            start = first_answer(found.ours, artifact, questions, scratch, workers, sizes.starts)
            servers = contenders(found, artifact, scratch, workers)
            lines = measured(servers, questions, load, sizes, scratch)
    except BenchmarkFailed as failure:
        _say(str(failure))
        return 1
    top = header(load, questions, sizes, workers, (before, os.getloadavg()[0]))
    there = {line.called for line in lines}
    missing = [server.called for server in servers if server.called not in there]
    print(f"{top}\n\n{report(lines, start, missing)}")
    return int(bool(missing) or any(line.errors for line in lines))


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
