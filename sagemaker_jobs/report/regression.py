"""Curves of a model that predicts a value."""

import numpy as np

from sagemaker_jobs.report import curves
from sagemaker_jobs.report.axis import Axis, around
from sagemaker_jobs.report.context import Floats, Report
from sagemaker_jobs.report.html import Chapter, drawing, grid
from sagemaker_jobs.report.svg import Plot

CELLS = 44
TAIL = 0.005
"""Axes end at these quantiles: a few extreme rows would squeeze all others into a corner."""


def regression_curves(report: Report) -> Chapter:
    """Predicted against actual, residuals, calibration by decile, errors cumulated."""
    drawn = [_scatter(report), _residuals(report), _calibration(report), _errors(report)]
    return Chapter("curves", "Predictions and errors", grid(drawn))


def _scatter(report: Report) -> str:
    actual, predicted = report.judged.labels, report.judged.challenger.scores
    low, high = _range(np.concatenate([actual, predicted]))
    plot = Plot(
        "Actual by predicted values: the darker, the more rows",
        Axis(low, high, "predicted"),
        Axis(low, high, "actual"),
    )
    edges = np.linspace(low, high, CELLS + 1)
    counts, _, _ = np.histogram2d(
        np.clip(predicted, low, high), np.clip(actual, low, high), bins=[edges, edges]
    )
    top = float(counts.max()) or 1.0
    plot.cells(
        [
            (edges[i], edges[i + 1], edges[j], edges[j + 1], float(np.sqrt(counts[i, j] / top)))
            for i, j in np.argwhere(counts > 0).tolist()
        ]
    )
    plot.guide([(low, low), (high, high)])
    return drawing(
        "Predicted and actual",
        plot.render(),
        note="The darker a cell, the more rows; on the dashed line predictions are exact. Values "
        "beyond the 0.5 % and 99.5 % quantiles are drawn at the edge.",
    )


def _residuals(report: Report) -> str:
    labels = report.judged.labels
    found = [(name, css, labels - model.scores) for name, css, model in report.models()]
    reach = max(max(map(abs, _range(values))) for _, _, values in found) or 1.0
    edges = curves.even_edges(-reach, reach, 41)
    drawn = [(name, css, curves.shares(values, edges)) for name, css, values in found]
    top = max(max(values) for _, _, values in drawn) or 1.0
    plot = Plot(
        "Distribution of the residuals, every model",
        Axis(-reach, reach, "actual minus predicted"),
        Axis(0, 1.08 * top, "share of rows", percent=True),
    )
    middles = [(a + b) / 2 for a, b in zip(edges, edges[1:], strict=False)]
    for name, css, values in reversed(drawn):
        if css == "s1":
            plot.bars(edges, values, css)
        else:
            plot.line(list(zip(middles, values, strict=True)), css, name)
    plot.guide([(0, 0), (0, top)])
    return drawing("Residuals", plot.render(), keys=[(n, c) for n, c, _ in drawn])


def _calibration(report: Report) -> str:
    labels = report.judged.labels
    found = [(n, c, curves.calibration(m.scores, labels)) for n, c, m in report.models()]
    values = [v for _, _, points in found for point in points for v in point]
    axis = around(values)
    plot = Plot(
        "Mean actual by mean predicted value, in ten bins of equal numbers of rows",
        Axis(axis.low, axis.high, "mean predicted"),
        Axis(axis.low, axis.high, "mean actual"),
    )
    plot.guide([(axis.low, axis.low), (axis.high, axis.high)])
    plot.lines(found)
    return drawing(
        "Calibration",
        plot.render(),
        keys=[(n, c) for n, c, _ in found],
        note="Ten bins of equal numbers of rows, by the predicted value.",
    )


def _errors(report: Report) -> str:
    labels = report.judged.labels
    found = [
        (name, css, np.sort(np.abs(labels - model.scores))) for name, css, model in report.models()
    ]
    reach = max(float(np.quantile(values, 0.99)) for _, _, values in found) or 1.0
    plot = Plot(
        "Share of rows whose error is at most a value, every model",
        Axis(0, reach, "absolute error"),
        Axis(0, 1, "share of rows", percent=True),
    )
    places = np.linspace(0, reach, 100)
    for name, css, values in reversed(found):
        parts = np.searchsorted(values, places, side="right") / max(len(values), 1)
        plot.line(list(zip(places.tolist(), parts.tolist(), strict=True)), css, name)
    return drawing(
        "Rows within an error",
        plot.render(),
        keys=[(n, c) for n, c, _ in found],
        note="The higher, the better: how many rows are predicted to within so much.",
    )


def _range(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [TAIL, 1 - TAIL]).tolist()
    return (low, high) if high > low else (low - 0.5, high + 0.5)
