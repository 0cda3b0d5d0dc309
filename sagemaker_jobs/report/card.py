"""The model card in the artifact: what the model is for, made from what, how good, its limits."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dropforge.evaluation import Evaluation
from dropforge.metrics import METRIC_NAMES
from dropforge.project import ProjectSpec
from sagemaker_jobs.report.card_limits import limits
from sagemaker_jobs.report.lineage import periods
from sagemaker_jobs.report.markdown import code, items, table, text
from sagemaker_jobs.report.numbers import bounds, figure, plural, share
from sagemaker_jobs.report.privacy import MIN_ROWS, Privacy

LISTED_FEATURES = 40


def write_card(
    artifact: Path, spec: ProjectSpec, evaluation: Evaluation, lineage: Mapping[str, Any]
) -> None:
    """Write card.md."""
    (artifact / "card.md").write_text(render(spec, evaluation, lineage), encoding="utf-8")


def render(spec: ProjectSpec, evaluation: Evaluation, lineage: Mapping[str, Any]) -> str:
    """The card's text, in Markdown."""
    parts = {
        "Intended use": _use(spec, evaluation),
        "Data": _data(spec, evaluation, lineage),
        "Features": _features(evaluation),
        "Figures": _figures(evaluation),
        "Slices": _slices(spec, evaluation),
        "Fairness": _fairness(spec, evaluation),
        "Limits": items(limits(spec, evaluation)),
        "Make it again, or go back": _again(spec, lineage),
    }
    chapters = "\n".join(f"## {title}\n\n{body}\n" for title, body in parts.items() if body)
    return f"# {text(spec.name)}, run {text(evaluation.run)}\n\n{chapters}"


def _use(spec: ProjectSpec, evaluation: Evaluation) -> str:
    one = f"for one {code(spec.id)} a row"
    if spec.task == "binary":
        said = f"Predicts {code(spec.target)} = {code(spec.positive)} {one}."
        if evaluation.challenger.threshold is not None:
            said += f" A score at or above {evaluation.challenger.threshold:.6f} is flagged."
    elif spec.task == "multiclass":
        classes = ", ".join(code(value) for value in spec.classes)
        said = (
            f"Predicts which of {classes} {code(spec.target)} is, {one}, with a probability each."
        )
    else:
        said = f"Predicts the value of {code(spec.target)} {one}."
    owner = f"Owner: {text(spec.card.owner)}." if spec.card.owner else "No owner is named."
    purpose = text(spec.card.purpose) if spec.card.purpose else "The project states no purpose."
    return f"{purpose}\n\n{said} {owner}"


def _data(spec: ProjectSpec, evaluation: Evaluation, lineage: Mapping[str, Any]) -> str:
    rows, learnt = lineage.get("rows", {}), lineage.get("periods", {}).get("train", [])
    said = (
        f"Learnt from {rows.get('train', 0):,} rows of {text(periods(learnt)) or 'the history'} "
        f"({rows.get('validation', 0):,} more chose parameters and threshold), history version "
        f"{lineage.get('lake_version', 'unknown')}."
    )
    if evaluation.refit == "all":
        said += (
            " The deployed model was fitted once more on all rows, the holdout's too, with the "
            "judged one's parameters; the figures below are the judged one's."
        )
    personal = ", ".join(code(name) for name in spec.personal_columns)
    return f"{said} Personal columns, of which no value is kept here: {personal}."


def _features(evaluation: Evaluation) -> str:
    names = [code(item.feature) for item in evaluation.importance]
    more = f", and {len(names) - LISTED_FEATURES} more" * (len(names) > LISTED_FEATURES)
    return f"{', '.join(names[:LISTED_FEATURES])}{more}, the most important first." if names else ""


def _figures(evaluation: Evaluation) -> str:
    holdout, new, old = evaluation.holdout, evaluation.challenger, evaluation.champion
    positive = "" if holdout.positives is None else f", {holdout.positives:,} positive"
    rows = []
    for metric, found in new.metrics.items():
        theirs = old.metrics.get(metric) if old else None
        other = [figure(metric, theirs.value) if theirs else ""] if old else []
        name = METRIC_NAMES[metric]
        rows.append([name, figure(metric, found.value), bounds(metric, found), *other])
    head = ["", "value", "interval", *([f"champion v{text(old.version)}"] if old else [])]
    said = (
        f"On {holdout.rows:,} rows of {text(holdout.period)}, none learnt from{positive}; this "
        f"holdout has judged {plural(holdout.judged_before, 'model')} before."
        f"\n\n{table(head, rows)}"
    )
    if new.flagged is not None:
        said += (
            f"\n\nFlagged {share(new.flagged)}, recall {share(new.recall)}, precision "
            f"{share(new.precision)}."
        )
    return said


def _slices(spec: ProjectSpec, evaluation: Evaluation) -> str:
    privacy = Privacy.of(spec)
    rows = [
        [
            f"{text(item.column)} = {text(privacy.value(item.column, item.value, number))}",
            f"{item.rows:,}",
            figure(evaluation.metric, item.challenger.value),
            bounds(evaluation.metric, item.challenger),
        ]
        for number, item in enumerate(evaluation.slices, start=1)
        if item.challenger is not None and item.assessed and item.rows >= MIN_ROWS
    ]
    head = ["", "rows", METRIC_NAMES[evaluation.metric], "interval"]
    return table(head, rows) if rows else ""


def _fairness(spec: ProjectSpec, evaluation: Evaluation) -> str:
    if spec.task != "binary":
        return "Not measured: the project makes no yes-or-no decision."
    if not evaluation.fairness:
        return "No protected column is named in the project."
    lines: list[str] = []
    for found in evaluation.fairness:
        ratio = found.ratios.get("demographic_parity")
        value = (
            f"{ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})" if ratio else "not assessed"
        )
        line = f"{text(found.column)}: demographic parity ratio {value}"
        for metric, name in (
            ("equal_opportunity", "equal opportunity"),
            ("equalised_odds", "equalised odds"),
        ):
            if other := found.ratios.get(metric):  # type: ignore[call-overload]
                line += f", {name} {other.value:.3f}"
        lines.append(line + (" (the column is also a feature)" if found.is_feature else ""))
    return items(lines)


def _again(spec: ProjectSpec, lineage: Mapping[str, Any]) -> str:
    hashed = lineage.get("model_sha256")
    equal = f" Its SHA-256 is {code(hashed)}." if hashed else ""
    lines: Iterable[str] = [
        f"`dropforge reproduce {spec.name} VERSION` makes model.txt again from lineage.json, byte "
        f"for byte on the same image and processor.{equal}",
        f"`dropforge rollback {spec.name}` puts the previous model back; "
        f"`dropforge rollback {spec.name} --to VERSION` another one.",
    ]
    return items(lines)
