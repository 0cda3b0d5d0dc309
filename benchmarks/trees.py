"""`make bench-trees`: what compiled trees bring the endpoint, and what compiling them costs.

python -m benchmarks.trees

In one process, without a server: a batch's feature matrix to its scores, by LightGBM and by the
compiled trees in turns, both checked to give the same bits. A process compiles as the endpoint's.
"""

import argparse
import datetime as dt
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.measure import run
from benchmarks.table import aligned
from sagemaker_jobs.boosting.native import Booster, Floats
from sagemaker_jobs.serving.compiled.code import HEAD_BYTES, CompiledTrees, same_bits
from sagemaker_jobs.serving.compiled.compiler import compile_model

FEATURES, CATEGORIES, LEARNT_ROWS, SEED = 20, (3, 4), 60_000, 0
MODELS = ((200, 16), (500, 127))
"""Trees and leaves: what the serving benchmark has, and a large model."""

BATCHES = (2, 10, 100, 1_000, 10_000)
ROUNDS, ROWS_A_ROUND = 7, 20_000

HEADERS = ("trees x leaves", "rows", "LightGBM", "compiled", "times", "")
COST_HEADERS = ("trees x leaves", "compiled in", "CPU", "peak memory", "code", "")


def data(rows: int) -> Floats:
    """Numbers and two columns of categories, a twentieth missing."""
    random = np.random.default_rng(SEED)
    found = random.normal(size=(rows, FEATURES))
    for column, levels in zip(CATEGORIES, (40, 6), strict=True):
        found[:, column] = random.integers(0, levels, rows)
    found[random.random(found.shape) < 0.05] = np.nan
    return found


def train(trees: int, leaves: int, target: Path) -> None:
    """Train a binary model of that size, and write it."""
    import lightgbm as lgb

    matrix = data(LEARNT_ROWS)
    known = np.nan_to_num(matrix)
    noise = np.random.default_rng(SEED + 1).logistic(size=LEARNT_ROWS)
    signal = known[:, 0] * known[:, 1] + np.sin(known[:, 2]) + (known[:, 3] % 7 > 3) + noise
    chosen = {"objective": "binary", "num_leaves": leaves, "learning_rate": 0.05, "verbosity": -1}
    dataset = lgb.Dataset(matrix, signal > 0.5, categorical_feature=list(CATEGORIES))
    lgb.train(chosen, dataset, trees).save_model(target)


@contextmanager
def compiled(model: Path) -> Iterator[int]:
    """A sealed file with a model's code."""
    file = os.memfd_create("trees", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        compile_model(model, file)
        yield file
    finally:
        os.close(file)


def cost(name: str, model: Path) -> tuple[str, ...]:
    """A process that compiles: its time, its memory at the peak, its code's size."""
    took = run([sys.executable, "-m", "benchmarks.trees", "--compile", str(model)])
    peak, code = took.peak / 1e6, int(took.said) / 1e6
    return (name, f"{took.wall:.1f} s", f"{took.cpu:.1f} s", f"{peak:.0f} MB", f"{code:.1f} MB", "")


def gains(name: str, model: Path) -> Iterator[tuple[str, ...]]:
    """Batches of every size by both."""
    booster, matrix = Booster(model), data(max(BATCHES))
    with compiled(model) as file:
        trees = CompiledTrees(file)
    for rows in BATCHES:
        assert same_bits(trees, booster, matrix[:rows])
        slow, fast = in_turns((booster.scores, trees.scores), matrix, rows)
        micro = [f"{1e6 * seconds:,.0f} us" for seconds in (slow, fast)]
        yield (name, f"{rows:,}", *micro, f"{slow / fast:.1f}", "")


def in_turns(
    scorers: tuple[Callable[[Floats], Floats], ...], matrix: Floats, rows: int
) -> list[float]:
    """Seconds of one call each: the median of rounds, each of other rows of the matrix."""
    calls = max(ROWS_A_ROUND // rows, 1)
    starts = [start % (len(matrix) - rows + 1) for start in range(0, calls * rows, rows)]
    batches = [np.ascontiguousarray(matrix[start : start + rows]) for start in starts]
    taken: list[list[float]] = [[] for _ in scorers]
    for _ in range(ROUNDS):
        for scores, seconds in zip(scorers, taken, strict=True):
            began = time.perf_counter()
            for batch in batches:
                scores(batch)
            seconds.append((time.perf_counter() - began) / calls)
    return [statistics.median(seconds) for seconds in taken]


def main(arguments: list[str]) -> int:
    """Measure and print both tables; or, called by itself, compile and print the code's bytes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compile", type=Path, metavar="MODEL")
    options = parser.parse_args(arguments)
    if options.compile:
        with compiled(options.compile) as file:
            print(os.fstat(file).st_size - HEAD_BYTES)
        return 0
    costs: list[tuple[str, ...]] = []
    lines: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for trees, leaves in MODELS:
            name, model = f"{trees} x {leaves}", Path(folder) / "model.txt"
            train(trees, leaves, model)
            costs.append(cost(name, model))
            lines += gains(name, model)
    print(f"{header()}\n\n{aligned(COST_HEADERS, costs)}\n\n{aligned(HEADERS, lines)}")
    return 0


def header() -> str:
    """When, where, with what."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    packages = ", ".join(f"{name} {version(name)}" for name in ("lightgbm", "llvmlite", "numpy"))
    return (
        f"{now}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}\n"
        f"{FEATURES} features, {len(CATEGORIES)} of them categories; one thread"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
