"""The target: one spelling for each outcome, and which one is positive."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.project import Scalar
from sagemaker_jobs.values import number_from_text

MAX_OUTCOMES = 2


def canonical(value: Any) -> str | None:
    """An outcome's one spelling: `1.0` and ` 1` are `1`, `True` is `true`; None for missing."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip()
    try:
        number = number_from_text(text)
    except ValueError:
        return text.lower() if text.lower() in ("true", "false") else text
    if number != number:
        return None
    return str(int(number)) if number.is_integer() else repr(number)


def canonical_column(text: pa.ChunkedArray) -> pa.Array:
    """A target column of text in canonical spelling, null where missing."""
    encoded = pc.dictionary_encode(text.combine_chunks())
    outcomes = pa.array([canonical(v) for v in encoded.dictionary.to_pylist()], pa.string())
    return outcomes.take(encoded.indices)


def positives(outcomes: pa.ChunkedArray | pa.Array, positive: Scalar) -> NDArray[np.int8]:
    """1 where the outcome is the positive one, 0 for another, -1 where it is missing."""
    wanted = pc.equal(outcomes, canonical(positive))
    flags = pc.fill_null(pc.cast(wanted, pa.int8()), -1)
    return np.asarray(
        flags.to_numpy(zero_copy_only=False) if isinstance(flags, pa.Array) else flags.to_numpy(),
        dtype=np.int8,
    )
