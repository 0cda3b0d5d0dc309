"""A lake to add to: perhaps an `initial` file, then month after month, by the product's code.

    python -m benchmarks.ours.build OUT --initial ROWS --months N --rows ROWS --keep N [N ...]

leaves the folder OUT/<N> for each N to keep, and OUT/project.json.
"""

import argparse
import shutil
from pathlib import Path

from benchmarks.generate import write_rows
from benchmarks.ours.accumulate import accumulate
from benchmarks.places import copy_lake, file_name
from dropforge.project import ProjectSpec
from dropforge.project_folder import load_project

PROJECT = Path(__file__).resolve().parents[2] / "projects" / "home_credit"


def build(out: Path, initial: int, rows: int, keep: list[int]) -> None:
    """Take the files in, one after the other; after so many months as `keep` names, copy."""
    spec = load_project(PROJECT)
    work = out / "work"
    lake = work / "lake"
    lake.mkdir(parents=True)
    (out / "project.json").write_text(spec.canonical_json(), encoding="utf-8")
    if initial:
        _take(spec, work, f"{spec.history}.csv", 0, initial)
    for month in range(max(keep)):
        _take(spec, work, file_name(month), initial + month * rows, rows)
        if month + 1 in keep:
            copy_lake(lake, out / str(month + 1))
    shutil.rmtree(work)


def _take(spec: ProjectSpec, work: Path, name: str, first: int, count: int) -> None:
    file = work / name
    write_rows(file, first, count)
    outcome = accumulate(spec, work / "lake", file, name)
    if outcome.state != "accepted" or outcome.rows != count:
        raise SystemExit(f"{name}: {outcome}")
    file.unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--initial", type=int, default=0)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--keep", type=int, nargs="+", required=True)
    given = parser.parse_args()
    build(given.out, given.initial, given.rows, given.keep)
