"""Models of every task, made without AWS and without being judged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dropforge.metrics import Task
from dropforge.project import ProjectSpec
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.history.table import LINE, History
from sagemaker_jobs.judging.finish import finish_artifact, read_sample
from sagemaker_jobs.snapshot.build import build_snapshot
from sagemaker_jobs.train import train

CLASSES = ["low", "middle", "high"]

SPECS: dict[Task, dict[str, Any]] = {
    "binary": {"target": "default", "positive": 1, "calibration": "sigmoid"},
    "multiclass": {"task": "multiclass", "target": "risk", "classes": CLASSES},
    "regression": {"task": "regression", "target": "loss"},
}


def task_spec(task: Task, **changes: Any) -> ProjectSpec:
    """A project of a task."""
    return ProjectSpec.model_validate(
        {
            "name": "loans",
            "id": "loan_id",
            "tune": {"trials": 2, "max_rounds": 30, "early_stopping_rounds": 10},
            "features": {
                "keep": ["income", "amount", "age", "job"],
                "derive": {"burden": "amount / income"},
            },
            **SPECS[task],
            **changes,
        }
    )


def task_rows(rows: int, seed: int, task: Task | None, *, first_id: int = 1) -> pa.Table:
    """Loans of which burden and job tell default, risk and loss; without a task, unlabelled."""
    rng = np.random.default_rng(seed)
    income = np.round(rng.lognormal(10, 0.5, rows), 2)
    amount = np.round(income * rng.uniform(0.1, 3.0, rows), 2)
    job = rng.choice(["clerk", "nurse", "smith"], rows)
    strain = amount / income + (job == "smith") + rng.normal(0, 0.5, rows)
    columns: dict[str, Any] = {
        "loan_id": [f"{n:07d}" for n in range(first_id, first_id + rows)],
        "income": pa.array(income, mask=rng.uniform(size=rows) < 0.05),
        "amount": amount,
        "age": rng.integers(18, 80, rows),
        "job": pa.array(job, mask=rng.uniform(size=rows) < 0.05),
    }
    if task == "binary":
        columns["default"] = np.where(strain > 2.5, "1", "0")
    elif task == "multiclass":
        columns["risk"] = np.array(CLASSES)[np.digitize(strain, [1.2, 2.2])]
    elif task == "regression":
        columns["loss"] = np.round(100 * strain, 2)
    return pa.table(columns)


@dataclass(frozen=True)
class Trained:
    """A model that nobody judged."""

    spec: ProjectSpec
    snapshot: Path
    artifact: Path

    @property
    def scorer(self) -> Scorer:
        """The model as every loader has it."""
        return Scorer.load(self.artifact)


def make_task_snapshot(
    folder: Path, spec: ProjectSpec, tables: dict[str, pa.Table] | None = None
) -> Path:
    """A snapshot of some periods: of 900 loans if none are given."""
    history = History(str(folder / "history"))
    for period, table in (tables or {"initial": task_rows(900, 1, spec.task)}).items():
        lines = pa.array(np.arange(2, table.num_rows + 2))
        target = table.schema.get_field_index(spec.target)
        texts = table.column(spec.target).cast(pa.string())
        rows = table.set_column(target, spec.target, texts).append_column(LINE, lines)
        history.replace(period, rows, f"drop-{period}")
    return build_snapshot(spec, history, None, folder / "snapshot", "s3://the-lake/s/").folder


def make_trained(
    folder: Path, spec: ProjectSpec, tables: dict[str, pa.Table] | None = None
) -> Trained:
    """Train a project's model, and give it its baseline and golden rows."""
    snapshot = make_task_snapshot(folder, spec, tables)
    artifact = folder / "artifact"
    train(snapshot, artifact, run="run-1")
    finish_artifact(spec, artifact, Scorer.load(artifact), read_sample(snapshot / "train.parquet"))
    return Trained(spec, snapshot, artifact)
