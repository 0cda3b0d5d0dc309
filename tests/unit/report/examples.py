"""Runs of every task as their documents say, with seeded rows: what the report is tested on."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dropforge.drops import ColumnDrift
from dropforge.evaluation import (
    Comparison,
    Evaluation,
    FairnessFigures,
    GroupFigures,
    Holdout,
    Importance,
    Interval,
    Leak,
    ModelFigures,
    SliceFigures,
    SwapSet,
)
from dropforge.metrics import TASK_METRICS, Metric, Task
from dropforge.project import ProjectSpec
from dropforge.verdict import Rule, Verdict
from sagemaker_jobs.report.context import Report, ReportContext, ShapSample
from sagemaker_jobs.snapshot.rows import LABEL

CLASSES = ["rent", "own", "mortgage", "other"]
AGGREGATES = {"aggregates": {"names": ["jobs_default_rate"], "as_of": "202610"}}
FEATURES = ("income", "amount", "burden", "age", "job", "region", "opened", "tenure")


@dataclass(frozen=True)
class Answers:
    """A model's answers, as the report reads them."""

    version: str
    scores: Any
    decisions: Any


@dataclass(frozen=True)
class Rows:
    """The judged rows."""

    labels: Any
    challenger: Answers
    champion: Answers | None = None
    reference: Answers | None = None


@dataclass(frozen=True)
class Names:
    """Every text that a project's owner or file chose."""

    column: str = "region"
    value: str = "north"
    target: str = "default"
    classes: list[str] = field(default_factory=lambda: list(CLASSES))


def spec_of(task: Task, **changes: Any) -> ProjectSpec:
    """A project of the task."""
    document: dict[str, Any] = {
        "name": "loans",
        "task": task,
        "target": "default",
        "id": "loan_id",
        "personal": ["person"],
        "protected": ["sex"],
        "card": {
            "purpose": "Ranks loan applications for a second look by a person.",
            "limits": "Not meant for companies.",
            "owner": "Risk team",
        },
        "features": {"groups": {"all": ["income", "amount", "age", "job", "region"]}},
    }
    if task == "binary":
        document |= {
            "favourable": 0,
            "promotion": {"min": {"auc": 0.7}, "fairness": {"sex": {"demographic_parity": 0.8}}},
        }
    if task == "multiclass":
        document["classes"] = CLASSES
    return ProjectSpec.model_validate(document | changes)


