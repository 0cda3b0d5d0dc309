"""Rows on their way into the model: blocks of numbers, category codes, aggregates and texts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.values import Kind

Floats = NDArray[np.float64]
Texts = NDArray[Any]

PERIOD = "_period"
"""The first day of a row's period, an input of kind date. In requests it may be left out."""


@dataclass(frozen=True)
class Input:
    """A column that is read. `levels` are a text column's known values, in code order."""

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()

    @property
    def is_category(self) -> bool:
        """Whether the column holds text."""
        return self.kind == "string"


def _nothing() -> Any:
    return np.empty((0, 0))


@dataclass(frozen=True)
class Frame:
    """`numbers` is rows x numeric inputs, `codes` rows x category inputs; NaN is missing.

    A code is the position in the input's levels; a value that training has not seen has the code
    after the last. `aggregates` is rows x declared aggregates, NaN where the key has none. `texts`
    (rows x text columns that features.py reads) holds str or None. The last two are empty, whatever
    the rows, if the project declares none.
    """

    numbers: Floats
    codes: Floats
    aggregates: Floats = field(default_factory=_nothing)
    texts: Texts = field(default_factory=_nothing)

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.numbers)

    def slice(self, start: int, stop: int) -> "Frame":
        """The rows from `start` to before `stop`, without copying."""
        return Frame(
            self.numbers[start:stop],
            self.codes[start:stop],
            self.aggregates[start:stop],
            self.texts[start:stop],
        )


def level_table(levels: Sequence[str]) -> dict[str, float]:
    """A category's codes by value."""
    return {level: float(code) for code, level in enumerate(levels)}
