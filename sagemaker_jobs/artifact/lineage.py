"""lineage.json: all that is needed to make a model again, and to say what it was made from."""

import hashlib
import json
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dropforge.project import ProjectSpec
from sagemaker_jobs.learning.loading import Loader
from sagemaker_jobs.learning.tune import Tuned

FILE = "lineage.json"
LIBRARIES = ("lightgbm", "numpy", "optuna", "pyarrow")

LOCK = Path(__file__).parents[2] / "requirements" / "jobs.txt"
"""The lock of the job's packages, where the code lies beside it."""


@dataclass(frozen=True)
class Made:
    """One of an artifact's models: its bytes' and its rows' hashes, and what made it."""

    model_sha256: str
    row_keys_sha256: str
    rows: int
    parameters: dict[str, Any]


def write_lineage(
    artifact: Path,
    spec: ProjectSpec,
    snapshot: dict[str, Any],
    tuned: Tuned,
    *,
    run: str,
    threads: int,
    loader: Loader,
    rows: dict[str, int],
    model: Made,
    judged: Made | None,
) -> None:
    """Write lineage.json. `judged` is the twin of a model that was fitted again on all rows."""
    document = {
        "project": spec.name,
        "project_version": spec.version,
        "project_files": spec.files,
        "task": spec.task,
        "run": run,
        "lake_version": snapshot["summary"]["lake_version"],
        "snapshot": snapshot["files_sha256"],
        "split": {k: v for k, v in snapshot.items() if k not in ("files_sha256", "warm_start")},
        "periods": _periods(snapshot, whole=judged is not None),
        "rows": rows,
        "row_keys_sha256": model.row_keys_sha256,
        "refit": spec.refit,
        "judged": vars(judged) if judged else None,
        "seed": spec.tune.seed,
        "loader": loader,
        "threads": threads,
        "parameters": model.parameters,
        "rounds": tuned.best.rounds,
        "validation": {"metric": spec.metric, "value": tuned.best.value},
        "trials": [
            {"number": t.number, "value": t.value, "rounds": t.rounds, **t.chosen}
            for t in tuned.trials
        ],
        "warm_start": snapshot["warm_start"],
        "model_sha256": model.model_sha256,
        **environment(),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (artifact / FILE).write_text(text, encoding="utf-8")


def environment() -> dict[str, Any]:
    """The code, image, packages and machine of this very process; None for what is not known."""
    return {
        "code": {"commit": os.environ.get("DROPFORGE_COMMIT"), "version": _own_version()},
        "image": os.environ.get("DROPFORGE_IMAGE"),
        "lock_sha256": hashlib.sha256(LOCK.read_bytes()).hexdigest() if LOCK.is_file() else None,
        "python": sys.version.split()[0],
        "architecture": platform.machine(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _periods(snapshot: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """The periods learnt from; `whole` ones with every row of theirs."""
    learnt, holdout = snapshot["summary"]["train_periods"], snapshot["summary"]["holdout_period"]
    if whole:
        learnt = list(dict.fromkeys([*learnt, holdout]))
    return {
        "train": learnt,
        "whole": learnt if whole else snapshot["whole_periods"],
        "holdout": holdout,
    }


def _own_version() -> str | None:
    try:
        return version("dropforge")
    except PackageNotFoundError:
        return None  # in the image the code is copied, not installed
