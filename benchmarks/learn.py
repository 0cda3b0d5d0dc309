"""`make bench-learn`: what learning costs and brings, beside the notebook's way, as one table.

python -m benchmarks.learn [--quick]
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data import FOLDER, header
from benchmarks.measure import BenchmarkFailed, Contender, Usage, in_turns
from benchmarks.ours.snapshot import project
from benchmarks.places import Places, jobs_environment
from benchmarks.table import Goal, Row, render

CPU = Goal(0.40)
WALL = Goal(1.0)
AUC = Goal(0.008, of="gain")


@dataclass(frozen=True)
class Sizes:
    """How much is learnt from; the history is an initial file and three months."""

    initial: int = 277_511
    month: int = 10_000
    trials: int = 10
    test_blocks: int = 6
    rounds: int = 3


FULL = Sizes()
QUICK = Sizes(initial=20_000, month=2_000, trials=3, test_blocks=1, rounds=1)


def learning(places: Places, sizes: Sizes) -> list[Row]:
    """Both ways on the same rows, taken in turns, judged on the same unseen rows."""
    built = places.snapshot(sizes.initial, sizes.month, sizes.trials, sizes.test_blocks)
    scratch = places.scratch("learn")
    ours, baseline = scratch / "ours.f8", scratch / "baseline.f8"
    test, train = built / "test.parquet", built / "train.parquet"
    spec = project(sizes.trials)
    taken = in_turns(
        {
            "ours": Contender(
                [
                    *(places.ours, "-m", "benchmarks.ours.learn"),
                    *(str(built / "snapshot"), str(test), str(ours)),
                ]
            ),
            "baseline": Contender(
                [
                    *(places.baseline, "-m", "benchmarks.baselines.learn"),
                    *(str(train), str(test), str(baseline)),
                    *(str(sizes.trials), str(spec.tune.seed), *spec.features.selected),
                ]
            ),
        },
        sizes.rounds,
        warm=False,
    )
    return [*_time(taken, sizes), _gain(test, ours, baseline)]


def _time(taken: dict[str, Usage], sizes: Sizes) -> list[Row]:
    ours, baseline = taken["ours"], taken["baseline"]
    rows = sizes.initial + 3 * sizes.month
    what = f"learn from {rows:,} rows, {sizes.trials} trials"
    return [
        Row(f"{what}: CPU", "s", ours.cpu, baseline.cpu, goal=CPU),
        Row(f"{what}: wall", "s", ours.wall, baseline.wall, goal=WALL),
        Row(f"{what}: peak memory", "B", ours.peak, baseline.peak),
    ]


def _gain(test: Path, ours: Path, baseline: Path) -> Row:
    import pyarrow.parquet as pq
    from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

    known = pq.read_table(test, columns=["_label"]).column(0).to_numpy()
    reached, other = (
        float(roc_auc_score(known, np.fromfile(file, "<f8"))) for file in (ours, baseline)
    )
    return Row(f"AUC on {len(known):,} unseen rows", "1", reached, other, goal=AUC)


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the table; answers 1 if it failed (a goal not met is no failure)."""
    parser = argparse.ArgumentParser(prog="benchmarks.learn", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows and trials")
    sizes = QUICK if parser.parse_args(arguments).quick else FULL
    uv = Path(sys.executable).with_name("uv")
    places = Places(FOLDER, jobs_environment(FOLDER, uv, Path(sys.executable)), sys.executable)
    top = header(sizes.rounds)
    try:
        rows = learning(places, sizes)
    except BenchmarkFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"{top}\n\n{render(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
