"""The figures of judged rows as the fields of Evaluation."""

from collections.abc import Mapping
from typing import Any

from dropforge.evaluation import FairnessFigures, Holdout
from dropforge.project import ProjectSpec
from sagemaker_jobs.judging.fairness import decided, fairness
from sagemaker_jobs.judging.importance import Explained, importances
from sagemaker_jobs.judging.judge import Judged
from sagemaker_jobs.judging.slice_figures import Rows
from sagemaker_jobs.judging.slices import slices


def measured(spec: ProjectSpec, judged: Judged, explained: Explained) -> dict[str, Any]:
    """The figures of the judged rows, as Evaluation's fields."""
    scorer = judged.challenger.scorer
    old, other = judged.against_champion, judged.against_reference
    return {
        "challenger": judged.figures,
        "champion": old.figures,
        "champion_problem": old.problem,
        "champion_model": old.model,
        "comparison": old.comparison,
        "reference": other.figures,
        "reference_problem": other.problem,
        "reference_comparison": other.comparison,
        "fairness": _fairness(spec, judged),
        "slices": slices(spec, _rows(judged), [column.name for column in scorer.features.inputs]),
        "importance": importances(spec, scorer, judged.table, judged.labels, explained),
    }


def holdout_facts(document: Mapping[str, Any], judged: Judged) -> Holdout:
    """The judged rows; `document` is snapshot.json."""
    return Holdout(
        period=document["summary"]["holdout_period"],
        rows=len(judged.labels),
        positives=int(judged.labels.sum()) if judged.task == "binary" else None,
        seen_rows=judged.seen_rows,
        judged_before=document["judged_before"],
    )


def _rows(judged: Judged) -> Rows:
    return Rows(
        table=judged.table,
        labels=judged.labels,
        challenger=judged.challenger.predictions,
        champion=judged.champion.predictions if judged.champion else None,
        resampler=judged.resampler,
    )


def _fairness(spec: ProjectSpec, judged: Judged) -> list[FairnessFigures]:
    if judged.task != "binary":
        return []
    return fairness(
        judged.table,
        spec.protected_columns,
        decided(spec, judged),
        judged.resampler,
        spec.promotion.champion.confidence,
        judged.challenger.scorer.features.features,
    )
