"""Favourable rates by the groups of protected columns.

Demographic parity ratio: the least favourable rate over the greatest, among groups of at least 200
rows and 30 positives; smaller groups are listed, not assessed.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.evaluation import FairnessFigures, FairnessMetric, GroupFigures, Interval
from sagemaker_jobs.reader.conversion import as_text

MIN_ROWS = 200
MIN_POSITIVES = 30
MAX_GROUPS = 50
MISSING = "(missing)"


def fairness(
    table: pa.Table,
    columns: Sequence[str],
    favourable: NDArray[np.bool_],
    labels: NDArray[np.float64],
    features: Sequence[str] = (),
) -> list[FairnessFigures]:
    """Figures of every protected column that the rows have.

    `favourable` is the decision a person hopes for, per row.
    """
    return [
        _column(name, table.column(name), favourable, labels, name in features)
        for name in columns
        if name in table.schema.names
    ]


def _column(
    name: str,
    column: pa.ChunkedArray,
    favourable: NDArray[np.bool_],
    labels: NDArray[np.float64],
    is_feature: bool,
) -> FairnessFigures:
    text = pc.fill_null(as_text(column), MISSING).combine_chunks()
    encoded = pc.dictionary_encode(text)
    codes = encoded.indices.to_numpy()
    names = encoded.dictionary.to_pylist()
    groups = [
        _group(label, codes == code, favourable, labels)
        for code, label in sorted(enumerate(names), key=lambda item: item[1])
    ][:MAX_GROUPS]
    rates = [g.favourable_rate for g in groups if g.assessed and g.favourable_rate is not None]
    ratios: dict[FairnessMetric, Interval] = {}
    if len(rates) > 1 and max(rates) > 0:
        ratio = min(rates) / max(rates)
        ratios["demographic_parity"] = Interval(value=ratio, low=ratio, high=ratio)
    return FairnessFigures(column=name, ratios=ratios, groups=groups, is_feature=is_feature)


def _group(
    name: str,
    member: NDArray[np.bool_],
    favourable: NDArray[np.bool_],
    labels: NDArray[np.float64],
) -> GroupFigures:
    rows, positives = int(member.sum()), int(labels[member].sum())
    notes = []
    if rows < MIN_ROWS:
        notes.append(f"fewer than {MIN_ROWS} rows")
    if positives < MIN_POSITIVES:
        notes.append(f"fewer than {MIN_POSITIVES} positives")
    return GroupFigures(
        group=name,
        rows=rows,
        positives=positives,
        favourable_rate=float(favourable[member].mean()) if rows else None,
        assessed=not notes,
        note="; ".join(notes) or None,
    )
