"""Whether features.py gives a row the same features whatever rows are beside it.

The endpoint scores one row at a time, a batch file many: a feature that is centred by the batch's
mean, ranked within it, or random is another one there.
"""

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.frame import Frame
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.python import FeaturesFailed
from sagemaker_jobs.reader.conversion import int64_array

Floats = NDArray[np.float64]

ROWS = 500
SINGLE_ROWS = 50
TOLERANCE = 1e-9
"""Relative: vectorised arithmetic may round the last bit by a row's place, which is no dependence.
"""


def unstable_features(features: FittedFeatures, table: pa.Table, seed: int) -> list[str]:
    """The features of features.py that change with the rows beside them, in its own order.

    At most 500 rows are computed together, shuffled, in two halves, and 50 of them one at a time.
    All are named if the function raises for fewer rows than it was given first.

    Raises:
        FeaturesFailed: the function raises for the rows together.
    """
    if features.python is None:
        return []
    names = [name for name in features.python.gives if name in features.features]
    places = [features.features.index(name) for name in names]
    generator = np.random.default_rng(seed)
    count = min(ROWS, table.num_rows)
    chosen = np.sort(generator.choice(table.num_rows, count, replace=False))
    frame = frame_from_arrow(table.take(int64_array(chosen)), features)
    together = features.matrix(frame)[:, places]
    changed = np.zeros(len(places), dtype=bool)
    try:
        for rows in _orders(count, generator):
            alone = features.matrix(_part(frame, rows))[:, places]
            changed |= ~_equal(alone, together[rows]).all(axis=0)
    except FeaturesFailed:
        return names
    return [name for name, differs in zip(names, changed, strict=True) if differs]


def _orders(count: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    every = np.arange(count)
    yield generator.permutation(count)
    yield from np.array_split(every, 2)
    yield from np.array_split(generator.permutation(count)[:SINGLE_ROWS], min(count, SINGLE_ROWS))


def _part(frame: Frame, rows: NDArray[np.int64]) -> Frame:
    blocks = {item.name: getattr(frame, item.name) for item in fields(frame)}
    # A block that the project has no columns for is empty whatever the rows.
    return Frame(**{name: block[rows] if len(block) else block for name, block in blocks.items()})


def _equal(one: Floats, other: Floats) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = np.isclose(one, other, rtol=TOLERANCE, atol=0.0, equal_nan=True)
    return equal
