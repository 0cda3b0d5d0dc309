"""A card a column: how it is distributed, and how the target goes with it."""

import math
from dataclasses import replace
from html import escape

import numpy as np

from sagemaker_jobs.report.axis import Axis, around
from sagemaker_jobs.report.document import Column
from sagemaker_jobs.report.numbers import number, tick
from sagemaker_jobs.report.relation import Relation, Target
from sagemaker_jobs.report.svg import Plot

WIDTH = 290
MAX_PARTS = 8
ROW, NAME, BAR, MEAN = 19, 100, 72, 80
MAX_NAME = 14


def card(column: Column, target: Target | None, *, title: str = "") -> str:
    """The column's name, its facts, and its pictures."""
    if column.kind == "date":
        column = _as_histogram(column)
    drawn = _histogram(column, target) if column.edges else _levels(column, target)
    return (
        f'<div class="column"><h4>{escape(title or column.name)}</h4>'
        f"<p>{escape(_facts(column, target))}</p>{drawn}</div>"
    )


def _facts(column: Column, target: Target | None) -> str:
    facts = []
    if column.missing:
        text = f"{column.missing / max(column.rows, 1):.1%} missing"
        if column.relation is not None and column.relation.missing is not None and target:
            text += f" (there {_mean(column.relation.missing, target)})"
        facts.append(text)
    if column.distinct is not None:
        facts.append(f"{column.distinct:,} distinct")
    if column.edges and column.mean is not None:
        facts.append(f"mean {number(column.mean)}")
    return ", ".join(facts) or "no value is missing"


def _mean(means: np.ndarray, target: Target) -> str:
    if len(target.parts) > 1:
        return f"mostly {target.parts[int(np.argmax(means))]}"
    return f"{means[0]:.1%}" if target.is_share else f"mean {number(float(means[0]))}"


def _histogram(column: Column, target: Target | None) -> str:
    ticks = _date_ticks(column) if column.kind == "date" else None
    axis = Axis(column.edges[0], column.edges[-1], ticks=ticks, count=4)
    top = max(column.counts) or 1
    plot = Plot(
        f"Distribution of {column.name}",
        axis,
        Axis(0, 1.05 * top, count=2),
        width=WIDTH,
        height=96,
        left=40,
    )
    plot.bars(column.edges, column.counts, "s8 solid")
    if target is None or column.relation is None:
        return plot.render()
    return plot.render() + _deciles(column, column.relation, target, axis)


def _as_histogram(column: Column) -> Column:
    """Dates lie side by side: a bar a month, or a year."""
    bars = len(column.labels)
    return replace(
        column,
        edges=tuple(map(float, range(bars + 1))) if bars else (),
        at=tuple(place + 0.5 for place in range(bars)),
    )


def _date_ticks(column: Column) -> list[tuple[float, str]]:
    step = max(1, math.ceil(len(column.labels) / 4))
    return [(n + 0.5, column.labels[n]) for n in range(0, len(column.labels), step)]


def _deciles(column: Column, relation: Relation, target: Target, axis: Axis) -> str:
    """The target's means over the same axis as the histogram, a dot a decile."""
    lines = [
        [
            (at, float(mean))
            for at, mean in zip(column.at, relation.means[:, part], strict=False)
            if math.isfinite(mean) and math.isfinite(at)
        ]
        for part in range(min(relation.means.shape[1], MAX_PARTS))
    ]
    values = [mean for points in lines for _, mean in points]
    if not values:
        return ""
    found = around(values, 0.15)
    low = max(found.low, 0.0) if target.is_share else found.low
    high = min(found.high, 1.0) if target.is_share else found.high
    plot = Plot(
        f"{', '.join(target.parts[:MAX_PARTS])} by decile of {column.name}",
        Axis(axis.low, axis.high, ticks=[]),
        Axis(low, high, ticks=_ends(values, target)),
        width=WIDTH,
        height=74,
        left=40,
        bottom=22,
    )
    for part, points in enumerate(lines):
        plot.line(points, f"s{part + 1}", target.parts[part])
        plot.dots(points, f"s{part + 1}", 2.4)
    return plot.render()


def _ends(values: list[float], target: Target) -> list[tuple[float, str]]:
    """The least and the greatest mean, which say more here than round numbers."""
    return [
        (value, f"{value:.1%}" if target.is_share else tick(value))
        for value in sorted({min(values), max(values)})
    ]


def _levels(column: Column, target: Target | None) -> str:
    """A line a value: its name, a bar of its rows, and the target's mean in it."""
    names = list(column.labels)
    counts = list(column.counts)
    if column.merged_rows:
        names.append(f"{column.merged:,} others")
        counts.append(column.merged_rows)
    most = max(counts, default=1) or 1
    scale = _scale(column.relation, target)
    parts = []
    for place, (name, rows) in enumerate(zip(names, counts, strict=True)):
        y = place * ROW
        short = name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
        parts.append(
            f'<text class="strong" x="{NAME - 5}" y="{y + 13}" text-anchor="end">'
            f"<title>{escape(name)}</title>{escape(short)}</text>"
            f'<path class="bar s8 solid" d="M{NAME} {y + 3}h{max(BAR * rows / most, 1):.1f}v12'
            f'H{NAME}z"/><text x="{NAME + BAR * rows / most + 4:.1f}" y="{y + 13}">'
            f"{tick(rows)}</text>"
        )
        if column.relation is not None and target is not None:
            parts.append(_level_mean(column.relation.means[place], target, scale, y))
    height = len(names) * ROW + 4
    return (
        f'<svg role="img" aria-label="{escape(f"Values of {column.name} and their rows")}" '
        f'viewBox="0 0 {WIDTH} {height}">{"".join(parts)}</svg>'
    )


def _scale(relation: Relation | None, target: Target | None) -> Axis:
    if relation is None or target is None or len(target.parts) > 1:
        return Axis(0, 1)
    found = relation.means[np.isfinite(relation.means)].tolist()
    if target.is_share:
        return Axis(0, max(found, default=1.0) or 1.0)
    return Axis(min([0.0, *found]), max([0.0, *found]) or 1.0)


def _level_mean(means: np.ndarray, target: Target, scale: Axis, y: int) -> str:
    left = WIDTH - MEAN
    if not np.isfinite(means).all():
        return ""
    if len(target.parts) > 1:  # shares of the classes beside each other
        found, at = [], float(left)
        for part, mean in enumerate(means.tolist()[:MAX_PARTS]):
            width = mean * MEAN
            path = f"M{at:.1f} {y + 3}h{width:.1f}v12H{at:.1f}z"
            found.append(
                f'<path class="bar solid s{part + 1}" d="{path}">'
                f"<title>{escape(target.parts[part])}: {mean:.1%}</title></path>"
            )
            at += width
        return "".join(found)
    mean = float(means[0])
    text = f"{mean:.1%}" if target.is_share else number(mean, 3)
    x = left + scale.part(mean) * (MEAN - 42)
    return (
        f'<path class="grid" d="M{left} {y + 9}H{WIDTH - 42}"/>'
        f'<path class="dots s1" stroke-width="7" d="M{x:.1f} {y + 9}h0"/>'
        f'<text x="{WIDTH}" y="{y + 13}" text-anchor="end">{text}</text>'
    )
