"""How often the promotion rule is wrong: `python -m benchmarks.promotion`.

Twelve months are simulated many times. Each month brings new rows, a champion and a challenger of
known quality, and is judged by the product's own bootstrap, bound and verdict: no model is trained,
scores are drawn. A promoted challenger becomes the champion, which changes nothing where all models
are equal.

Scores are those of two models learnt from nearly the same rows: with two normal distributions a
score's AUC is Phi(d / sqrt(2)) for outcomes d apart (Hanley and McNeil 1982), and the two models'
scores correlate by 0.9 within an outcome.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from dropforge.evaluation import Comparison, Evaluation, Holdout, ModelFigures
from dropforge.project import ProjectSpec
from dropforge.verdict import decide
from sagemaker_jobs.judging.bootstrap import (
    Predictions,
    Resampler,
    differences,
    lower_bound,
    resample,
)

MONTHS = 12
POSITIVES = 0.08
CORRELATION = 0.9
RESAMPLES = 500
"""The fewest that the product takes."""

SPEC = ProjectSpec.model_validate(
    {
        "name": "simulated",
        "target": "default",
        "id": "loan",
        "features": {"groups": {"all": ["x"]}, "keep": ["all"]},
    }
)


@dataclass(frozen=True)
class Case:
    """Months of `rows` rows judged by a champion and a challenger of these AUCs."""

    name: str
    rows: int
    champion: float
    challenger: float
    months: int
    least: float = 0.0
    most: float = 1.0

    def met(self, promoted: float) -> bool:
        """Whether a share of promotions is what the product states."""
        return self.least <= promoted <= self.most


def cases(repeats: int) -> list[Case]:
    """What is stated: at 90 % confidence."""
    return [
        Case("equal", 2_000, 0.75, 0.75, MONTHS * repeats, most=0.12),
        Case("worse by 0.01", 2_000, 0.75, 0.74, MONTHS * repeats, most=0.12),
        Case("better by 0.02", 10_000, 0.74, 0.76, repeats, least=0.95),
    ]


def simulated(case: Case, month: int) -> Evaluation:
    """One month's figures."""
    generator = np.random.default_rng([month, case.rows])
    labels = (generator.uniform(size=case.rows) < POSITIVES).astype(np.float64)
    common = generator.normal(size=case.rows)
    models = []
    for area in (case.challenger, case.champion):
        own = generator.normal(size=case.rows)
        noise = np.sqrt(CORRELATION) * common + np.sqrt(1 - CORRELATION) * own
        apart = NormalDist().inv_cdf(area) * np.sqrt(2.0)
        score = 1.0 / (1.0 + np.exp(-(noise + apart * labels - 2.5)))
        models.append(Predictions(score, threshold=0.2))
    resampler = Resampler(case.rows, month, resamples=RESAMPLES)
    new, old = resample("binary", models, labels, resampler)
    confidence = SPEC.promotion.champion.confidence
    return Evaluation(
        project=SPEC.name,
        project_version=SPEC.version,
        run=f"month-{month}",
        metric="auc",
        holdout=Holdout(period="simulated", rows=case.rows, positives=int(labels.sum())),
        challenger=ModelFigures(version="new", metrics=new.intervals(confidence)),
        champion=ModelFigures(version="old", metrics=old.intervals(confidence)),
        comparison=Comparison(
            metric="auc",
            confidence=confidence,
            lower=lower_bound(new, old, "auc", confidence),
            differences=differences(new, old, confidence),
            rows=case.rows,
            resamples=RESAMPLES,
        ),
        artifact_uri="s3://none",
        artifact_bytes=0,
        row_latency_ms=0.0,
        golden_rows=0,
        report_uri="s3://none",
    )


def promoted(case: Case, month: int) -> bool:
    """Whether the month's challenger is promoted."""
    return decide(SPEC, simulated(case, month)).verdict == "PROMOTE"


def share_promoted(case: Case, pool: ProcessPoolExecutor) -> float:
    """The share of months that promote."""
    months = range(case.months)
    found = pool.map(promoted, [case] * case.months, months, chunksize=max(1, case.months // 64))
    return sum(found) / case.months


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a case; answers 1 if one is not met."""
    parser = argparse.ArgumentParser(prog="benchmarks.promotion", description=__doc__)
    parser.add_argument("--repeats", type=int, default=200, help="how often twelve months are run")
    parser.add_argument("--quick", action="store_true", help="five times: shows that it runs")
    given = parser.parse_args(arguments)
    print(f"{'challenger':16}{'rows':>8}{'runs':>8}{'promoted':>11}{'stated':>10}")
    all_met = True
    started = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for case in cases(5 if given.quick else given.repeats):
            share = share_promoted(case, pool)
            stated = f">= {case.least:.0%}" if case.least else f"<= {case.most:.0%}"
            met = "met" if case.met(share) else "not met"
            all_met = all_met and case.met(share)
            print(
                f"{case.name:16}{case.rows:>8,}{case.months:>8,}{share:>11.1%}{stated:>10}  {met}",
                flush=True,
            )
    print(f"took {time.perf_counter() - started:.0f} s")
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
