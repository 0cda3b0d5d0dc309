"""A single row's score without arrays: values to features to LightGBM, in memory made once.

The same operations on the same doubles in the same order as `features.plan`, so the same bits; for
models whose features are more than that, and for those alone, single rows take the way of many.
"""

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from struct import Struct

import numpy as np

from dropforge.errors import ArtifactBroken
from dropforge.expressions import Call, Column, Constant, Node
from sagemaker_jobs.boosting.native import Booster, library
from sagemaker_jobs.boosting.scorer import Sigmoid
from sagemaker_jobs.features.condition import applied
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.serving.ordinary import Values

NAN = math.nan

Compute = Callable[[Sequence[float]], float]


def single_scorer(
    features: FittedFeatures, booster: Booster, calibration: Sigmoid | None
) -> "SingleScorer | None":
    """A scorer of single rows; None if the model has features that need more than arithmetic."""
    more = features.dates or features.aggregates or features.python or features.reads_period
    if more or "one_hot" in features.encode.values() or booster.outputs > 1:
        return None
    if len(features.features) < 2:
        return None
    try:
        return SingleScorer(features, booster, calibration)
    except NotArithmetic:
        return None


class NotArithmetic(Exception):
    """A derived feature whose function numpy computes in a way of its own."""


class SingleScorer:
    """Scores one row at a time. Not safe for use from several threads at once."""

    def __init__(
        self, features: FittedFeatures, booster: Booster, calibration: Sigmoid | None
    ) -> None:
        numeric = [c for c in features.inputs if not c.is_category]
        texts = [c for c in features.inputs if c.is_category]
        order = [c.name for c in (*numeric, *texts)]
        fill = features.fill
        self._fill = [
            (place, float(fill[c.name])) for place, c in enumerate(numeric) if c.name in fill
        ]
        for place, column in enumerate(texts, start=len(numeric)):
            if (value := fill.get(column.name)) is not None:
                levels = column.levels
                code = levels.index(str(value)) if value in levels else len(levels)
                self._fill.append((place, float(code)))
        self._limits = [
            (place, float(len(c.levels)))
            for place, c in enumerate(texts, start=len(numeric))
            if features.encode.get(c.name) == "ordinal"
        ]
        places = {name: place for place, name in enumerate(order)}
        self._derived: list[Compute] = []
        for derived in features.derived:
            self._derived.append(_finite(_compile(derived.derivation.tree, places)))
            places[derived.name] = len(places)
        self._pick = itemgetter(*(places[name] for name in features.features))
        self._slope = None if calibration is None else calibration.slope
        self._intercept = 0.0 if calibration is None else calibration.intercept
        width = len(features.features)
        self._row = bytearray(8 * width)
        self._pack = Struct(f"={width}d").pack_into
        self._bind(booster, raw=calibration is not None)

    def _bind(self, booster: Booster, *, raw: bool) -> None:
        self._single = booster.single_row(raw=raw)
        self._at = (ctypes.c_char * len(self._row)).from_buffer(self._row)
        self._out, self._length = (ctypes.c_double * 1)(), ctypes.c_int64()
        self._arguments = (
            self._single.configuration,
            ctypes.c_void_p(ctypes.addressof(self._at)),
            ctypes.byref(self._length),
            ctypes.c_void_p(ctypes.addressof(self._out)),
        )
        self._predict = library().LGBM_BoosterPredictForMatSingleRowFast

    def score(self, values: Values) -> float:
        """The row's score, as `Scorer.scores` gives it.

        Raises:
            ArtifactBroken: LightGBM refused.
        """
        row = [*values.numbers, *values.codes]
        for place, filled in self._fill:
            if row[place] != row[place]:
                row[place] = filled
        for compute in self._derived:
            row.append(compute(row))
        for place, limit in self._limits:
            if row[place] >= limit:
                row[place] = NAN
        self._pack(self._row, 0, *self._pick(row))
        if self._predict(*self._arguments):
            message = library().LGBM_GetLastError().decode(errors="replace")
            raise ArtifactBroken(f"LightGBM refused the row: {message}.")
        score = self._out[0]
        if self._slope is None:
            return score
        # numpy's exp, whose last bit is not always that of the mathematical library's.
        return float(1.0 / (1.0 + np.exp(-(self._slope * score + self._intercept))))


def _finite(compute: Compute) -> Compute:
    def finite(row: Sequence[float]) -> float:
        value = compute(row)
        return value if value - value == 0.0 else NAN

    return finite


def _divide(first: float, second: float) -> float:
    try:
        return first / second
    except ZeroDivisionError:
        if first == 0.0 or first != first:
            return NAN
        return math.copysign(math.inf, first) * math.copysign(1.0, second)


_OPERATIONS: dict[str, Callable[..., float]] = {
    "add": lambda first, second: first + second,
    "subtract": lambda first, second: first - second,
    "multiply": lambda first, second: first * second,
    "divide": _divide,
    "negate": lambda value: -value,
    "abs": abs,
}
"""What IEEE 754 defines to the last bit: Python and numpy cannot differ."""


def _compile(node: Node, places: Mapping[str, int]) -> Compute:
    match node:
        case Constant(value=value):
            constant = float(value)
            return lambda row: constant
        case Column(name=name):
            return itemgetter(places[name])
        case Call(operation=operation, operands=operands) if operation in _OPERATIONS:
            return applied(_OPERATIONS[operation], [_compile(o, places) for o in operands])
    raise NotArithmetic
