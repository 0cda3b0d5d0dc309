"""Snapshot rows on their way into LightGBM, by one of two loaders that give the same bytes.

matrix: one matrix of doubles. sequence: a row group at a time (`lgb.Sequence`), of which LightGBM
keeps the bins only, one byte a cell. The matrix is quicker; the sequence is for rows that would not
fit in memory.

LightGBM learns a feature's bins from a sample of rows. While the matrix fits the sample is every
row, and both loaders bin alike. Above that it is `BINNED_ROWS` rows drawn by the project's seed:
`lgb.Sequence` holds the whole sample as doubles, so a sample of all rows would be the matrix again.
https://lightgbm.readthedocs.io/en/stable/pythonapi/lightgbm.Sequence.html
https://lightgbm.readthedocs.io/en/stable/Parameters.html#bin_construct_sample_cnt
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sagemaker_jobs.boosting.native import Booster, Floats
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.learning.dataset import row_groups
from sagemaker_jobs.snapshot.columns import KEY, LABEL
from sagemaker_jobs.snapshot.keys import Keys

Loader = Literal["matrix", "sequence"]

MATRIX_MAX_BYTES = 2 * 1024**3
"""The largest matrix: with LightGBM's own sample and bins a training then takes about 5 GiB."""

BINNED_ROWS = 200_000
"""LightGBM's own default size of the sample that bins are learnt from."""


def choose_loader(rows: int, features: int, matrix_max_bytes: int = MATRIX_MAX_BYTES) -> Loader:
    """The matrix while `rows` x `features` doubles fit in the limit."""
    return "matrix" if rows * features * 8 <= matrix_max_bytes else "sequence"


def binned_rows(rows: int, features: int, matrix_max_bytes: int = MATRIX_MAX_BYTES) -> int:
    """How many rows the bins are learnt from: all, unless they would not fit."""
    fits = choose_loader(rows, features, matrix_max_bytes) == "matrix"
    return max(rows, BINNED_ROWS) if fits else BINNED_ROWS


class Source:
    """The rows of one or several files of a snapshot, as the model sees them."""

    def __init__(self, paths: Sequence[Path], features: FittedFeatures, loader: Loader) -> None:
        self._paths, self._features, self._loader = list(paths), features, loader
        marks = [pq.ParquetFile(path).read(columns=[LABEL, KEY]) for path in paths]
        self.labels: Floats = np.concatenate(
            [m.column(LABEL).to_numpy().astype(np.float64) for m in marks]
        )
        self.keys: Keys = np.concatenate([m.column(KEY).to_numpy() for m in marks]).astype(
            np.uint64
        )

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.labels)

    def dataset(self, parameters: dict[str, Any], reference: lgb.Dataset | None = None) -> Any:
        """The rows binned; by the bins of `reference` if given."""
        names = feature_names(self._features.features)
        return lgb.Dataset(
            self._matrix() if self._loader == "matrix" else self._sequences(),
            label=self.labels,
            reference=reference,
            feature_name=names,
            categorical_feature=[
                self._features.features.index(name) for name in self._features.categorical
            ],
            params=parameters,
            free_raw_data=True,
        ).construct()

    def scores(self, booster: Booster, *, raw: bool = False) -> Floats:
        """A model's scores of the rows."""
        return np.concatenate([booster.scores(part, raw=raw) for part in self._parts()])

    def _matrix(self) -> Floats:
        matrix = np.empty((self.rows, len(self._features.features)))
        start = 0
        for part in self._parts():
            matrix[start : start + len(part)] = part
            start += len(part)
        return matrix

    def _parts(self) -> Iterator[Floats]:
        for path in self._paths:
            for table in row_groups(path):
                yield self._features.matrix(frame_from_arrow(table, self._features))

    def _sequences(self) -> list["RowGroups"]:
        return [RowGroups(path, self._features) for path in self._paths]


class RowGroups(lgb.Sequence):
    """One file's rows, of which one row group is in memory."""

    def __init__(self, path: Path, features: FittedFeatures) -> None:
        self._file, self._features = pq.ParquetFile(path), features
        groups = range(self._file.num_row_groups)
        sizes = [self._file.metadata.row_group(number).num_rows for number in groups]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self.batch_size = max(sizes, default=1)
        self._number, self._held = -1, np.empty((0, len(features.features)))

    def __len__(self) -> int:
        """How many rows."""
        return int(self._starts[-1])

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """A row by its number, or the rows of a slice."""
        if not isinstance(index, slice):
            number = int(np.searchsorted(self._starts, index, side="right")) - 1
            row: NDArray[Any] = self._group(number)[index - self._starts[number]]
            return row
        start, stop, _ = index.indices(len(self))
        if start >= stop:
            return self._held[:0]
        first, last = np.searchsorted(self._starts, [start, stop - 1], side="right") - 1
        parts = []
        for number in range(int(first), int(last) + 1):
            begin = self._starts[number]
            parts.append(self._group(number)[max(start - begin, 0) : stop - begin])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _group(self, number: int) -> Floats:
        if number != self._number:
            table = self._file.read_row_group(number)
            self._held = self._features.matrix(frame_from_arrow(table, self._features))
            self._number = number
        return self._held


def feature_names(features: Sequence[str]) -> list[str]:
    """The features' names inside model.txt, where LightGBM refuses JSON's special characters.

    features.json has the real ones, in the same order.
    """
    names: list[str] = []
    for position, feature in enumerate(features):
        name = re.sub(r'[\s",:\[\]{}]', "_", feature)
        names.append(f"{name}_{position}" if name in names else name)
    return names
