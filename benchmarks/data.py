"""`make bench-data`: what taking data in costs, as one table.

python -m benchmarks.data [--quick] [--keep]
"""

import argparse
import datetime as dt
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.data_rows import FULL, QUICK, Sizes, accumulated_month, growing_history, large_file
from benchmarks.measure import ROOT, BenchmarkFailed, Contender, in_turns
from benchmarks.places import Places, jobs_environment
from benchmarks.table import Row, render

FOLDER = ROOT / "build" / "bench"
PARTS = ("one more month", "longer histories", "a large file", "pandera")
FAILED = "failed: see above"
LIBRARIES = ("pyarrow", "deltalake", "numpy", "pandas")


def measure(places: Places, sizes: Sizes, *, keep: bool) -> list[Row]:
    """Every row, in the table's order. A part that fails is a row that says so."""
    parts: list[Callable[[], list[Row]]] = [
        lambda: accumulated_month(places, sizes),
        lambda: growing_history(places, sizes),
        lambda: large_file(places, sizes, keep=keep),
        lambda: [pandera_import(places)],
    ]
    rows = []
    for part, name in zip(parts, PARTS, strict=True):
        _say(f"{name} ...")
        try:
            rows += part()
        except BenchmarkFailed as failure:
            _say(str(failure))
            rows.append(Row(name, "s", note=FAILED))
    return rows


def pandera_import(places: Places) -> Row:
    """The mere import of a validation library that the product does without."""
    what = "baseline: import pandera, a validation library we do without: wall"
    if find_spec("pandera") is None:
        return Row(what, "s", note="left out: pandera is not installed")
    contenders = {
        "pandera": Contender([places.baseline, "-c", "import pandera.pandas"]),
        "nothing": Contender([places.baseline, "-c", "pass"]),
    }
    taken = in_turns(contenders, 3)
    return Row(what, "s", None, taken["pandera"].wall, taken["nothing"].wall)


def header(rounds: int) -> str:
    """When, with what, on what: without it the figures mean nothing."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    listed = ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    load = os.getloadavg()[0]
    return (
        f"{now}, {os.cpu_count()} CPUs, {platform.machine()}, load {load:.2f} at the start\n"
        f"Python {platform.python_version()}, {listed}\n"
        f"medians of {rounds} rounds, taken in turns; 1 MB is 1,000,000 bytes"
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the table; answers 1 if a part failed (a goal not met is no failure)."""
    parser = argparse.ArgumentParser(prog="benchmarks.data", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a shorter history, a smaller file")
    parser.add_argument("--keep", action="store_true", help="keep the large generated file")
    given = parser.parse_args(arguments)
    sizes = QUICK if given.quick else FULL
    _say("environment of the jobs ...")
    uv = Path(sys.executable).with_name("uv")
    ours = jobs_environment(FOLDER, uv, Path(sys.executable))
    places = Places(FOLDER, ours, sys.executable)
    top = header(sizes.rounds)
    rows = measure(places, sizes, keep=given.keep)
    print(f"{top}\n\n{render(rows)}")
    return int(any(row.note == FAILED for row in rows))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
