"""The frozen baseline: the distributions that drift is measured against later."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dropforge.metrics import Task
from sagemaker_jobs.features.arrow import number_column
from sagemaker_jobs.features.frame import PERIOD, Input
from sagemaker_jobs.judging.drift import category_profile, number_profile

FILE = "baseline.json"


def make_baseline(
    table: pa.Table,
    inputs: Sequence[Input],
    scores: NDArray[np.float64],
    labels: NDArray[np.float64],
    *,
    task: Task = "binary",
    classes: Sequence[str] = (),
) -> dict[str, Any]:
    """Quantile edges and counts of every input column and of the scores, on the training rows.

    binary adds `positive_share`; regression `label`, the target's own profile; multiclass has a
    score profile a class (`scores`) and `class_shares` instead of `score`. The row's
    period is no column.
    """
    columns = {}
    for column in inputs:
        if column.name == PERIOD or column.name not in table.schema.names:
            continue
        values = table.column(column.name)
        columns[column.name] = (
            category_profile(values)
            if column.is_category
            else number_profile(number_column(values, column.name))
        )
    document: dict[str, Any] = {"rows": table.num_rows, "task": task, "columns": columns}
    if task == "multiclass":
        counts = np.bincount(labels.astype(np.int64), minlength=len(classes))
        shares = (counts / max(len(labels), 1)).tolist()
        document["class_shares"] = dict(zip(classes, shares, strict=True))
        document["scores"] = {
            name: number_profile(scores[:, place]) for place, name in enumerate(classes)
        }
        return document
    document["score"] = number_profile(scores)
    if task == "binary":
        document["positive_share"] = float(labels.mean())
    else:
        document["label"] = number_profile(labels)
    return document


def write_baseline(artifact: Path, baseline: dict[str, Any]) -> None:
    """Write baseline.json."""
    text = json.dumps(baseline, indent=1, ensure_ascii=False)
    (artifact / FILE).write_text(text, encoding="utf-8")


def read_baseline(artifact: Path) -> dict[str, Any] | None:
    """An artifact's baseline.json; None if it has none."""
    path = artifact / FILE
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
