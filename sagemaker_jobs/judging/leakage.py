"""Leakage: features that tell the outcome, and rows on both sides of the split.

A feature that alone reaches an AUC of 0.995 is severe: of its values, or of their being there at
all. A feature whose values appear with one of the outcomes only, but not with all of it, is named.
Of several classes each is told from the rest; of a regression a rank correlation (Spearman's) of
0.999 is the bound, for texts the correlation ratio (eta) of the values' means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.evaluation import Leak
from dropforge.metrics import Task
from dropforge.project import ProjectSpec
from sagemaker_jobs.features.arrow import frame_from_arrow, number_column
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.judging.levels import by_value
from sagemaker_jobs.profile.leakage import LEAK_AUC, MIN_OUTCOMES, tellings
from sagemaker_jobs.reader.conversion import int64_array
from sagemaker_jobs.snapshot.columns import LABEL

Floats = NDArray[np.float64]

LEAK_CORRELATION = 0.999
SAMPLE = 20_000
MIN_PRESENT = 50


@dataclass(frozen=True)
class Found:
    """A feature's worst sign of leakage, between 0 and 1: an AUC, or a correlation."""

    kind: str
    observed: float
    severe: bool


def leakage(
    spec: ProjectSpec,
    train: pa.Table,
    holdout: pa.Table,
    features: FittedFeatures,
    snapshot: Mapping[str, Any],
    same_rows: int,
) -> list[Leak]:
    """What looks like leakage in the rows that the model learnt from and is judged on.

    `same_rows` are the holdout's rows that the challenger has learnt from.
    """
    names = [column.name for column in features.inputs if column.name in train.schema.names]
    both = pa.concat_tables([t.select([*names, LABEL]) for t in (train, holdout)])
    found = telling_columns(spec.task, both.select(names), _labels(both))
    some = both.take(int64_array(_evenly(both.num_rows)))
    made = _made_features(some, features, names)
    found |= telling_columns(spec.task, made, _labels(some))
    leaks = [_leak(spec.task, name, sign) for name, sign in found.items()]
    return [*leaks, *_shared(spec, train, holdout, snapshot, same_rows)]


def telling_columns(task: Task, rows: pa.Table, labels: Floats) -> dict[str, Found]:
    """The columns that tell the outcome."""
    names = rows.schema.names
    if task == "regression":
        some = _evenly(len(labels))
        part = rows.take(int64_array(some))
        strengths = {n: correlation(part.column(n), n, labels[some]) for n in names}
        return {
            n: Found("predicts_alone", value, True)
            for n, value in strengths.items()
            if value >= LEAK_CORRELATION
        }
    found: dict[str, Found] = {}
    # With two classes the second says all that the first does.
    for value in np.unique(labels)[1 if task == "binary" else 0 :]:
        for name, sign in tellings(rows, (labels == value).astype(np.int8), names).items():
            kind = "predicts_alone" if sign.kind == "separates" else "appears_with_label"
            if name not in found or sign.auc > found[name].observed:
                found[name] = Found(kind, sign.auc, sign.auc >= LEAK_AUC)
    return found


def correlation(column: pa.ChunkedArray, name: str, labels: Floats) -> float:
    """How strongly a column goes with a number: |Spearman's rho|, or eta of a text's values."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        levels = by_value(column)
        return _eta(levels.codes, labels)
    values = number_column(column, name)
    known = ~np.isnan(values)
    if known.sum() < MIN_PRESENT:
        return 0.0
    return abs(_pearson(_ranks(values[known]), _ranks(labels[known])))


def _eta(codes: NDArray[np.int64], labels: Floats) -> float:
    """The correlation ratio: the share of the variance between the values' means, its root."""
    counts = np.bincount(codes)
    kept = counts[codes] >= MIN_OUTCOMES
    codes, labels = codes[kept], labels[kept]
    if len(labels) < MIN_PRESENT or not labels.var():
        return 0.0
    means = np.bincount(codes, weights=labels) / np.maximum(np.bincount(codes), 1)
    return float(np.sqrt(means[codes].var() / labels.var()))


def _ranks(values: Floats) -> Floats:
    """Ranks from 0, equal values at their mean rank."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    after = np.cumsum(counts)
    ranks: Floats = ((after - counts + after - 1) / 2.0)[codes]
    return ranks


def _pearson(x: Floats, y: Floats) -> float:
    spread = x.std() * y.std()
    return float(((x - x.mean()) * (y - y.mean())).mean() / spread) if spread > 0 else 0.0


def _made_features(rows: pa.Table, features: FittedFeatures, inputs: Sequence[str]) -> pa.Table:
    """The numeric features that are not inputs: derived, aggregated, of features.py."""
    matrix = features.matrix(frame_from_arrow(rows, features))
    skipped = {*inputs, *features.categorical}
    made = {
        name: pa.chunked_array([pa.array(np.ascontiguousarray(matrix[:, place]))])
        for place, name in enumerate(features.features)
        if name not in skipped
    }
    return pa.table(made)


def _labels(table: pa.Table) -> Floats:
    labels: Floats = table.column(LABEL).to_numpy().astype(np.float64)
    return labels


def _evenly(rows: int) -> NDArray[np.int64]:
    return np.linspace(0, rows - 1, min(rows, SAMPLE)).astype(np.int64)


def _leak(task: Task, name: str, sign: Found) -> Leak:
    measure = "rank correlation" if task == "regression" else "AUC"
    if sign.kind == "appears_with_label":
        message = (
            f"{name} has values with one of the outcomes only: they seem to be written once the "
            "outcome is known."
        )
        return Leak(column=name, kind="appears_with_label", severe=sign.severe,
                    observed=sign.observed, message=message)  # fmt: skip
    return Leak(
        column=name,
        kind="predicts_alone",
        severe=sign.severe,
        observed=sign.observed,
        message=f"{name} alone tells the outcome ({measure} {sign.observed:.4f}): it seems to be "
        "known only after it.",
    )


def _shared(
    spec: ProjectSpec,
    train: pa.Table,
    holdout: pa.Table,
    snapshot: Mapping[str, Any],
    same_rows: int,
) -> list[Leak]:
    """Rows, or ids, that are in both; where ids recur in training too, that is how the data is."""
    rows = max(holdout.num_rows, 1)
    if same_rows:
        message = (
            f"{same_rows:,} of the holdout's {rows:,} rows are rows that the model has learnt from."
        )
        return [Leak(column=spec.id, kind="shared_ids", severe=True,
                     observed=same_rows / rows, message=message)]  # fmt: skip
    shared = int(snapshot.get("shared_ids", {}).get("train_holdout", 0))
    if not shared or _recur(train, spec.id):
        return []
    message = (
        f"{shared:,} of the holdout's {rows:,} rows have an id that training rows have too, in "
        "another period. Normal if the same people come again every period."
    )
    return [Leak(column=spec.id, kind="shared_ids", severe=False,
                 observed=shared / rows, message=message)]  # fmt: skip


def _recur(train: pa.Table, identity: str) -> bool:
    if identity not in train.schema.names:
        return False
    return bool(pc.count_distinct(train.column(identity)).as_py() < train.num_rows)
