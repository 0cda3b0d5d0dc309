"""The figures: challenger against champion and reference, on the same rows."""

from html import escape

from dropforge.evaluation import Comparison, Interval
from dropforge.metrics import HIGHER_IS_BETTER, METRIC_NAMES, Metric
from sagemaker_jobs.report.axis import Axis
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.html import Chapter, interval, note, table
from sagemaker_jobs.report.numbers import bounds, figure, share
from sagemaker_jobs.report.svg import whisker


def figures(report: Report) -> Chapter:
    """Every metric with its interval, and the differences drawn."""
    evaluation = report.evaluation
    new, old = evaluation.challenger, evaluation.champion
    comparison = evaluation.comparison if old is not None else None
    head = ["Metric", "Challenger"]
    if old is not None and comparison is not None:
        head += [f"Champion v{escape(old.version)}", "Difference", "worse ← 0 → better"]
    if evaluation.reference is not None:
        head += [f"Reference v{escape(evaluation.reference.version)}"]
    rows = []
    for metric, found in new.metrics.items():
        mine = metric == evaluation.metric
        name = f"<b>{METRIC_NAMES[metric]}</b>" if mine else METRIC_NAMES[metric]
        cells = [name, interval(metric, found)]
        if old is not None and comparison is not None:
            cells += [
                interval(metric, old.metrics[metric]) if metric in old.metrics else "",
                *_difference(metric, comparison),
            ]
        if evaluation.reference is not None:
            theirs = evaluation.reference.metrics.get(metric)
            cells.append(interval(metric, theirs) if theirs else "")
        rows.append(cells)
    css = "rows stack" if len(head) > 2 else "rows snug"
    body = _problems(report) + table(head, rows + _decisions(report, len(head)), css)
    return Chapter("figures", "Figures", body + note(_explained(report)))


def _difference(metric: Metric, comparison: Comparison) -> list[str]:
    found = comparison.differences.get(metric)
    if found is None:
        return ["", ""]
    better = found if HIGHER_IS_BETTER[metric] else _turned(found)
    reach = max(abs(better.low), abs(better.high), abs(better.value)) * 1.1 or 1.0
    drawn = whisker(
        Axis(-reach, reach),
        better.value,
        better.low,
        better.high,
        mark=0.0,
        about=f"difference in {METRIC_NAMES[metric]}, better to the right",
    )
    return [interval(metric, found, signed=True), drawn]


def _turned(found: Interval) -> Interval:
    return Interval(value=-found.value, low=-found.high, high=-found.low)


def _decisions(report: Report, width: int) -> list[list[str]]:
    """Flagged share, threshold and calibration of a binary model."""
    evaluation = report.evaluation
    new, old = evaluation.challenger, evaluation.champion
    if evaluation.comparison is None:
        old = None
    rows: list[list[str]] = []
    if new.flagged is not None:
        cells = ["Flagged", share(new.flagged)]
        if old is not None:
            change = None if old.flagged is None else 100 * (new.flagged - old.flagged)
            cells += [share(old.flagged), "" if change is None else f"{change:+.1f} points"]
        rows.append(cells)
    for name, ours, theirs in (
        ("Threshold", new.threshold, old and old.threshold),
        ("Calibration error", new.calibration_error, old and old.calibration_error),
    ):
        if ours is not None:
            cells = [name, f"{ours:.4f}"]
            rows.append([*cells, f"{theirs:.4f}" if theirs is not None else ""] if old else cells)
    return [[*cells, *[""] * (width - len(cells))] for cells in rows]


def _problems(report: Report) -> str:
    evaluation = report.evaluation
    said = []
    if evaluation.champion_problem:
        said.append(f"No comparison with the champion: {evaluation.champion_problem}")
    if evaluation.reference_problem:
        said.append(f"No comparison with the reference model: {evaluation.reference_problem}")
    return "".join(f'<p class="failed">{escape(text)}</p>' for text in said)


def _explained(report: Report) -> str:
    confidence = report.spec.promotion.champion.confidence
    comparison = report.evaluation.comparison
    text = f"Two-sided {confidence:.0%} bootstrap intervals"
    if comparison is None:
        return f"{text}. The project is judged by the metric in bold."
    changed = (
        f" Decisions changed on {comparison.decisions_changed:,} of {comparison.rows:,} rows."
        if comparison.decisions_changed is not None
        else ""
    )
    twin = (
        " Of the champion its judged twin was compared: the deployed model, fitted again on all "
        "rows, has seen too many of these."
        if report.evaluation.champion_model == "judged"
        else ""
    )
    return (
        f"{text}, paired over {comparison.resamples:,} resamples of the same "
        f"{comparison.rows:,} rows. The project is judged by the metric in bold: with "
        f"{comparison.confidence:.0%} confidence its difference is above "
        f"{comparison.lower:+.4g} (better is positive).{changed}{twin}{_reference(report)}"
    )


def _reference(report: Report) -> str:
    """The difference to the reference model, which chains of small losses would show in."""
    comparison = report.evaluation.reference_comparison
    if comparison is None or comparison.metric not in comparison.differences:
        return ""
    found = comparison.differences[comparison.metric]
    return (
        f" Against the reference model, on {comparison.rows:,} rows: "
        f"{METRIC_NAMES[comparison.metric]} {figure(comparison.metric, found.value, sign=True)}, "
        f"{bounds(comparison.metric, found, sign=True)}."
    )
