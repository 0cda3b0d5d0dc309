"""Rows on their way into the model: blocks of numbers, category codes, aggregates and texts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.values import Kind

Floats = NDArray[np.float64]
Texts = NDArray[Any]

PERIOD = "_period"
"""The first day of a row's period, an input of kind date. In requests it may be left out."""


@dataclass(frozen=True)
class Input:
    """A column that is read. `levels` are a text column's known values, in code order.

    A number beyond `clamp` (lowest, highest; infinite where there is no bound) counts as that bound
    in every feature: a fact of the model, so that training, batches and requests cannot differ.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()
    clamp: tuple[float, float] | None = None

    @property
    def is_category(self) -> bool:
        """Whether the column holds text."""
        return self.kind == "string"

    def to_document(self) -> dict[str, Any]:
        """The column as features.json has it."""
        document: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.is_category:
            document["levels"] = self.levels
        if self.clamp is not None:
            document["clamp"] = [bound if math.isfinite(bound) else None for bound in self.clamp]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read it."""
        clamp = document.get("clamp")
        if clamp is not None:
            low, high = clamp
            clamp = (-math.inf if low is None else low, math.inf if high is None else high)
        return cls(document["name"], document["kind"], tuple(document.get("levels", ())), clamp)


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


def clamped(values: Floats, clamp: tuple[Any, Any] | None) -> Floats:
    """The values within the bounds, missing ones as they are. Bounds may be of a column each."""
    if clamp is None:
        return values
    low, high = clamp
    # Not numpy's clip, minimum and maximum: of 0.0 and -0.0 these may give either.
    values = np.where(values < low, low, values)
    return np.where(values > high, high, values)


def level_table(levels: Sequence[str]) -> dict[str, float]:
    """A category's codes by value."""
    return {level: float(code) for code, level in enumerate(levels)}
