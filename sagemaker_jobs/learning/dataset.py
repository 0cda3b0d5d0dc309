"""Snapshot files as matrices."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.snapshot.rows import KEY, LABEL

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """The matrix, the labels (0 or 1) and the keys of one split."""

    matrix: Floats
    labels: Floats
    keys: NDArray[np.uint64]


def read_table(path: Path) -> pa.Table:
    """One split of a snapshot."""
    return pq.ParquetFile(path).read()


def rows_of(table: pa.Table, features: FittedFeatures) -> Rows:
    """A split as the model sees it."""
    return Rows(
        features.matrix(frame_from_arrow(table, features.inputs)),
        table.column(LABEL).to_numpy().astype(np.float64),
        table.column(KEY).to_numpy().astype(np.uint64),
    )
