"""The frozen baseline: the distributions that drift is measured against later."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sagemaker_jobs.features.arrow import number_column
from sagemaker_jobs.features.frame import Input
from sagemaker_jobs.judging.drift import category_profile, number_profile

FILE = "baseline.json"


def make_baseline(
    table: pa.Table,
    inputs: Sequence[Input],
    scores: NDArray[np.float64],
    labels: NDArray[np.float64],
) -> dict[str, Any]:
    """Quantile edges and counts of every input column and of the score, on the training rows."""
    columns = {}
    for column in inputs:
        values = table.column(column.name)
        columns[column.name] = (
            category_profile(values)
            if column.is_category
            else number_profile(number_column(values, column.name))
        )
    return {
        "rows": table.num_rows,
        "positive_share": float(labels.mean()),
        "columns": columns,
        "score": number_profile(scores),
    }


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
