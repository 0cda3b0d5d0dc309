"""Curves of a model with three outcomes or more."""

from html import escape
from typing import Any

import numpy as np

from sagemaker_jobs.report import curves
from sagemaker_jobs.report.axis import Axis
from sagemaker_jobs.report.context import Report, ScoredRows
from sagemaker_jobs.report.html import Chapter, drawing, grid, table
from sagemaker_jobs.report.matrix import matrix
from sagemaker_jobs.report.numbers import share
from sagemaker_jobs.report.svg import Plot

MAX_CURVES = 8
MAX_MATRIX = 20
MAX_BARS = 12


def multiclass_curves(report: Report) -> Chapter:
    """The confusion matrix, ROC of each class against the rest, calibration, and every class."""
    drawn = [_confusion(report), _roc(report), _calibration(report)]
    if len(report.classes) <= MAX_BARS:
        drawn.append(_recalls(report))
    return Chapter("curves", "Classes and decisions", grid(drawn) + _classes(report))


def _confusion(report: Report) -> str:
    names, labels = report.classes, report.judged.labels
    counts = curves.confusion(report.judged.challenger.decisions, labels, len(names))
    said = "Shares are of the actual class."
    if len(names) > MAX_MATRIX:
        names, counts = _merged(names, counts)
        said += f" The classes with the fewest rows, beyond {MAX_MATRIX - 1}, are merged."
    return drawing(
        "Decisions",
        matrix("Confusion matrix: actual by decided class", names, counts),
        note=said,
        css="broad" if len(names) > 6 else "",
    )


def _merged(names: list[str], counts: Any) -> tuple[list[str], Any]:
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: MAX_MATRIX - 1])
    group = np.full(len(names), len(kept))
    group[kept] = np.arange(len(kept))
    merged = np.zeros((len(kept) + 1, len(kept) + 1), dtype=np.int64)
    np.add.at(merged, (group[:, None], group[None, :]), counts)
    return [*(names[place] for place in kept), "others"], merged


def _roc(report: Report) -> str:
    labels, scores = report.judged.labels, report.judged.challenger.scores
    plot = Plot(
        "ROC curve of each class against the rest",
        Axis(0, 1, "false positive rate"),
        Axis(0, 1, "true positive rate"),
    )
    plot.guide([(0, 0), (1, 1)])
    legend: list[tuple[str, str]] = []
    for place in _commonest(report)[:MAX_CURVES]:
        css = f"s{len(legend) + 1}"
        plot.line(curves.roc(scores[:, place], labels == place), css, report.classes[place])
        legend.append((report.classes[place], css))
    more = len(report.classes) - len(legend)
    return drawing(
        "ROC curve, each class against the rest",
        plot.render(),
        keys=legend,
        note=f"The commonest classes; {more} more are in the table." if more else "",
    )


def _calibration(report: Report) -> str:
    labels = report.judged.labels
    found = []
    for name, css, model in report.models():
        surest, hit = model.scores.max(axis=1), model.scores.argmax(axis=1) == labels
        found.append((name, css, curves.calibration(surest, hit.astype(np.float64))))
    low = 0.95 * min(v for _, _, points in found for p in points for v in p)
    plot = Plot(
        "Share of right decisions by the decided class's probability",
        Axis(low, 1, "probability of the decided class"),
        Axis(low, 1, "share decided rightly"),
    )
    plot.guide([(low, low), (1, 1)])
    plot.lines(found)
    return drawing(
        "Calibration of the decision",
        plot.render(),
        keys=[(n, c) for n, c, _ in found],
        note="Ten bins of equal numbers of rows.",
    )


def _recalls(report: Report) -> str:
    labels, models = report.judged.labels, report.models()
    names = [name if len(name) < 12 else f"{name[:10]}…" for name in report.classes]
    plot = Plot(
        "Recall of each class, every model",
        Axis(0, len(names), ticks=[(n + 0.5, name) for n, name in enumerate(names)]),
        Axis(0, 1, "recall"),
    )
    width = 0.7 / len(models)
    for number, (_, css, model) in enumerate(models):
        for place in range(len(names)):
            recall, _ = _rates(model, labels == place, place)
            left = place + 0.15 + number * width
            plot.bars([left, left + width], [recall or 0.0], f"{css} solid")
    return drawing(
        "Recall of each class", plot.render(), keys=[(n, c) for n, c, _ in models], css="fill"
    )


def _classes(report: Report) -> str:
    labels = report.judged.labels
    new, old = report.judged.challenger, report.judged.champion
    head = ["Class", "Rows", "Decided", "Recall", "Precision", "AUC against the rest"]
    if old is not None:
        head += ["Champion's recall", "precision"]
    rows = []
    for place, name in enumerate(report.classes):
        actual = labels == place
        recall, precision = _rates(new, actual, place)
        area = curves.auc(new.scores[:, place], actual)
        cells = [
            escape(name),
            f"{int(actual.sum()):,}",
            f"{int((np.asarray(new.decisions) == place).sum()):,}",
            share(recall),
            share(precision),
            "n/a" if area != area else f"{area:.4f}",
        ]
        if old is not None:
            cells += [share(value) for value in _rates(old, actual, place)]
        rows.append(cells)
    return "<h3>Every class</h3>" + table(head, rows, "rows", numbers=range(1, len(head)))


def _rates(model: ScoredRows, actual: Any, place: int) -> tuple[float | None, float | None]:
    decided = np.asarray(model.decisions) == place
    both = int((decided & actual).sum())
    recall = both / int(actual.sum()) if actual.any() else None
    return recall, both / int(decided.sum()) if decided.any() else None


def _commonest(report: Report) -> list[int]:
    counts = np.bincount(
        np.asarray(report.judged.labels).astype(np.int64), minlength=len(report.classes)
    )
    order: list[int] = np.argsort(-counts, kind="stable").tolist()
    return [place for place in order if counts[place]]