def loans(task: Task, rows: int = 4000, seed: int = 1) -> pa.Table:
    """Rows as a snapshot holds them."""
    rng = np.random.default_rng(seed)
    income = np.round(rng.lognormal(10, 0.5, rows), 2)
    age = rng.integers(18, 80, rows)
    region = rng.choice(["north", "south", "east", "west"], rows, p=[0.4, 0.3, 0.2, 0.1])
    job = rng.choice(["clerk", "nurse", "smith", "teacher", "driver"], rows)
    burden = rng.uniform(0.1, 3.0, rows)
    logit = 1.2 * burden - 0.03 * age + (job == "smith") - 1.4
    label: NDArray[Any]
    if task == "binary":
        label = (rng.uniform(size=rows) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    elif task == "regression":
        label = np.round(np.exp(0.5 * logit + rng.normal(0, 0.4, rows)) * 1000, 2)
    else:
        label = np.clip(np.round(logit + rng.normal(0, 0.7, rows) + 2), 0, 3).astype(np.int16)
    days = rng.integers(0, 700, rows).astype("timedelta64[D]")
    return pa.table(
        {
            "loan_id": [f"L{n:06d}" for n in range(rows)],
            "person": [f"Zebulon-{n % 40}" for n in range(rows)],
            "income": pa.array(income, mask=rng.uniform(size=rows) < 0.06),
            "amount": np.round(income * burden, 2),
            "age": age,
            "children": rng.poisson(1, rows),
            "job": pa.array(job, mask=rng.uniform(size=rows) < 0.05),
            "region": region,
            "town": [f"town {int(n)}" for n in rng.zipf(1.4, rows) % 900],
            "sex": rng.choice(["f", "m"], rows),
            "opened": pa.array(np.datetime64("2023-01-01") + days),
            "owner": rng.uniform(size=rows) < 0.3,
            LABEL: label,
        }
    )


def answers_of(task: Task, labels: Any, seed: int, version: str, noise: float) -> Answers:
    """A model that knows the outcome up to some noise."""
    rng = np.random.default_rng(seed)
    if task == "binary":
        scores = 1 / (1 + np.exp(-(1.8 * labels - 1.9 + rng.normal(0, noise, len(labels)))))
        return Answers(version, scores, (scores >= 0.4).astype(np.int8))
    if task == "regression":
        return Answers(version, labels * np.exp(rng.normal(0, 0.3 * noise, len(labels))), None)
    logits = rng.normal(0, noise, (len(labels), len(CLASSES)))
    logits[np.arange(len(labels)), labels.astype(int)] += 1.6
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Answers(version, scores, scores.argmax(axis=1).astype(np.int16))


def report_of(task: Task, *, whole: bool = True, names: Names | None = None) -> Report:
    """A run with everything in it; not `whole`: no champion, nothing assessed, no sample."""
    names = names or Names()
    changes: dict[str, Any] = {"classes": names.classes} if task == "multiclass" else {}
    spec = spec_of(task, target=names.target, **changes)
    table = loans(task)
    labels = table.column(LABEL).to_numpy().astype(np.float64)
    rows = Rows(
        labels,
        answers_of(task, labels, 2, "run-7", 1.0),
        answers_of(task, labels, 3, "4", 1.2) if whole else None,
        answers_of(task, labels, 4, "1", 1.5) if whole else None,
    )
    context = (
        ReportContext(AGGREGATES, train=table, shap=shap_of(labels)) if whole else ReportContext()
    )
    evaluation = evaluation_of(spec, rows, names, whole=whole)
    return Report(spec, evaluation, verdict_of(spec, whole), rows, lineage_of(whole), context)


def evaluation_of(spec: ProjectSpec, rows: Rows, names: Names, *, whole: bool) -> Evaluation:
    """The figures of a run."""
    task = spec.task
    parts: dict[str, Any] = {}
    if whole:
        parts = {
            "champion": figures_of(task, "4", -0.02, binary=task == "binary"),
            "comparison": comparison_of(task, len(rows.labels)),
            "reference": figures_of(task, "1", -0.03, binary=task == "binary"),
            "fairness": [fairness_of(names)] if task == "binary" else [],
            "slices": slices_of(names),
            "leakage": [
                Leak(
                    column="recoveries",
                    kind="appears_with_label",
                    severe=True,
                    observed=0.997,
                    message="recoveries is filled in only where the outcome is known.",
                )
            ],
            "unstable_features": ["rank_in_file"],
            "drift": [
                ColumnDrift(column="income", psi=0.31, js=0.21, alarm=True),
                ColumnDrift(column=names.column, psi=0.04, js=0.09),
                ColumnDrift(column="town", psi=None, note="not assessed: fewer than 500 rows"),
            ],
            "importance": [
                Importance(
                    feature=name,
                    share=0.4 / (n + 1),
                    permutation=0.03 / (n + 1) - 0.004,
                    shap=0.35 / (n + 1),
                )
                for n, name in enumerate(FEATURES)
            ],
            "refit": "all",
            "champion_model": "judged",
            "reference_comparison": comparison_of(task, len(rows.labels)),
        }
    return Evaluation(
        project=spec.name,
        project_version=spec.version,
        run="run-7",
        task=task,
        metric=spec.metric,
        holdout=Holdout(
            period="202611",
            rows=len(rows.labels),
            positives=int(rows.labels.sum()) if task == "binary" else None,
            seen_rows=120 if whole else 0,
            judged_before=2 if whole else 0,
        ),
        challenger=figures_of(task, "run-7", 0.0, binary=task == "binary"),
        artifact_uri="s3://the-lake/models/loans/run-7/",
        artifact_bytes=812_345,
        row_latency_ms=0.41,
        golden_rows=40,
        report_uri="s3://the-lake/runs/loans/run-7/report.html",
        **parts,
    )


BASES: dict[Metric, float] = {"auc": 0.78, "rmse": 1834.2, "mae": 1200.7, "mape": 0.21}


def figures_of(task: Task, version: str, shift: float, *, binary: bool) -> ModelFigures:
    metrics: dict[Metric, Interval] = {}
    for metric in TASK_METRICS[task]:
        value = BASES.get(metric, 0.45) * (1 + shift)
        metrics[metric] = Interval(value=value, low=0.97 * value, high=1.03 * value)
    extra: dict[str, Any] = {}
    if binary:
        extra = {
            "flagged": 0.31 + shift,
            "recall": 0.6,
            "precision": 0.5,
            "threshold": 0.4,
            "calibration_error": 0.02,
        }
    return ModelFigures(version=version, metrics=metrics, **extra)


def comparison_of(task: Task, rows: int) -> Comparison:
    differences: dict[Metric, Interval] = {
        metric: Interval(value=0.012, low=0.004, high=0.02) for metric in TASK_METRICS[task]
    }
    extra: dict[str, Any] = {}
    if task == "binary":
        swap = SwapSet(
            newly_flagged=120,
            newly_flagged_positives=60,
            no_longer_flagged=80,
            no_longer_flagged_positives=21,
        )
        extra = {"flagged_difference": 0.02, "decisions_changed": 200, "swap": swap}
    return Comparison(
        metric=TASK_METRICS[task][0],
        confidence=0.9,
        lower=0.006,
        differences=differences,
        rows=rows,
        resamples=1000,
        **extra,
    )


def fairness_of(names: Names) -> FairnessFigures:
    ratio = Interval(value=0.86, low=0.81, high=0.91)
    groups = [
        GroupFigures(
            group=group,
            rows=rows,
            positives=rows // 4,
            favourable_rate=rate,
            opportunity=rate + 0.1,
            undeserved=rate - 0.2,
            mean_score=0.24,
            positive_rate=0.26,
            assessed=rows > 200,
            note=None if rows > 200 else "fewer than 200 rows",
        )
        for group, rows, rate in (("f", 1900, 0.71), ("m", 2000, 0.62), (names.value, 90, 0.5))
    ]
    groups.append(
        GroupFigures(group="hermit", rows=2, positives=1, favourable_rate=1, assessed=False)
    )
    return FairnessFigures(
        column="sex",
        ratios={"demographic_parity": ratio, "equal_opportunity": ratio, "equalised_odds": ratio},
        changes={"demographic_parity": Interval(value=-0.02, low=-0.05, high=0.01)},
        groups=groups,
        is_feature=True,
    )


def slices_of(names: Names) -> list[SliceFigures]:
    figure = Interval(value=0.74, low=0.7, high=0.78)
    change = Interval(value=-0.01, low=-0.04, high=0.02)
    return [
        SliceFigures(
            column=names.column, value=names.value, rows=1600, challenger=figure, champion=0.75,
            difference=change,
        ),
        SliceFigures(
            column="region", value="west", rows=60, assessed=False, note="fewer than 100 positives"
        ),
        SliceFigures(column="region", value="islet", rows=3, assessed=False),
        SliceFigures(
            column="person", value="Zebulon-3", rows=100, challenger=figure, declared=False
        ),
        SliceFigures(
            column="age", value="18 to 25", rows=420, challenger=figure, champion=0.72,
            difference=change, declared=False,
        ),
    ]  # fmt: skip


def verdict_of(spec: ProjectSpec, whole: bool) -> Verdict:
    rules = [
        Rule(
            name="auc",
            required="at least 0.7",
            observed="0.7800",
            outcome="passed",
            level="absolute",
        ),
        Rule(
            name="champion",
            required="difference above 0",
            observed="+0.0060 (one-sided 90% bound)",
            outcome="passed",
        ),
        Rule(
            name="latency",
            required="at most 0.1 ms",
            observed="0.41 ms",
            outcome="failed",
            level="advisory",
        ),
        Rule(
            name="equal opportunity by sex",
            required="at least 0.8",
            observed="fewer than two groups large enough",
            outcome="not assessed",
            level="absolute",
        ),
    ]
    return Verdict(
        project=spec.name,
        run="run-7",
        verdict="PROMOTE",
        headline="better than the current model on rows that neither had seen",
        rules=rules if whole else [],
    )


def lineage_of(whole: bool) -> dict[str, Any]:
    """lineage.json; not `whole`: as little of it as a report can do with."""
    if not whole:
        return {"trials": []}
    rng = np.random.default_rng(5)
    trials = [
        {
            "number": n,
            "value": float(0.76 + 0.02 * (1 - np.exp(-n / 6)) + rng.normal(0, 0.004)),
            "rounds": int(rng.integers(80, 400)),
            "learning_rate": float(np.round(rng.uniform(0.01, 0.2), 5)),
            "num_leaves": int(rng.integers(8, 120)),
        }
        for n in range(20)
    ]
    return {
        "lake_version": 12,
        "project_files": {"project.yml": "name: loans", "features.yml": ""},
        "periods": {"train": [f"2025{m:02d}" for m in range(1, 13)] + ["202601"]},
        "rows": {"train": 90_000, "validation": 22_000},
        "snapshot": {name: "ab" * 32 for name in ("train", "validation", "holdout")},
        "row_keys_sha256": "cd" * 32,
        "model_sha256": "ef" * 32,
        "rounds": 214,
        "seed": 42,
        "threads": 4,
        "validation": {"metric": "auc", "value": 0.7812},
        "warm_start": [{k: trials[1][k] for k in ("learning_rate", "num_leaves")}],
        "trials": trials,
        "python": "3.12.4",
        "architecture": "x86_64",
        "libraries": {"lightgbm": "4.7.0", "numpy": "2.4.6"},
    }


def shap_of(labels: Any, rows: int = 600) -> ShapSample:
    rng = np.random.default_rng(6)
    inputs = rng.normal(0, 1, (rows, len(FEATURES)))
    inputs[rng.uniform(size=inputs.shape) < 0.03] = np.nan
    weights = 0.9 / np.arange(1, len(FEATURES) + 1)
    values = np.nan_to_num(inputs) * weights + rng.normal(0, 0.05, inputs.shape)
    return ShapSample(values, inputs, FEATURES, frozenset({"job", "region"}))
