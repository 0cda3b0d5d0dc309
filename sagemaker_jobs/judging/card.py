"""The model card in the artifact: what the model is for, made from what, how good, its limits."""

from pathlib import Path
from typing import Any

from dropforge.evaluation import Evaluation
from dropforge.metrics import METRIC_NAMES
from dropforge.project import ProjectSpec


def write_card(
    artifact: Path, spec: ProjectSpec, evaluation: Evaluation, lineage: dict[str, Any]
) -> None:
    """Write card.md."""
    (artifact / "card.md").write_text(render(spec, evaluation, lineage), encoding="utf-8")


def render(spec: ProjectSpec, evaluation: Evaluation, lineage: dict[str, Any]) -> str:
    """The card's text."""
    holdout, figures = evaluation.holdout, evaluation.challenger
    metrics = "\n".join(
        f"| {METRIC_NAMES[name]} | {found.value:.4f} | {found.low:.4f} to {found.high:.4f} |"
        for name, found in figures.metrics.items()
    )
    groups = "\n".join(
        f"- {found.column}: demographic parity ratio "
        + (
            "not assessed"
            if "demographic_parity" not in found.ratios
            else f"{found.ratios['demographic_parity'].value:.3f}"
        )
        + (" (the column is also a feature)" if found.is_feature else "")
        for found in evaluation.fairness
    )
    features = ", ".join(item.feature for item in evaluation.importance)
    return f"""# {spec.name}, run {evaluation.run}

## Intended use
Predicts `{spec.target}` = `{spec.positive}` for one `{spec.id}` a row. A score at or above
{figures.threshold:.6f} is flagged. Not meant for rows unlike those it learnt from.

## Data
Learnt from {lineage["rows"]["train"]:,} rows of {", ".join(lineage["periods"]["train"])}
({lineage["rows"]["validation"]:,} more chose parameters and threshold), history version
{lineage["lake_version"]}. Features: {features}.

## Figures
On {holdout.rows:,} rows of {holdout.period}, none learnt from, {holdout.positives:,} positive:

| | value | interval |
|---|---|---|
{metrics}

Flagged {figures.flagged:.1%}, recall {figures.recall:.1%}.

## Fairness
{groups or "No protected column is named in the project."}

## Limits
The figures hold for rows like the holdout's. Scores are as well calibrated as the report's curve
shows (calibration: {spec.calibration}). Categories that training has not seen are treated as one.
"""
