"""The target as numbers, by task.

Binary: int8, 1 for the positive outcome. Multiclass: int16, the place in the project's `classes`.
Regression: float64, the value.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.metrics import Task
from dropforge.project import ProjectSpec
from sagemaker_jobs import labels
from sagemaker_jobs.reader.conversion import as_text, plain_array
from sagemaker_jobs.values import number_from_text

Labels = NDArray[Any]

DTYPES: dict[Task, type[np.generic]] = {
    "binary": np.int8,
    "multiclass": np.int16,
    "regression": np.float64,
}
"""What a label is kept as, by task."""

NONE = -1
"""Stands for a class label that is missing or unknown; NaN does for a value."""


def is_labelled(outcomes: pa.Array) -> pa.BooleanArray:
    """Which rows have a label."""
    present = pc.is_valid(outcomes)
    if pa.types.is_floating(outcomes.type):
        present = pc.and_(present, pc.invert(pc.fill_null(pc.is_nan(outcomes), True)))
    return present


def encode(outcomes: pa.Array, spec: ProjectSpec) -> Labels:
    """Labels as the task's numbers; NONE or NaN where one is missing, or is none of the task's."""
    text = plain_array(as_text(outcomes))
    if spec.task == "regression":
        return _values(text)
    if spec.task == "multiclass":
        places = {name: place for place, name in enumerate(class_names(spec))}
        return _codes(text, lambda name: places.get(name, NONE)).astype(np.int16)
    positive = labels.canonical(spec.positive)
    return _codes(text, lambda name: int(name == positive)).astype(np.int8)


def usable(encoded: Labels) -> NDArray[np.bool_]:
    """Which labels are the task's."""
    if encoded.dtype == np.float64:
        return np.isfinite(encoded)
    return np.asarray(encoded != NONE)


def class_names(spec: ProjectSpec) -> list[str]:
    """The classes of a multiclass project in their one spelling, in order; none otherwise."""
    return [str(labels.canonical(name)) for name in spec.classes]


def _codes(text: pa.StringArray, code: Callable[[str], int]) -> NDArray[np.int64]:
    encoded = pc.dictionary_encode(text)
    names = [labels.canonical(value) for value in encoded.dictionary.to_pylist()]
    known = np.array([NONE if name is None else code(name) for name in names] + [NONE], np.int64)
    places = pc.fill_null(encoded.indices, len(names)).to_numpy(zero_copy_only=False)
    return known[places]


def _values(text: pa.StringArray) -> NDArray[np.float64]:
    try:
        values = pc.cast(text, pa.float64())
    except pa.ArrowInvalid:  # some are spelt otherwise, or are no numbers: one at a time
        distinct = pc.dictionary_encode(text)
        numbers = pa.array([_value(v) for v in distinct.dictionary.to_pylist()], pa.float64())
        values = numbers.take(distinct.indices)
    found = np.array(pc.fill_null(values, np.nan).to_numpy(zero_copy_only=False), np.float64)
    found[~np.isfinite(found)] = np.nan
    return found


def _value(text: str) -> float | None:
    try:
        return number_from_text(text)
    except ValueError:
        return None
