"""One challenger against its holdout, and against the champion on the same rows."""

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.errors import DropforgeError
from dropforge.evaluation import Comparison, Importance, ModelFigures
from dropforge.project import ProjectSpec
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.judging.bootstrap import (
    Figures,
    Resampler,
    differences,
    lower_bound,
    resample,
)
from sagemaker_jobs.judging.metrics import METRICS
from sagemaker_jobs.reader.conversion import as_text
from sagemaker_jobs.snapshot.keys import read_keys
from sagemaker_jobs.snapshot.rows import KEY, LABEL

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]
LATENCY_ROWS = 200


@dataclass(frozen=True)
class Scored:
    """One model's scores and decisions on the judged rows."""

    version: str
    scorer: Scorer
    scores: Floats
    decisions: NDArray[np.int8]


@dataclass(frozen=True)
class Judged:
    """Everything measured on one set of rows."""

    table: pa.Table
    labels: Floats
    seen_rows: int
    challenger: Scored
    champion: Scored | None
    champion_problem: str | None
    figures: list[ModelFigures]
    comparison: Comparison | None


def judge(
    spec: ProjectSpec,
    holdout: pa.Table,
    challenger: Scorer,
    run: str,
    champion: Path | None,
    champion_version: str | None,
) -> Judged:
    """Measure both models on the holdout's rows that the champion has not seen."""
    clean, seen = _unseen(holdout, champion)
    table = clean if _both_outcomes(clean) else holdout
    labels = table.column(LABEL).to_numpy().astype(np.float64)
    new = _score(challenger, run, table)
    old, problem = _champion(champion, champion_version, table)
    if old is not None and table is not clean:
        old, problem = None, "it has seen all of one outcome's rows in the holdout"
    models = [new] if old is None else [new, old]
    resampled = resample([m.scores for m in models], labels, _resampler(spec, table))
    confidence = spec.promotion.champion.confidence
    figures = [
        _figures(model, found, labels, confidence)
        for model, found in zip(models, resampled, strict=True)
    ]
    comparison = None
    if old is not None:
        comparison = _comparison(spec, new, old, resampled, len(labels))
    return Judged(table, labels, seen, new, old, problem, figures, comparison)


def importances(scorer: Scorer) -> list[Importance]:
    """Every feature's share of the total gain, the greatest first."""
    gain = scorer.booster.gain()
    total = float(gain.sum()) or 1.0
    shares = zip(scorer.features.features, gain / total, strict=True)
    ranked = sorted(shares, key=lambda item: -item[1])
    return [Importance(feature=name, share=float(share)) for name, share in ranked]


def row_latency_ms(scorer: Scorer, table: pa.Table) -> float:
    """The median time of scoring a single row, features included, in this process."""
    frame_rows = [
        frame_from_arrow(table.slice(index % table.num_rows, 1), scorer.features.inputs)
        for index in range(LATENCY_ROWS)
    ]
    times = []
    for frame in frame_rows:
        started = time.perf_counter()
        scorer.scores(frame)
        times.append(time.perf_counter() - started)
    return float(np.median(times) * 1000)


def _unseen(holdout: pa.Table, champion: Path | None) -> tuple[pa.Table, int]:
    if champion is None:
        return holdout, 0
    keys = holdout.column(KEY).to_numpy()
    seen = np.isin(keys, read_keys(champion))
    return holdout.filter(pa.array(~seen)), int(seen.sum())


def _both_outcomes(table: pa.Table) -> bool:
    return len(pc.unique(table.column(LABEL))) == 2


def _score(scorer: Scorer, version: str, table: pa.Table) -> Scored:
    scores = scorer.scores(frame_from_arrow(table, scorer.features.inputs))
    return Scored(version, scorer, scores, scorer.decisions(scores))


def _champion(
    folder: Path | None, version: str | None, table: pa.Table
) -> tuple[Scored | None, str | None]:
    """The champion on the same rows; a champion that cannot score is said, not raised."""
    if folder is None or version is None:
        return None, None
    try:
        return _score(Scorer.load(folder), version, table), None
    except DropforgeError as error:
        logger.warning("the champion cannot be scored: %s", error.message)
        return None, error.message


def _resampler(spec: ProjectSpec, table: pa.Table) -> Resampler:
    groups = None
    if spec.group and spec.group in table.schema.names:
        text = pc.fill_null(as_text(table.column(spec.group)), "").combine_chunks()
        groups = pc.dictionary_encode(text).indices.to_numpy().astype(np.int64)
    return Resampler.of(table.num_rows, spec.tune.seed, groups)


def _figures(model: Scored, found: Figures, labels: Floats, confidence: float) -> ModelFigures:
    flagged, hits = int(model.decisions.sum()), float(labels[model.decisions == 1].sum())
    return ModelFigures(
        version=model.version,
        metrics={name: found.interval(name, confidence) for name in METRICS},
        flagged=float(model.decisions.mean()),
        recall=hits / labels.sum() if labels.sum() else math.nan,
        precision=hits / flagged if flagged else None,
        threshold=model.scorer.threshold,
    )


def _comparison(
    spec: ProjectSpec, new: Scored, old: Scored, resampled: list[Figures], rows: int
) -> Comparison:
    confidence = spec.promotion.champion.confidence
    challenger, champion = resampled
    return Comparison(
        metric=spec.metric,
        confidence=confidence,
        lower=lower_bound(challenger, champion, spec.metric, confidence),
        differences=differences(challenger, champion, confidence),
        flagged_difference=float(new.decisions.mean() - old.decisions.mean()),
        decisions_changed=int((new.decisions != old.decisions).sum()),
        rows=rows,
        resamples=len(challenger.resampled[spec.metric]),
    )
