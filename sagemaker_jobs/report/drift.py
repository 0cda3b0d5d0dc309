"""How far the judged rows are from those that the champion was trained on."""

from html import escape

from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.drift_bins import pictures
from sagemaker_jobs.report.html import Chapter, meter, note, table

LISTED = 40


def drift(report: Report) -> Chapter:
    """Every column's PSI and Jensen-Shannon distance, the largest first."""
    found = report.evaluation.drift
    title = "Drift"
    if not found:
        return Chapter(
            "drift",
            title,
            note("There is no champion's baseline to compare with, so no column was assessed."),
        )
    alarms = sum(item.alarm for item in found)
    unassessed = sum(item.psi is None for item in found)
    said = f"{alarms} of {len(found)} columns drifted" if alarms else "No column drifted"
    if unassessed:
        said += f"; {unassessed} could not be assessed"
    most = max([0.25, *(item.psi or 0.0 for item in found)])
    rows = [
        [
            escape(item.column),
            "" if item.psi is None else f"{item.psi:.4f}",
            "" if item.psi is None else meter(item.psi / most, "s2" if item.alarm else "s1"),
            "" if item.js is None else f"{item.js:.4f}",
            '<span class="failed">! drifted</span>' if item.alarm else escape(item.note or ""),
        ]
        for item in found[:LISTED]
    ]
    more = f" {len(found) - LISTED} columns with less drift are not listed." * (len(found) > LISTED)
    explained = (
        "The judged rows against the champion's baseline. PSI: population stability index; JS: "
        "Jensen-Shannon distance, from 0 to 1. An alarm needs PSI over the limit and over what "
        f"chance explains. Advisory: it refuses nothing.{more}"
    )
    head = ["Column", "PSI", "", "JS", ""]
    listed = table(head, rows, "rows bars", numbers={1, 3})
    body = f"<p>{said}.</p>{listed}{note(explained)}{pictures(report)}"
    return Chapter("drift", title, body)
