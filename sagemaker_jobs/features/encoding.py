"""Category codes as features: as they are (native), as an order, or as 0/1 features a level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.features.frame import Floats, Input

Encoding = Literal["native", "ordinal", "one_hot"]

OTHER, MISSING = "(other)", "(missing)"


def level_features(column: Input, *, missing: bool) -> tuple[str, ...]:
    """The 0/1 features of a column, in code order: `contract=One year`.

    After the levels comes one for all other values, rare in training or unseen; and, unless a rule
    fills in for them, one for missing values.
    """
    kept = [*column.levels, OTHER, *([MISSING] if missing else [])]
    return tuple(f"{column.name}={level}" for level in kept)


@dataclass(frozen=True)
class OneHotPlan:
    """All one-hot columns at once: `features` of `offset + code` is the feature that is 1.

    NaN codes take the place after the unseen one.
    """

    columns: list[int]
    offsets: NDArray[np.int64]
    missing: Floats
    features: NDArray[np.intp]
    zeroed: list[int]

    @classmethod
    def of(
        cls, categories: Sequence[Input], one_hot: Mapping[str, bool], place: Mapping[str, int]
    ) -> Self | None:
        """Where the features of the `one_hot` columns (by name: whether missing has its own) are.

        None if there are no such columns.
        """
        columns = [index for index, c in enumerate(categories) if c.name in one_hot]
        offsets: list[int] = []
        missing: list[float] = []
        features: list[int] = []
        for index in columns:
            column = categories[index]
            names = level_features(column, missing=one_hot[column.name])
            offsets.append(len(features))
            missing.append(float(len(column.levels) + 1))
            features += [place[name] for name in names]
        if not columns:
            return None
        return cls(
            columns,
            np.array(offsets, dtype=np.int64),
            np.array(missing),
            np.array(features, dtype=np.intp),
            features,
        )

    def write(self, codes: Floats, matrix: Floats) -> None:
        """Set the one-hot features of `matrix` from rows x category codes."""
        chosen = codes[:, self.columns]
        filled = np.where(np.isnan(chosen), self.missing, chosen)
        places = self.features[filled.astype(np.int64) + self.offsets]
        matrix[:, self.zeroed] = 0.0
        np.put_along_axis(matrix, places, 1.0, axis=1)
