"""Documents of one run, as the jobs write them, with sensible contents."""

import datetime as dt
import json
from typing import Any

from dropforge import layout
from dropforge.aws.documents import write_bytes, write_document
from dropforge.drops import (
    DropOutcome,
    DropRecord,
    PrepareResult,
    ScoredDrop,
    ScoreResult,
    SnapshotSummary,
)
from dropforge.evaluation import Comparison, Evaluation, Holdout, Interval, ModelFigures
from dropforge.ledger import Champion, RegisteredModel
from dropforge.project import ProjectSpec
from dropforge.verdict import Rule, Verdict

LAKE = "dropforge-dev-lakebucket-6f5e4d3c2b1a"
DROPS = "dropforge-dev-dropbucket-1a2b3c4d5e6f"
RUN = "credit-202010-2c0f3a1b-1"
NOW = dt.datetime(2026, 11, 2, 8, 14, 5, tzinfo=dt.UTC)
ARTIFACT = f"s3://{LAKE}/models/credit/{RUN}/{RUN}-train/output/model/"
GROUP_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/credit-dev"


def make_spec(**changes: Any) -> ProjectSpec:
    """The credit project."""
    return ProjectSpec.model_validate(
        {
            "name": "credit",
            "target": "default",
            "id": "loan",
            "promotion": {"min": {"auc": 0.7}},
            "endpoint": "realtime",
            "features": {"keep": ["age", "amount"]},
            **changes,
        }
    )


def make_drop(drop: str = "2c0f3a1bd5e64f7088990a1b2c3d4e5f", **changes: Any) -> DropRecord:
    """A claimed drop in the ledger."""
    return DropRecord.model_validate(
        {
            "id": drop,
            "project": "credit",
            "bucket": DROPS,
            "key": "credit/20201001.csv",
            "version": "v1",
            "state": "claimed",
            "size": 10,
            "created_at": NOW,
            "updated_at": NOW,
            **changes,
        }
    )


def make_outcome(drop: str = "2c0f3a1bd5e64f7088990a1b2c3d4e5f", **changes: Any) -> DropOutcome:
    """A labelled file that was accepted."""
    return DropOutcome.model_validate(
        {
            "drop": drop,
            "key": "credit/20201001.csv",
            "name": "20201001.csv",
            "period": "202010",
            "state": "accepted",
            "kind": "labelled",
            "rows": 1000,
            "positives": 80,
            **changes,
        }
    )


def make_snapshot(lake_version: int = 4) -> SnapshotSummary:
    """The snapshot of a training."""
    return SnapshotSummary(
        lake_version=lake_version,
        train_rows=8000,
        validation_rows=2000,
        holdout_rows=1000,
        holdout_positives=80,
        train_periods=["initial"],
        holdout_period="202010",
        uri=f"s3://{LAKE}/runs/credit/{RUN}/snapshot-1",
    )


def write_prepared(
    drops: list[DropOutcome],
    *,
    round_: int = 1,
    run: str = RUN,
    snapshot: SnapshotSummary | None = None,
    scoring_uri: str | None = None,
) -> None:
    """What one round of Prepare found."""
    result = PrepareResult(
        project="credit",
        project_version="0123456789abcdef",
        run=run,
        round=round_,
        drops=drops,
        training_due=snapshot is not None,
        snapshot=snapshot,
        scoring_uri=scoring_uri,
    )
    write_document(layout.prepare_result(LAKE, "credit", run, round_), result)


def make_figures(version: str, auc: float) -> ModelFigures:
    """A model on the holdout."""
    return ModelFigures(
        version=version,
        metrics={
            "auc": Interval(value=auc, low=auc - 0.01, high=auc + 0.01),
            "brier": Interval(value=0.068, low=0.067, high=0.069),
        },
        flagged=0.121,
        recall=0.6,
        precision=0.2,
        threshold=0.1234567,
    )


def make_evaluation(*, champion: str | None = None, auc: float = 0.763) -> Evaluation:
    """A challenger on the holdout, beside the champion if there is one."""
    comparison = Comparison(
        metric="auc",
        confidence=0.9,
        lower=0.002,
        differences={
            "auc": Interval(value=0.006, low=0.002, high=0.01),
            "brier": Interval(value=-0.0005, low=-0.001, high=0.0),
        },
        flagged_difference=0.005,
        decisions_changed=214,
        rows=1000,
        resamples=1000,
    )
    return Evaluation(
        project="credit",
        project_version="0123456789abcdef",
        run=RUN,
        metric="auc",
        holdout=Holdout(period="202010", rows=1000, positives=180),
        challenger=make_figures("challenger", auc),
        champion=make_figures(champion, 0.757) if champion else None,
        comparison=comparison if champion else None,
        artifact_uri=ARTIFACT,
        artifact_bytes=123456,
        row_latency_ms=0.2,
        golden_rows=5,
        report_uri=f"s3://{LAKE}/runs/credit/{RUN}/report.html",
    )


def make_verdict(verdict: str = "PROMOTE") -> Verdict:
    """A verdict with a rule."""
    rule = Rule(name="auc", required="at least 0.7", observed="0.7630", outcome="passed")
    return Verdict.model_validate(
        {
            "project": "credit",
            "run": RUN,
            "verdict": verdict,
            "headline": "the first model, and every rule is met",
            "rules": [rule],
        }
    )


def write_judged(evaluation: Evaluation, verdict: Verdict) -> dict[str, str]:
    """Evaluation and verdict in the lake; their URIs as the state machine passes them."""
    return {
        "evaluation_uri": write_document(layout.evaluation(LAKE, "credit", RUN), evaluation),
        "verdict_uri": write_document(layout.verdict(LAKE, "credit", RUN), verdict),
    }


def write_artifact(names: tuple[str, ...] | None = None) -> None:
    """An artifact's files."""
    every = ("model.txt", "features.json", "contract.json", "golden.jsonl", "baseline.json")
    for name in every if names is None else names:
        write_bytes(f"{ARTIFACT}{name}", f"content of {name}".encode(), "text/plain")
    if names is None:
        lineage = {"snapshot": {"train.parquet": "0a", "holdout.parquet": "1b"}}
        write_bytes(f"{ARTIFACT}lineage.json", json.dumps(lineage).encode(), "application/json")


def write_score(drop: str) -> None:
    """What Score did for one drop."""
    scored = ScoredDrop(
        drop=drop,
        key="credit/20210101.csv",
        name="20210101.csv",
        period="202101",
        rows=1000,
        flagged=120,
        mean_score=0.1,
        predictions_uri=f"s3://{LAKE}/predictions/credit/202101/20210101-{drop[:8]}.csv",
    )
    result = ScoreResult(project="credit", run=RUN, model_version="1", drops=[scored])
    write_document(layout.score_result(LAKE, "credit", RUN), result)


def make_champion(version: str = "1", **changes: Any) -> Champion:
    """A model in production."""
    return Champion.model_validate(
        {
            "version": version,
            "model_package_arn": f"{GROUP_ARN}/{version}",
            "artifact_uri": ARTIFACT,
            "run": RUN,
            "promoted_at": NOW,
            **changes,
        }
    )


def make_model(version: str = "2", **changes: Any) -> RegisteredModel:
    """A registered model that awaits a decision."""
    return RegisteredModel.model_validate(
        {
            "version": version,
            "model_package_arn": f"{GROUP_ARN}/{version}",
            "artifact_uri": ARTIFACT,
            "run": RUN,
            "project_version": "0123456789abcdef",
            "verdict": "PROMOTE",
            "status": "PendingManualApproval",
            "awaiting": True,
            "registered_at": NOW,
            **changes,
        }
    )
