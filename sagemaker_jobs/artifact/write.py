"""What Train writes beside the model: the contract of its inputs and outputs, and its lineage."""

import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropforge.project import ProjectSpec
from sagemaker_jobs.boosting.scorer import Sigmoid
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.snapshot.keys import Keys, digest, write_keys

if TYPE_CHECKING:
    from sagemaker_jobs.learning.tune import Tuned

LIBRARIES = ("lightgbm", "numpy", "optuna", "pyarrow")


def write_contract(
    artifact: Path,
    spec: ProjectSpec,
    features: FittedFeatures,
    threshold: float,
    sigmoid: Sigmoid | None,
    known_columns: Sequence[str] = (),
) -> None:
    """Write contract.json: the columns a request carries, and how its scores are decided."""
    document = {
        "project": spec.name,
        "id": spec.id,
        "columns": [{"name": c.name, "type": c.kind} for c in features.inputs],
        "ignored": _ignored(spec, features, known_columns),
        "output": {
            "target": spec.target,
            "positive": spec.positive,
            "threshold": threshold,
            "calibration": None
            if sigmoid is None
            else {"slope": sigmoid.slope, "intercept": sigmoid.intercept},
        },
    }
    _write(artifact / "contract.json", document)


def write_lineage(
    artifact: Path,
    spec: ProjectSpec,
    snapshot: dict[str, Any],
    tuned: "Tuned",
    *,
    run: str,
    threads: int,
    keys: tuple[Keys, Keys],
) -> None:
    """Write lineage.json and the row keys: all that is needed to make the model again."""
    used = np.concatenate(keys)
    write_keys(artifact, used)
    document = {
        "project": spec.name,
        "project_version": spec.version,
        "project_files": spec.files,
        "run": run,
        "lake_version": snapshot["summary"]["lake_version"],
        "snapshot": snapshot["files_sha256"],
        "periods": {
            "train": snapshot["summary"]["train_periods"],
            "whole": snapshot["whole_periods"],
            "holdout": snapshot["summary"]["holdout_period"],
        },
        "rows": {"train": len(keys[0]), "validation": len(keys[1])},
        "row_keys_sha256": digest(used),
        "seed": spec.tune.seed,
        "loader": "matrix of doubles",
        "threads": threads,
        "parameters": tuned.parameters,
        "rounds": tuned.best.rounds,
        "validation": {"metric": spec.metric, "value": tuned.best.value},
        "trials": [
            {"number": t.number, "value": t.value, "rounds": t.rounds, **t.chosen}
            for t in tuned.trials
        ],
        "warm_start": snapshot["warm_start"],
        "model_sha256": hashlib.sha256((artifact / "model.txt").read_bytes()).hexdigest(),
        "python": sys.version.split()[0],
        "architecture": platform.machine(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }
    _write(artifact / "lineage.json", document)


def _ignored(
    spec: ProjectSpec, features: FittedFeatures, known_columns: Sequence[str]
) -> list[str]:
    """Columns that a request may carry and the model does not read: whatever files have."""
    known = [spec.id, spec.target, *(spec.contract.columns if spec.contract else [])]
    known += known_columns
    known += [*([spec.group] if spec.group else []), *spec.protected_columns]
    read = {c.name for c in features.inputs}
    return [name for name in dict.fromkeys(known) if name not in read]


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
