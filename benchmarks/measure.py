"""One process's wall time and peak memory, and several processes taken in turns."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "benchmarks" / "launcher.py"
LEFT_OUT = ("PYTHON", "AWS_", "DROPFORGE_")


class BenchmarkFailed(Exception):
    """A measured process failed, or did not do what it is measured for."""


@dataclass(frozen=True)
class Usage:
    """What one process took: seconds, bytes at its peak, CPU seconds, and what it printed."""

    wall: float
    peak: int
    cpu: float = 0.0
    said: str = ""


@dataclass(frozen=True)
class Contender:
    """A process to be measured. `before` runs ahead of each run, outside of the time taken."""

    command: Sequence[str]
    before: Callable[[], object] = lambda: None
    check: Callable[[str], None] = lambda said: None


def run(command: Sequence[str]) -> Usage:
    """Run a command (its first word a path), the repository its folder and on its Python's path.

    Raises:
        BenchmarkFailed: it ended with an error; the message carries the end of what it said.
    """
    with tempfile.NamedTemporaryFile() as took:
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), took.name]
        ended = subprocess.run(
            [*launcher, *command], capture_output=True, text=True, env=environment(), cwd=ROOT
        )
        code, wall, peak, cpu = took.read().decode().split() or ("nothing", "0", "0", "0")
    if code != "0":
        raise BenchmarkFailed(f"{' '.join(command)} ended with {code}:\n{ended.stderr[-2000:]}")
    return Usage(float(wall), int(peak), float(cpu), ended.stdout.strip())


def environment() -> dict[str, str]:
    """The environment without what would change Python or point at an account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
    return {**kept, "PYTHONPATH": str(ROOT)}


def in_turns(
    contenders: Mapping[str, Contender], rounds: int, *, warm: bool = True
) -> dict[str, Usage]:
    """The median of each: one after the other, `rounds` times, after a first round not counted.

    In turns, so that whatever else the machine does meets all of them alike. What takes minutes
    needs no first round to warm up (`warm=False`).
    """
    taken: dict[str, list[Usage]] = {name: [] for name in contenders}
    for number in range(1 - warm, rounds + 1):
        for name, contender in contenders.items():
            contender.before()
            os.sync()  # what was just written is not written out while the clock runs
            usage = run(contender.command)
            contender.check(usage.said)
            if number:
                taken[name].append(usage)
    return {name: median(usages) for name, usages in taken.items()}


def median(usages: Sequence[Usage]) -> Usage:
    """The median wall time, peak and CPU time, each for itself."""
    return Usage(
        statistics.median(usage.wall for usage in usages),
        int(statistics.median(usage.peak for usage in usages)),
        statistics.median(usage.cpu for usage in usages),
    )
