"""What experiment tracking keeps of a training: parameters, trials, metrics, tags.

Made from the documents that every run leaves in the lake anyway, so that a run can be tracked at
once, or later, or again: `dropforge.aws.mlflow` sends it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dropforge.drops import Document
from dropforge.evaluation import Evaluation, ModelFigures
from dropforge.verdict import Verdict

RUN_TAG = "dropforge.run"
"""The tag by which a run is found again: sending it twice makes one."""


class TrackingOutcome(Document):
    """What became of sending one run. `place` is where a person finds it."""

    state: Literal["tracked", "failed"]
    server: str
    place: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class TrackedTrial:
    """One parameter set and what it reached on validation."""

    name: str
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrackedRun:
    """A training as a tracking server sees it; times in milliseconds since 1970."""

    experiment: str
    name: str
    started_ms: int
    ended_ms: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    trials: list[TrackedTrial]


def tracked_run(
    evaluation: Evaluation,
    verdict: Verdict,
    lineage: Mapping[str, Any],
    *,
    stage: str,
    ended: dt.datetime,
) -> TrackedRun:
    """A run's documents as one tracked run with a child run a trial."""
    ended_ms = int(ended.timestamp() * 1000)
    return TrackedRun(
        experiment=f"{evaluation.project}-{stage}",
        name=evaluation.run,
        started_ms=ended_ms - int(evaluation.seconds * 1000),
        ended_ms=ended_ms,
        params=_params(lineage),
        metrics=_metrics(evaluation, lineage),
        tags=_tags(evaluation, verdict, lineage, stage),
        trials=_trials(evaluation, lineage),
    )


def _params(lineage: Mapping[str, Any]) -> dict[str, str]:
    chosen = {name: str(value) for name, value in lineage.get("parameters", {}).items()}
    return chosen | {"rounds": str(lineage["rounds"]), "seed": str(lineage["seed"])}


def _metrics(evaluation: Evaluation, lineage: Mapping[str, Any]) -> dict[str, float]:
    found = _model_metrics("holdout", evaluation.challenger)
    if evaluation.champion:
        found |= _model_metrics("champion", evaluation.champion)
    if evaluation.comparison:
        found["difference.lower_bound"] = evaluation.comparison.lower
        for name, interval in evaluation.comparison.differences.items():
            found[f"difference.{name}"] = interval.value
    found[f"validation.{evaluation.metric}"] = float(lineage["validation"]["value"])
    found["holdout.rows"] = float(evaluation.holdout.rows)
    found["artifact_bytes"] = float(evaluation.artifact_bytes)
    found["row_latency_ms"] = evaluation.row_latency_ms
    return {name: value for name, value in found.items() if value == value}  # NaN is no figure


def _model_metrics(prefix: str, figures: ModelFigures) -> dict[str, float]:
    found: dict[str, float | None] = {
        f"{prefix}.{name}": interval.value for name, interval in figures.metrics.items()
    }
    found[f"{prefix}.flagged"] = figures.flagged
    found[f"{prefix}.threshold"] = figures.threshold
    return {name: value for name, value in found.items() if value is not None}


def _tags(
    evaluation: Evaluation, verdict: Verdict, lineage: Mapping[str, Any], stage: str
) -> dict[str, str]:
    found: dict[str, Any] = {
        RUN_TAG: evaluation.run,
        "dropforge.project": evaluation.project,
        "dropforge.project_version": evaluation.project_version,
        "dropforge.stage": stage,
        "dropforge.verdict": verdict.verdict,
        "dropforge.headline": verdict.headline,
        "dropforge.period": evaluation.holdout.period,
        "dropforge.data_version": lineage["lake_version"],
        "dropforge.model_sha256": lineage["model_sha256"],
        "dropforge.commit": lineage.get("commit"),
        "dropforge.champion": evaluation.champion.version if evaluation.champion else None,
        "dropforge.report": evaluation.report_uri,
        "dropforge.artifact": evaluation.artifact_uri,
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _trials(evaluation: Evaluation, lineage: Mapping[str, Any]) -> list[TrackedTrial]:
    known = {"number", "value", "rounds"}
    return [
        TrackedTrial(
            name=f"trial {trial['number']}",
            params={name: str(value) for name, value in trial.items() if name not in known},
            metrics={
                f"validation.{evaluation.metric}": float(trial["value"]),
                "rounds": float(trial["rounds"]),
            },
            tags={"dropforge.trial": str(trial["number"])},
        )
        for trial in lineage.get("trials", [])
        if trial["value"] == trial["value"]
    ]
