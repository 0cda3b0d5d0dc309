"""Whether something tells the outcome that will not be known when rows are scored."""

from html import escape

from dropforge.evaluation import Leak
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.html import Chapter, note, table

KINDS = {
    "predicts_alone": "predicts the outcome alone",
    "appears_with_label": "is known only with the outcome",
    "shared_ids": "ids in both training and holdout",
}


def leakage(report: Report) -> Chapter:
    """What was found, and features.py that depends on the rows beside a row."""
    rows = [_row(leak) for leak in report.evaluation.leakage]
    body = (
        table(["Column", "Found", "Observed", "", ""], rows, "rows", numbers={2})
        if rows
        else "<p>Nothing was found.</p>"
    )
    if report.evaluation.unstable_features:
        names = ", ".join(map(escape, report.evaluation.unstable_features))
        body += (
            f'<p class="failed">features.py gives these features other values when other rows '
            f"stand beside a row: {names}.</p>"
        )
    explained = (
        "Looked for: a column that alone tells the outcome almost perfectly, a column that has "
        "values only where the outcome is known already, and ids that are in both training and "
        "holdout."
    )
    return Chapter("leakage", "Leakage", body + note(explained))


def _row(leak: Leak) -> list[str]:
    severe = '<span class="failed">✕&nbsp;severe</span>' if leak.severe else "to be looked at"
    return [
        escape(leak.column or ""),
        KINDS[leak.kind],
        f"{leak.observed:.4g}",
        severe,
        escape(leak.message),
    ]
