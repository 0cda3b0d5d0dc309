"""What the model goes by: each feature's share of gain, its permutation importance, its SHAP share.

Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019): by how much the project's
metric worsens when a feature's values are shuffled over the rows. SHAP values are LightGBM's own
tree SHAP, in log-odds or in the target's unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dropforge.evaluation import Importance
from dropforge.metrics import HIGHER_IS_BETTER
from dropforge.project import ProjectSpec
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.judging.metrics import metric
from sagemaker_jobs.reader.conversion import int64_array

Floats = NDArray[np.float64]

SHAP_ROWS = 2_000
PERMUTED_ROWS, PERMUTED_FEATURES = 20_000, 60
PERMUTED_CELLS = 200_000_000
"""Trees x rows x features at most: the rows are fewer where the model is large."""

MIN_PERMUTED_ROWS = 1_000


@dataclass(frozen=True)
class Explained:
    """SHAP values of a sample of rows, and the rows' matrix.

    `values` are (rows, features), of a multiclass model (rows, classes, features); `decided` is the
    class decided per row there.
    """

    values: Floats
    matrix: Floats
    decided: NDArray[np.int16] | None = None

    @property
    def of_decision(self) -> Floats:
        """Rows x features: of the decided class where there are several."""
        if self.decided is None:
            return self.values
        return self.values[np.arange(len(self.values)), self.decided]

    def shares(self) -> Floats:
        """Each feature's share of the mean absolute value; over the classes' mean."""
        means = np.abs(self.values).mean(axis=0)
        means = means.mean(axis=0) if means.ndim == 2 else means
        shares: Floats = means / (means.sum() or 1.0)
        return shares


def explain(scorer: Scorer, table: pa.Table, seed: int) -> Explained:
    """SHAP values of at most SHAP_ROWS rows."""
    rows = table.take(int64_array(_some(table.num_rows, SHAP_ROWS, seed)))
    frame = frame_from_arrow(rows, scorer.features)
    values = scorer.contributions(frame)[..., :-1]
    decided = None
    if scorer.classes:
        decided = scorer.scores(frame).argmax(axis=1).astype(np.int16)
    return Explained(values, scorer.features.matrix(frame), decided)


def importances(
    spec: ProjectSpec, scorer: Scorer, table: pa.Table, labels: Floats, explained: Explained
) -> list[Importance]:
    """Every feature with its shares, the greatest share of gain first."""
    names, gain, shap = scorer.features.features, scorer.booster.gain(), explained.shares()
    share = gain / (float(gain.sum()) or 1.0)
    order = np.argsort(-share, kind="stable").tolist()
    worsening = permutation(spec, scorer, table, labels, order[:PERMUTED_FEATURES])
    return [
        Importance(
            feature=names[place],
            share=float(share[place]),
            permutation=worsening.get(place),
            shap=float(shap[place]),
        )
        for place in order
    ]


def permutation(
    spec: ProjectSpec, scorer: Scorer, table: pa.Table, labels: Floats, places: Sequence[int]
) -> dict[int, float]:
    """How much the metric worsens per feature shuffled, by its place in the matrix.

    Features are shuffled as the model sees them, each once, over the same seeded sample of rows. A
    feature that no tree reads changes nothing and is not tried; undefined metrics are left out.
    """
    gain = scorer.booster.gain()
    afford = PERMUTED_CELLS // max(len(places) * scorer.booster.rounds, 1)
    count = min(PERMUTED_ROWS, max(afford, MIN_PERMUTED_ROWS))
    rows = _some(table.num_rows, count, spec.tune.seed)
    frame = frame_from_arrow(table.take(int64_array(rows)), scorer.features)
    matrix, known = scorer.features.matrix(frame), labels[rows]
    sign = 1.0 if HIGHER_IS_BETTER[spec.metric] else -1.0
    generator = np.random.default_rng(spec.tune.seed)

    def value() -> float:
        threshold = scorer.threshold
        return metric(spec.metric, scorer.matrix_scores(matrix), known, threshold=threshold)

    whole = value()
    found: dict[int, float] = {}
    for place in places:
        kept = matrix[:, place].copy()
        matrix[:, place] = generator.permutation(kept)
        found[place] = sign * (whole - value()) if gain[place] > 0 else 0.0
        matrix[:, place] = kept
    return {place: worse for place, worse in found.items() if np.isfinite(worse)}


def _some(rows: int, at_most: int, seed: int) -> NDArray[np.int64]:
    """Rows without replacement, in their order."""
    if rows <= at_most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, at_most, replace=False))
