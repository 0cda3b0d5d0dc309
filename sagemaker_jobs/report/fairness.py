"""Decisions by the groups of protected columns."""

from collections.abc import Sequence
from html import escape

from dropforge.evaluation import FairnessFigures, FairnessMetric, GroupFigures, Interval
from sagemaker_jobs.report.axis import Axis
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.html import Chapter, drawing, meter, note, outcome, table
from sagemaker_jobs.report.numbers import plural, share
from sagemaker_jobs.report.privacy import MIN_ROWS, Privacy
from sagemaker_jobs.report.svg import Plot, whisker

NAMES: dict[FairnessMetric, str] = {
    "demographic_parity": "Demographic parity",
    "equal_opportunity": "Equal opportunity",
    "equalised_odds": "Equalised odds",
}
NO_COLUMN = {
    "binary": "No protected column is named in the project, so none was looked at.",
    "multiclass": "Fairness is measured of yes-or-no decisions; this project has more outcomes.",
    "regression": "Fairness is measured of yes-or-no decisions; this project predicts a value.",
}


def fairness(report: Report) -> Chapter:
    """Every protected column: ratios with intervals, groups, calibration by group."""
    found = report.evaluation.fairness
    if not found:
        return Chapter("fairness", "Fairness", note(NO_COLUMN[report.evaluation.task]))
    body = "".join(_column(report, figures) for figures in found)
    hoped = report.spec.favourable
    explained = (
        "Ratios are the least group's rate over the greatest: 1 is equal. Demographic parity is of "
        "favourable decisions among all rows, equal opportunity among those whose outcome is "
        "favourable; equalised odds is the lesser of that and the same among the others. The "
        "dashed line is what is required, or 1."
    )
    if hoped is not None:
        explained += f" Favourable is {escape(report.spec.target)} = {escape(str(hoped))}."
    return Chapter("fairness", "Fairness", body + note(explained))


def _column(report: Report, figures: FairnessFigures) -> str:
    warning = (
        '<p class="failed">This protected column is also a feature of the model.</p>'
        if figures.is_feature
        else ""
    )
    privacy = Privacy.of(report.spec)
    names = [
        privacy.value(figures.column, g.group, n) for n, g in enumerate(figures.groups, start=1)
    ]
    shown = [
        (name, group)
        for name, group in zip(names, figures.groups, strict=True)
        if group.rows >= MIN_ROWS
    ]
    left_out = [group for group in figures.groups if group.rows < MIN_ROWS]
    said = (
        note(
            f"Not shown: {plural(len(left_out), 'group')} of fewer than {MIN_ROWS} rows, "
            f"{sum(g.rows for g in left_out)} rows together."
        )
        if left_out
        else ""
    )
    return (
        f"<h3>{escape(figures.column)}</h3>{warning}{_ratios(report, figures)}"
        f"{_groups(shown)}{said}{_calibration(figures.column, shown)}"
    )


def _ratios(report: Report, figures: FairnessFigures) -> str:
    rule = report.spec.promotion.fairness.get(figures.column)
    rows = []
    for metric, name in NAMES.items():
        bound = getattr(rule, metric) if rule is not None else None
        found = figures.ratios.get(metric)
        if found is None and bound is None and metric != "demographic_parity":
            continue
        if found is None:
            rows.append([name, outcome("not assessed"), "", _bound(bound), ""])
            continue
        axis = Axis(min(found.low, bound or 1.0, 0.6) - 0.02, max(1.02, found.high))
        drawn = whisker(
            axis, found.value, found.low, found.high, mark=bound or 1.0, about=f"{name} ratio"
        )
        change = figures.changes.get(metric)
        rows.append([name, _ratio(found), drawn, _bound(bound), _ratio(change, signed=True)])
    head = ["Ratio", "", "", "Required", "Change to the champion"]
    kept = [0, 1, 2, *([3] if rule else []), *([4] if figures.changes else [])]
    return table([head[n] for n in kept], [[row[n] for n in kept] for row in rows], "rows")


def _ratio(found: Interval | None, *, signed: bool = False) -> str:
    if found is None:
        return ""
    form = "+.3f" if signed else ".3f"
    low, high = format(found.low, form), format(found.high, form)
    return f"{format(found.value, form)} <small>{low} to {high}</small>"


def _bound(bound: float | None) -> str:
    return "" if bound is None else f"at least {bound:g}"


def _groups(shown: Sequence[tuple[str, GroupFigures]]) -> str:
    rows = [
        [
            escape(name),
            f"{group.rows:,}",
            f"{group.positives:,}",
            share(group.favourable_rate),
            meter(group.favourable_rate or 0.0),
            share(group.opportunity),
            share(group.undeserved),
            ""
            if group.assessed
            else f'<span class="not-assessed">not assessed: {escape(group.note or "")}</span>',
        ]
        for name, group in shown
    ]
    head = [
        "Group",
        "Rows",
        "Positive",
        "Favourable decisions",
        "",
        "of the deserving",
        "of the others",
        "",
    ]
    return table(head, rows, "rows groups", numbers={1, 2, 3, 5, 6})


def _calibration(column: str, shown: Sequence[tuple[str, GroupFigures]]) -> str:
    """Mean score beside the observed share, a pair of bars a group."""
    found = [
        (name, group.mean_score, group.positive_rate)
        for name, group in shown
        if group.assessed and group.mean_score is not None and group.positive_rate is not None
    ]
    if not found:
        return ""
    top = 1.1 * max(max(score, rate) for _, score, rate in found) or 1.0
    ticks = [
        (n + 0.5, name if len(name) < 15 else f"{name[:13]}…")
        for n, (name, _, _) in enumerate(found)
    ]
    plot = Plot(
        f"Mean score and observed share of positives by {column}",
        Axis(0, len(found), ticks=ticks),
        Axis(0, top, percent=True, count=4),
        width=max(380, 90 * len(found)),
        height=190,
    )
    for place, (_, score, rate) in enumerate(found):
        plot.bars([place + 0.18, place + 0.5], [score], "s1 solid")
        plot.bars([place + 0.5, place + 0.82], [rate], "s2 solid")
    return drawing(
        f"Calibration by {column}",
        plot.render(),
        keys=[("mean score", "s1"), ("observed share", "s2")],
        css="fill narrow",
    )
