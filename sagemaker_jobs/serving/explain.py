"""Why a score is what it is: the features that moved it most."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sagemaker_jobs.boosting.native import Floats
from sagemaker_jobs.boosting.scorer import Scorer, Sigmoid
from sagemaker_jobs.features.frame import Frame

TOP = 5
"""So many features explain a row."""

MAX_ROWS = 1_000
"""Tree SHAP costs a hundred times what a score does: explanations are for few rows."""


class Explainer:
    """Explains by SHAP values (Lundberg, Erion and Lee 2018, https://arxiv.org/abs/1802.03888).

    Of a binary model a contribution is `log_odds`, those of the calibrated score, and
    `probability_change`: the score minus what it were without this contribution. Of a multiclass
    model it is the raw score of the decided class; of a regression `value`, in the target's unit.
    With the base and the contributions not shown they add up to the (raw) score.
    """

    def __init__(self, scorer: Scorer, calibration: Sigmoid | None) -> None:
        self._scorer, self._calibration = scorer, calibration
        self._names = scorer.features.features

    def explain(self, frame: Frame, scores: Floats) -> list[dict[str, Any]]:
        """An explanation a row, of frames and what `Scorer.scores` gives for them."""
        found = self._scorer.contributions(frame)
        if self._scorer.classes:
            return [
                self._of_class(values, int(place))
                for values, place in zip(found, np.argmax(scores, axis=1), strict=True)
            ]
        if self._scorer.task == "regression":
            return [self._document(v[:-1], v[-1], None) for v in found]
        if (sigmoid := self._calibration) is not None:
            found = found * sigmoid.slope
            found[:, -1] += sigmoid.intercept
        return [self._of_log_odds(values) for values in found]

    def _of_log_odds(self, values: Floats) -> dict[str, Any]:
        total = values.sum()
        change = _probability(total) - _probability(total - values[:-1])
        return self._document(values[:-1], values[-1], change)

    def _of_class(self, values: Floats, place: int) -> dict[str, Any]:
        """Softmax over the classes' raw scores, with and without each contribution to one."""
        totals = values.sum(axis=1)
        others = np.delete(totals, place)
        beside = np.logaddexp.reduce(others)
        mine = values[place]
        without = totals[place] - mine[:-1] - beside
        change = _probability(totals[place] - beside) - _probability(without)
        return self._document(mine[:-1], mine[-1], change)

    def _document(self, values: Floats, base: float, change: Floats | None) -> dict[str, Any]:
        unit = "value" if change is None else "log_odds"
        order: Sequence[int] = np.argsort(-np.abs(values), kind="stable")[:TOP].tolist()
        contributions = [
            {"feature": self._names[place], unit: float(values[place])}
            | ({} if change is None else {"probability_change": float(change[place])})
            for place in order
            if values[place]
        ]
        return {"base": float(base), "contributions": contributions}


def _probability(log_odds: Any) -> Any:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-log_odds))
