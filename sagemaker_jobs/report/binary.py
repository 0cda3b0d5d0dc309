"""Curves of a yes-or-no model: ranking, calibration, decisions."""

import numpy as np

from sagemaker_jobs.report import curves
from sagemaker_jobs.report.axis import Axis
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.html import Chapter, drawing, grid, meter, table
from sagemaker_jobs.report.matrix import matrix
from sagemaker_jobs.report.numbers import share
from sagemaker_jobs.report.svg import Plot

SWAP = (
    "Rows whose decision changes against the champion. The new model is right about a newly "
    "flagged row if it is truly positive, and about one no longer flagged if it is not."
)


def binary_curves(report: Report) -> Chapter:
    """ROC, precision and recall, calibration, scores by outcome, decisions, swap set."""
    drawn = [_roc(report), _precision_recall(report), _calibration(report), _scores(report)]
    if report.judged.challenger.decisions is not None:
        drawn += [_confusion(report), _swap(report)]
    return Chapter("curves", "Curves and decisions", grid(drawn))


def _roc(report: Report) -> str:
    plot = Plot(
        "ROC curve: true positive rate by false positive rate, every model",
        Axis(0, 1, "false positive rate"),
        Axis(0, 1, "true positive rate"),
    )
    plot.guide([(0, 0), (1, 1)])
    for name, css, model in reversed(report.models()):
        plot.line(curves.roc(model.scores, report.judged.labels), css, name)
    return drawing("ROC curve", plot.render(), keys=_legend(report))


def _precision_recall(report: Report) -> str:
    labels = report.judged.labels
    rate = float(labels.mean()) if len(labels) else 0.0
    plot = Plot(
        f"Precision by recall, every model; {rate:.1%} of the rows are positive",
        Axis(0, 1, "recall"),
        Axis(0, 1, "precision"),
    )
    plot.guide([(0, rate), (1, rate)], f"all flagged: {rate:.1%}")
    for name, css, model in reversed(report.models()):
        plot.line(curves.precision_recall(model.scores, labels), css, name)
    return drawing("Precision and recall", plot.render(), keys=_legend(report))


def _calibration(report: Report) -> str:
    labels = report.judged.labels
    found = [(n, c, curves.calibration(m.scores, labels)) for n, c, m in report.models()]
    spans = curves.calibration_spans(report.judged.challenger.scores, labels)
    most = max([*(v for _, _, points in found for p in points for v in p), *(s[2] for s in spans)])
    top = min(1.05 * most, 1.0) or 1.0
    plot = Plot(
        "Observed share of positives by mean score, in ten bins of equal numbers of rows",
        Axis(0, top, "mean score"),
        Axis(0, top, "observed share"),
    )
    plot.guide([(0, 0), (top, top)])
    plot.whiskers(spans, "s1")
    plot.lines(found)
    return drawing(
        "Calibration",
        plot.render(),
        keys=_legend(report),
        note="Ten bins of equal numbers of rows, with 90 % Wilson intervals; on the dashed line a "
        "score is a probability.",
    )


def _scores(report: Report) -> str:
    model, labels = report.judged.challenger, report.judged.labels
    threshold = report.evaluation.challenger.threshold
    top = float(np.quantile(model.scores, 0.999)) if len(model.scores) else 1.0
    top = min(max(1.05 * top, 1.1 * (threshold or 0.0), 1e-6), 1.0)
    edges = curves.even_edges(0.0, top)
    negative = curves.shares(model.scores[labels == 0], edges)
    positive = curves.shares(model.scores[labels == 1], edges)
    plot = Plot(
        "Distribution of the challenger's scores by outcome",
        Axis(0, top, "challenger's score"),
        Axis(0, 1.08 * (max([*negative, *positive]) or 1.0), "share of the outcome", percent=True),
    )
    plot.bars(edges, negative, "s2")
    plot.bars(edges, positive, "s1")
    if threshold is not None:
        high = max([*negative, *positive]) or 1.0
        plot.guide([(threshold, 0), (threshold, 1.07 * high)], "threshold")
    return drawing(
        "Scores by outcome",
        plot.render(),
        keys=[("positive", "s1"), ("negative", "s2")],
        css="fill",
    )


def _confusion(report: Report) -> str:
    model = report.judged.challenger
    counts = curves.confusion(model.decisions, report.judged.labels, 2)
    threshold = report.evaluation.challenger.threshold
    is_ = f", {threshold:.4f}" if threshold is not None else ""
    return drawing(
        "Decisions at the threshold",
        matrix(f"Confusion matrix at the threshold{is_}", ["negative", "positive"], counts),
        note=f"A row is positive where its score reaches the threshold{is_}. Shares are of the "
        "actual outcome.",
    )


def _swap(report: Report) -> str:
    comparison = report.evaluation.comparison
    swap = comparison.swap if comparison else None
    if comparison is None or swap is None:
        return ""
    rows = []
    for words, count, positives in (
        ("newly flagged", swap.newly_flagged, swap.newly_flagged_positives),
        ("no longer flagged", swap.no_longer_flagged, swap.no_longer_flagged_positives),
    ):
        part = positives / count if count else None
        rows.append([words, f"{count:,}", f"{positives:,}", share(part), meter(part or 0.0, "s1")])
    listed = table(["", "Rows", "Truly positive", "Share", ""], rows, "rows", numbers={1, 2, 3})
    return drawing("Swap set", listed, note=SWAP)


def _legend(report: Report) -> list[tuple[str, str]]:
    return [(name, css) for name, css, _ in report.models()]
