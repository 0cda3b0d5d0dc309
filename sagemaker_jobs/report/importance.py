"""What the model goes by: gain, permutation and SHAP, and the beeswarm."""

from html import escape

from dropforge.metrics import METRIC_NAMES
from sagemaker_jobs.report.beeswarm import MAX_FEATURES as SWARM_FEATURES
from sagemaker_jobs.report.beeswarm import beeswarm
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.html import Chapter, drawing, meter, note, table
from sagemaker_jobs.report.numbers import figure
from sagemaker_jobs.report.privacy import Privacy

MAX_FEATURES = 30
UNIT = {
    "binary": "In log-odds of the positive outcome.",
    "multiclass": "In log-odds of the decided class.",
    "regression": "In the target's unit.",
}


def importance(report: Report) -> Chapter | None:
    """The features' table, the most important first, and the beeswarm if a sample was kept."""
    found = report.evaluation.importance
    if not found:
        return None
    by_shap = any(item.shap is not None for item in found)
    permuted = any(item.permutation is not None for item in found)
    metric = report.evaluation.metric
    head = ["Feature", "Gain", ""]
    head += ["SHAP", ""] if by_shap else []
    head += [f"{METRIC_NAMES[metric]} worse if shuffled"] if permuted else []
    most = max((item.share for item in found), default=0.0) or 1.0
    most_shap = max((item.shap or 0.0 for item in found), default=0.0) or 1.0
    rows = []
    for item in found[:MAX_FEATURES]:
        cells = [escape(item.feature), f"{item.share:.1%}", meter(item.share / most, "s1")]
        if by_shap:
            part = item.shap or 0.0
            shown = "n/a" if item.shap is None else f"{item.shap:.1%}"
            cells += [shown, meter(part / most_shap, "s3")]
        if permuted:
            cells.append(figure(metric, item.permutation, sign=True))
        rows.append(cells)
    numbers = {1, 3, 5} if by_shap else {1, 3}
    body = table(head, rows, "rows bars", numbers=numbers) + note(_explained(report, len(found)))
    return Chapter("importance", "Importance", body + _swarm(report))


def _explained(report: Report, features: int) -> str:
    more = f" {features - MAX_FEATURES} further features are not listed." * (
        features > MAX_FEATURES
    )
    return (
        "Gain and SHAP are shares of their totals over all features: how much the trees used a "
        "feature, and how much it moved the scores. Shuffled: how much worse the metric gets on "
        f"the holdout when the feature's values are mixed among its rows.{more}"
    )


def _swarm(report: Report) -> str:
    sample = report.context.shap
    if sample is None or not len(sample.values) or not sample.features:
        return ""
    legend = [("low value", "q0"), ("", "q1"), ("middle", "q2"), ("", "q3"), ("high value", "q4")]
    return drawing(
        f"SHAP values of the {min(SWARM_FEATURES, len(sample.features))} features that move "
        "scores most",
        beeswarm(sample, Privacy.of(report.spec)),
        keys=[*legend, ("category, or missing", "qx")],
        note=f"A dot is a row of the holdout. {UNIT[report.evaluation.task]} Colour is the "
        "feature's value by fifths.",
        css="broad fill",
    )
