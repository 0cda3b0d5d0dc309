"""Parts of the holdout: the declared ones, and the worst found."""

from collections.abc import Sequence
from html import escape

from dropforge.evaluation import SliceFigures
from dropforge.metrics import METRIC_NAMES
from sagemaker_jobs.report.axis import Axis, around
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.html import Chapter, interval, note, table
from sagemaker_jobs.report.numbers import figure, plural
from sagemaker_jobs.report.privacy import MIN_ROWS, Privacy
from sagemaker_jobs.report.svg import whisker


def slices(report: Report) -> Chapter | None:
    """The project's metric on each part, with intervals on one scale."""
    found = report.evaluation.slices
    if not found:
        return None
    ordered = sorted(found, key=lambda item: not item.declared)
    listed = _table(report, ordered, _axis(report, found))
    metric = METRIC_NAMES[report.evaluation.metric]
    second = ", the ring is the champion" if report.evaluation.champion else ""
    explained = (
        f"{metric} on the rows of each part, with its interval; the dashed line is {metric} on all "
        f"rows{second}. Parts too small to judge are not assessed. The worst parts were looked for "
        "among many: chance alone makes some look bad."
    )
    return Chapter("slices", "Slices", listed + note(explained))


def _axis(report: Report, found: Sequence[SliceFigures]) -> Axis:
    values = [report.evaluation.challenger.metrics[report.evaluation.metric].value]
    for item in found:
        if item.challenger is not None:
            values += [item.challenger.low, item.challenger.high]
        if item.champion is not None:
            values.append(item.champion)
    return around(values)


def _name(privacy: Privacy, item: SliceFigures, number: int) -> str:
    if not item.rows:  # the column as a whole
        return escape(item.column)
    name = f"{escape(item.column)} = {escape(privacy.value(item.column, item.value, number))}"
    return name if item.declared else f'{name} <span class="tag">worst found</span>'


def _table(report: Report, members: Sequence[SliceFigures], axis: Axis) -> str:
    compared = any(item.difference is not None for item in members)
    head = ["Part", "Rows", METRIC_NAMES[report.evaluation.metric], ""]
    head += ["Difference to the champion"] if compared else []
    # A number tells apart the values that are not shown.
    rows = [
        _cells(report, item, number, axis, compared=compared)
        for number, item in enumerate(members, start=1)
        if not 0 < item.rows < MIN_ROWS
    ]
    listed = table(head, rows, "rows", numbers={1})
    small = len(members) - len(rows)
    if not small:
        return listed
    return listed + note(f"Not shown: {plural(small, 'part')} of fewer than {MIN_ROWS} rows.")


def _cells(
    report: Report, item: SliceFigures, number: int, axis: Axis, *, compared: bool
) -> list[str]:
    metric = report.evaluation.metric
    cells = [_name(Privacy.of(report.spec), item, number), f"{item.rows:,}" if item.rows else ""]
    if item.challenger is None or not item.assessed:
        why = f"not assessed: {item.note}" if item.note else "not assessed"
        cells += [f'<span class="not-assessed">{escape(why)}</span>', ""]
    else:
        drawn = whisker(
            axis,
            item.challenger.value,
            item.challenger.low,
            item.challenger.high,
            mark=report.evaluation.challenger.metrics[metric].value,
            other=item.champion,
            about=f"{METRIC_NAMES[metric]} {figure(metric, item.challenger.value)}",
        )
        cells += [interval(metric, item.challenger), drawn]
    if compared:
        cells.append(interval(metric, item.difference, signed=True) if item.difference else "")
    return cells
