"""The rows of `make bench-data`: accumulating a month, as history grows, ingesting a large file."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import BenchmarkFailed, Contender, in_turns
from benchmarks.places import Places, copy_lake, file_name
from benchmarks.table import Goal, Row

WALL, PEAK = Goal(0.10), Goal(0.15)
GROWTH = Goal(1.20)
INGEST_PEAK = Goal(1e9, of="ours")
BYTES_A_ROW = 530
DISK_FOR_INGEST = 4
"""Times the file's size: itself, its spooled copy, the staged rows, the table."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured. `histories` are months of history, the smallest first."""

    initial: int = 277_511
    months: int = 2
    month: int = 10_000
    histories: tuple[int, ...] = (12, 60, 240)
    ingest: int = 4_900_000
    rounds: int = 7
    warm: bool = True


FULL = Sizes()
QUICK = Sizes(histories=(12, 60), ingest=200_000, rounds=5)


def accumulated_month(places: Places, sizes: Sizes) -> list[Row]:
    """One more month onto the Home Credit history, beside reading everything again."""
    built = places.histories(sizes.initial, sizes.month, [sizes.months])
    firsts = [sizes.initial + month * sizes.month for month in range(sizes.months + 1)]
    months = [places.csv(first, sizes.month) for first in firsts]
    files = [places.csv(0, sizes.initial), *months]
    new, rows = months[-1], sizes.initial + (sizes.months + 1) * sizes.month
    taken = in_turns(
        {
            "ours": _ours(places, built, sizes.months, new, file_name(sizes.months), sizes.month),
            "baseline": Contender(
                [
                    places.baseline,
                    *("-m", "benchmarks.baselines.accumulate"),
                    str(places.scratch("baseline") / "all.pickle"),
                    *map(str, files),
                ],
                check=_said(str(rows)),
            ),
            "floor": _floor(places, new),
        },
        sizes.rounds,
        warm=sizes.warm,
    )
    ours, baseline, floor = taken["ours"], taken["baseline"], taken["floor"]
    what = f"a month of {sizes.month:,} rows onto {rows - sizes.month:,} rows"
    return [
        Row(f"{what}: wall", "s", ours.wall, baseline.wall, floor.wall, WALL),
        Row(f"{what}: peak memory", "B", ours.peak, baseline.peak, floor.peak, PEAK),
    ]


def growing_history(places: Places, sizes: Sizes) -> list[Row]:
    """One more month onto longer and longer histories, beside the shortest of them."""
    shortest, *longer = sizes.histories
    built = places.histories(0, sizes.month, sizes.histories)
    new = places.csv(max(sizes.histories) * sizes.month, sizes.month)
    name = file_name(max(sizes.histories))
    contenders = {
        str(months): _ours(places, built, months, new, name, sizes.month)
        for months in sizes.histories
    }
    taken = in_turns({**contenders, "floor": _floor(places, new)}, sizes.rounds, warm=sizes.warm)
    base, floor = taken[str(shortest)].wall, taken["floor"].wall
    return [
        Row(
            f"the same month onto {months} months, baseline: onto {shortest}: wall",
            "s",
            taken[str(months)].wall,
            base,
            floor,
            GROWTH,
        )
        for months in longer
    ]


def large_file(places: Places, sizes: Sizes, *, keep: bool) -> list[Row]:
    """A file that should not fit into memory, as a project's first; removed unless kept."""
    what = f"a file of {sizes.ingest:,} rows into an empty history"
    needed = DISK_FOR_INGEST * BYTES_A_ROW * sizes.ingest
    if shutil.disk_usage(places.folder).free < needed:
        note = f"left out: needs {needed / 1e9:.1f} GB of disk"
        return [Row(f"{what}: peak memory", "B", goal=INGEST_PEAK, note=note)]
    project = places.histories(sizes.initial, sizes.month, [sizes.months]) / "project.json"
    file = places.csv(0, sizes.ingest)
    lake = places.folder / "scratch" / "large" / "lake"
    ours = Contender(
        [*_command(places, project, lake, file), "initial.csv"],
        before=lambda: (places.scratch("large") / "lake").mkdir(),
        check=accepted(sizes.ingest),
    )
    size = f"{what} ({file.stat().st_size / 1e6:,.0f} MB)"
    try:
        taken = in_turns({"ours": ours, "floor": _floor(places, file)}, 1, warm=False)
    finally:
        shutil.rmtree(places.folder / "scratch")
        if not keep:
            file.unlink()
    used, floor = taken["ours"], taken["floor"]
    return [
        Row(f"{size}: peak memory", "B", used.peak, None, floor.peak, INGEST_PEAK),
        Row(f"{size}: wall", "s", used.wall, None, floor.wall),
    ]


def _ours(places: Places, built: Path, months: int, file: Path, name: str, rows: int) -> Contender:
    work = f"months-{months}"
    lake = places.folder / "scratch" / work / "lake"
    return Contender(
        [*_command(places, built / "project.json", lake, file), name],
        before=lambda: copy_lake(built / str(months), places.scratch(work) / "lake"),
        check=accepted(rows),
    )


def _command(places: Places, project: Path, lake: Path, file: Path) -> list[str]:
    arguments = [str(project), str(lake), str(file)]
    return [places.ours, "-m", "benchmarks.ours.accumulate", *arguments]


def _floor(places: Places, file: Path) -> Contender:
    return Contender([places.ours, "-m", "benchmarks.baselines.floor", str(file)])


def accepted(rows: int) -> Callable[[str], None]:
    """A file that was refused is quick: it does not count."""

    def check(said: str) -> None:
        outcome = json.loads(said)
        if outcome != {"state": "accepted", "rows": rows, "rejected": 0}:
            raise BenchmarkFailed(f"{rows:,} rows were to be accepted, the product said {said}")

    return check


def _said(wanted: str) -> Callable[[str], None]:
    def check(said: str) -> None:
        if said != wanted:
            raise BenchmarkFailed(f"the baseline said {said!r} instead of {wanted!r}")

    return check
