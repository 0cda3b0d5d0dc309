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
    Leak,
    ModelFigures,
    SliceFigures,
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


def comparison(lower: float, **changes: Any) -> Comparison:
    """The difference to another model; `lower` is the bound that decides."""
    values: dict[str, Any] = {
        "metric": "auc",
        "confidence": 0.9,
        "lower": lower,
        "differences": {
            "auc": around(lower + 0.004, 0.004),
            "brier": Interval(value=-0.0005, low=-0.001, high=0.0),
        },
        "flagged_difference": 0.01,
        "decisions_changed": 21,
        "rows": 600,
        "resamples": 2000,
    }
    return Comparison.model_validate({**values, **changes})


def compared(lower: float, auc: float = 0.80, **changes: Any) -> Evaluation:
    """A challenger beside a champion; `lower` is the bound that decides."""
    beside = {"champion": model(0.79, "6"), "comparison": comparison(lower)}
    return evaluation(auc, **{**beside, **changes})


def around(value: float, half: float = 0.02) -> Interval:
    """A figure with a symmetric interval."""
    return Interval(value=value, low=value - half, high=value + half)


def fairness(ratio: float | None, **changes: Any) -> FairnessFigures:
    """One protected column's figures: a large group, and another unless there is no ratio."""
    ratios: dict[FairnessMetric, Interval] = {}
    groups = [GroupFigures(group="0", rows=300, positives=80, favourable_rate=0.7, assessed=True)]
    if ratio is not None:
        ratios["demographic_parity"] = around(ratio)
        groups = [*groups, groups[0].model_copy(update={"group": "1"})]
    values: dict[str, Any] = {"column": "female", "ratios": ratios, "groups": groups}
    return FairnessFigures.model_validate({**values, **changes})


def part(difference: Interval | None, value: str = "monthly", **changes: Any) -> SliceFigures:
    """One slice of the column contract, compared with the champion."""
    values: dict[str, Any] = {
        "column": "contract",
        "value": value,
        "rows": 220,
        "positives": 60,
        "challenger": around(0.75),
        "champion": 0.76,
        "difference": difference,
    }
    return SliceFigures.model_validate({**values, **changes})


def leak(severe: bool = True, column: str = "recovered") -> Leak:
    """A column that is known only after the outcome."""
    return Leak(
        column=column,
        kind="predicts_alone",
        severe=severe,
        observed=0.998,
        message=f"{column} alone predicts the outcome with an AUC of 0.998.",
    )
