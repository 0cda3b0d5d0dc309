"""Where a benchmark's files lie, and how they are made once: data, tables, the jobs' environment.

Everything is below build/bench/. A folder's name carries a hash of what it was made by, so that
changed code never measures on what old code left behind; folders of other hashes are removed.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT, environment, run

FIRST_YEAR = 2000
LOCK = ROOT / "requirements" / "jobs.txt"
GENERATOR = [ROOT / "benchmarks" / "generate.py", ROOT / "projects" / "home_credit"]
PRODUCT = [*GENERATOR, ROOT / "benchmarks" / "ours", ROOT / "dropforge", ROOT / "sagemaker_jobs"]


@dataclass(frozen=True)
class Places:
    """The benchmark's folder, and the Pythons that ours and the baseline run with."""

    folder: Path
    ours: str
    baseline: str

    def csv(self, first: int, count: int) -> Path:
        """The file of `count` rows from row `first`; generated once."""
        path = self._kept("data", GENERATOR) / f"{first}-{count}.csv"
        if not path.exists():
            run([self.ours, "-m", "benchmarks.generate", str(path), str(first), str(count)])
        return path

    def histories(self, initial: int, rows: int, months: Sequence[int]) -> Path:
        """The folder of lakes after so many months, and of the project; built once."""
        kept = self._kept("histories", [*PRODUCT, LOCK])
        path = kept / f"{initial}-{rows}-{'-'.join(map(str, months))}"
        if not path.exists():
            part = path.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            sizes = ["--initial", str(initial), "--rows", str(rows)]
            keep = ["--keep", *map(str, months)]
            run([self.ours, "-m", "benchmarks.ours.build", str(part), *sizes, *keep])
            part.rename(path)
        return path

    def snapshot(self, initial: int, rows: int, trials: int, test_blocks: int) -> Path:
        """The folder of a training snapshot after three months, and of test rows; built once.

        `train.parquet` beside them is train and validation together.
        """
        lake = self.histories(initial, rows, [3]) / "3"
        kept = self._kept("snapshots", [*PRODUCT, LOCK])
        path = kept / f"{initial}-{rows}-{trials}-{test_blocks}"
        if not path.exists():
            part = path.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            sizes = [str(trials), str(test_blocks)]
            run([self.ours, "-m", "benchmarks.ours.snapshot", str(lake), str(part), *sizes])
            part.rename(path)
        return path

    def served(self, initial: int, rows: int, trees: int) -> Path:
        """The folder of an artifact, and of questions that it is asked; built once."""
        built = self.snapshot(initial, rows, 1, 1)
        path = self._kept("served", [*PRODUCT, LOCK]) / f"{initial}-{rows}-{trees}"
        if not path.exists():
            part = path.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            given = [str(built / "snapshot"), str(built / "test.parquet"), str(part), str(trees)]
            run([self.ours, "-m", "benchmarks.ours.artifact", *given])
            part.rename(path)
        return path

    def scratch(self, name: str) -> Path:
        """An empty folder."""
        path = self.folder / "scratch" / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def _kept(self, what: str, made_by: Iterable[Path]) -> Path:
        path = self.folder / f"{what}-{digest(made_by)}"
        for other in self.folder.glob(f"{what}-*"):
            if other != path:
                shutil.rmtree(other)
        path.mkdir(parents=True, exist_ok=True)
        return path


def digest(paths: Iterable[Path]) -> str:
    """Twelve hexadecimal characters of the contents of files, and of folders' Python and lists."""
    sha = hashlib.sha256()
    for path in paths:
        files = [path] if path.is_file() else sorted(path.rglob("*.*"))
        for file in files:
            if file == path or file.suffix in (".py", ".txt", ".yml"):
                sha.update(file.read_bytes())
    return sha.hexdigest()[:12]


def jobs_environment(folder: Path, uv: Path, python: Path) -> str:
    """An environment like the job image's, from its lock; answers its Python."""
    return locked_environment(folder / "venv", LOCK.read_text(encoding="utf-8"), uv, python)


def locked_environment(venv: Path, locked: str, uv: Path, python: Path) -> str:
    """An environment of exactly what a lock's text says, hashes checked; answers its Python."""
    stamp, part = venv / ".lock", venv / ".lock.part"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != locked:
        shutil.rmtree(venv, ignore_errors=True)
        _uv(uv, "venv", "--python", str(python), str(venv))
        part.write_text(locked, encoding="utf-8")
        target = ["--python", str(venv / "bin" / "python"), "--compile-bytecode"]
        _uv(uv, "pip", "install", *target, "--require-hashes", "--requirement", str(part))
        part.rename(stamp)
    return str(venv / "bin" / "python")


def _uv(uv: Path, *arguments: str) -> None:
    subprocess.run([uv, *arguments, "--quiet"], check=True, env=environment(), cwd=ROOT)


def file_name(month: int) -> str:
    """The name of the month's file, counted from January 2000."""
    return f"{FIRST_YEAR + month // 12}{month % 12 + 1:02d}01.csv"


def copy_lake(source: Path, target: Path) -> None:
    """Copy a lake; its data files, which nobody changes once they are written, are linked."""

    def copy(old: str, new: str) -> str:
        if old.endswith(".parquet"):
            os.link(old, new)
            return new
        return str(shutil.copy2(old, new))

    shutil.copytree(source, target, copy_function=copy)
