"""What a model card warns of: the project's words, and what the evaluation found."""

from dropforge.evaluation import Evaluation
from dropforge.project import ProjectSpec
from sagemaker_jobs.report.markdown import code, text
from sagemaker_jobs.report.numbers import plural
from sagemaker_jobs.report.privacy import Privacy


def limits(spec: ProjectSpec, evaluation: Evaluation) -> list[str]:
    """Sentences in Markdown, the project's own first."""
    said = [text(spec.card.limits)] if spec.card.limits else []
    said.append(
        "The figures hold for rows like the holdout's. It is not meant for rows unlike those it "
        "learnt from."
    )
    said.append(
        "A category that training has not seen is treated as one unknown category, whatever it is."
    )
    if spec.task == "binary":
        said.append(
            f"Scores are as well calibrated as the report's curve shows (calibration: "
            f"{spec.calibration})."
        )
    return [*said, *_not_assessed(spec, evaluation), *_found(evaluation)]


def _not_assessed(spec: ProjectSpec, evaluation: Evaluation) -> list[str]:
    said = []
    privacy = Privacy.of(spec)
    for figures in evaluation.fairness:
        groups = [
            text(privacy.value(figures.column, group.group, number))
            for number, group in enumerate(figures.groups, start=1)
            if not group.assessed
        ]
        if groups:
            said.append(
                f"Too few rows to judge fairness for {text(figures.column)}: {', '.join(groups)}."
            )
    parts = sum(not item.assessed for item in evaluation.slices)
    if parts:
        said.append(f"Too small to be assessed: {plural(parts, 'part')} of the holdout.")
    return said


def _found(evaluation: Evaluation) -> list[str]:
    said = []
    drifted = [code(item.column) for item in evaluation.drift if item.alarm]
    if drifted:
        said.append(
            f"Drifted against the rows that the champion learnt from: {', '.join(drifted)}."
        )
    features = [code(figures.column) for figures in evaluation.fairness if figures.is_feature]
    if features:
        said.append(f"Protected columns among the features: {', '.join(features)}.")
    said += [text(leak.message) for leak in evaluation.leakage]
    if evaluation.unstable_features:
        names = ", ".join(code(name) for name in evaluation.unstable_features)
        said.append(f"Features that change with the rows beside a row: {names}.")
    if evaluation.champion_problem:
        said.append(f"Not compared with the champion: {text(evaluation.champion_problem)}")
    return said
