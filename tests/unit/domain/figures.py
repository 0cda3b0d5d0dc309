"""An evaluation as Evaluate writes it, for the tests of what reads it."""

from typing import Any

from dropforge.evaluation import (
    Comparison,
    Evaluation,
    FairnessFigures,
    FairnessMetric,
    GroupFigures,
    Holdout,
    Interval,
    ModelFigures,
)
from dropforge.project import FeaturesSpec, ProjectSpec


def project(**changes: Any) -> ProjectSpec:
    """A small binary project."""
    values: dict[str, Any] = {
        "name": "churn",
        "target": "churn",
        "id": "customer_id",
        "favourable": 0,
        "features": FeaturesSpec(keep=["tenure", "contract"]),
        "promotion": {"min": {"auc": 0.70}},
    }
    return ProjectSpec.model_validate({**values, **changes})


def model(auc: float, version: str) -> ModelFigures:
    """One model's figures on the holdout."""
    return ModelFigures(
        version=version,
        metrics={
            "auc": Interval(value=auc, low=auc - 0.02, high=auc + 0.02),
            "brier": Interval(value=0.14, low=0.13, high=0.15),
        },
        flagged=0.2,
        recall=0.6,
        precision=0.5,
        threshold=0.4,
    )


def evaluation(auc: float = 0.80, **changes: Any) -> Evaluation:
    """The first model of a project: no champion yet."""
    values: dict[str, Any] = {
        "project": "churn",
        "project_version": "0123456789abcdef",
        "run": "churn-202010-01234567-1",
        "metric": "auc",
        "holdout": Holdout(period="202010", rows=600, positives=150),
        "challenger": model(auc, "challenger"),
        "artifact_uri": "s3://lake/models/churn/run/job/output/model/",
        "artifact_bytes": 100_000,
        "row_latency_ms": 0.1,
        "golden_rows": 20,
        "report_uri": "s3://lake/runs/churn/run/report.html",
    }
    return Evaluation.model_validate({**values, **changes})


def compared(lower: float, auc: float = 0.80, **changes: Any) -> Evaluation:
    """A challenger beside a champion; `lower` is the bound that decides."""
    comparison = Comparison(
        metric="auc",
        confidence=0.9,
        lower=lower,
        differences={
            "auc": Interval(value=lower + 0.004, low=lower, high=lower + 0.008),
            "brier": Interval(value=-0.0005, low=-0.001, high=0.0),
        },
        flagged_difference=0.01,
        decisions_changed=21,
        rows=600,
        resamples=2000,
    )
    return evaluation(auc, champion=model(0.79, "6"), comparison=comparison, **changes)


def fairness(ratio: float | None) -> FairnessFigures:
    """One protected column's figures."""
    group = GroupFigures(group="0", rows=300, positives=80, favourable_rate=0.7, assessed=True)
    ratios: dict[FairnessMetric, Interval] = {}
    if ratio is not None:
        ratios["demographic_parity"] = Interval(value=ratio, low=ratio - 0.02, high=ratio + 0.02)
    return FairnessFigures(column="female", ratios=ratios, groups=[group])
