"""The SHAP beeswarm: a dot a row, placed by its SHAP value, coloured by the feature's value."""

from html import escape

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.report.axis import nice_ticks
from sagemaker_jobs.report.context import Floats, ShapSample
from sagemaker_jobs.report.numbers import tick
from sagemaker_jobs.report.privacy import Privacy

MAX_FEATURES, MAX_ROWS = 20, 400
WIDTH, LEFT, RIGHT, TOP, ROW, BOTTOM = 780, 210, 14, 6, 26, 36
DOT, STEP = 3.4, 2.6
MAX_NAME = 30
COLOURS = 5


def beeswarm(sample: ShapSample, privacy: Privacy) -> str:
    """At most 20 features, the greatest mean absolute SHAP value first, of at most 400 rows.

    Dots that would lie on each other are set apart up and down: the same sample always gives the
    same picture. Categories, and personal columns, have no colour.
    """
    rows = np.unique(
        np.linspace(0, len(sample.values) - 1, min(MAX_ROWS, len(sample.values))).astype(int)
    )
    values, inputs = sample.values[rows], sample.inputs[rows]
    order = np.argsort(-np.abs(sample.values).mean(axis=0), kind="stable")[:MAX_FEATURES]
    reach = 1.02 * float(np.abs(values[:, order]).max()) if len(rows) and len(order) else 1.0
    reach = reach or 1.0
    height = TOP + ROW * len(order) + BOTTOM
    parts = [
        '<svg role="img" aria-label="SHAP values of the most important features, a dot a row" '
        f'viewBox="0 0 {WIDTH} {height}">',
        _frame(reach, len(order), height),
    ]
    for place, feature in enumerate(order.tolist()):
        name = sample.features[feature]
        middle = TOP + (place + 0.5) * ROW
        short = name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
        parts.append(
            f'<text class="strong" x="{LEFT - 10}" y="{middle + 4:g}" text-anchor="end">'
            f"<title>{escape(name)}</title>{escape(short)}</text>"
        )
        plain = name in sample.categorical or privacy.hides(name)
        parts.append(_dots(values[:, feature], inputs[:, feature], middle, reach, plain=plain))
    return "".join([*parts, "</svg>"])


def _x(values: Floats, reach: float) -> Floats:
    return LEFT + (values / reach + 1) / 2 * (WIDTH - LEFT - RIGHT)


def _dots(values: Floats, inputs: Floats, middle: float, reach: float, *, plain: bool) -> str:
    x, offsets = _x(values, reach), swarm(_x(values, reach))
    colours = np.full(len(x), -1) if plain else quantile_colours(inputs)
    found = []
    for colour in np.unique(colours).tolist():
        path = "".join(
            f"M{a:.1f} {middle + b:.1f}h0"
            for a, b in zip(x[colours == colour], offsets[colours == colour], strict=True)
        )
        css = f"q{colour}" if colour >= 0 else "qx"
        found.append(f'<path class="dots {css}" stroke-width="{DOT}" d="{path}"/>')
    return "".join(found)


def swarm(x: Floats) -> Floats:
    """How far each dot is moved up or down, so that those of one place stand apart.

    Dots of the same `STEP` go alternately above and below; a crowded row is pressed together.
    """
    offsets = np.zeros(len(x))
    columns = np.floor(x / STEP).astype(np.int64)
    for column in np.unique(columns):
        members = np.flatnonzero(columns == column)
        ranks = np.arange(len(members))
        offsets[members] = np.where(ranks % 2, (ranks + 1) // 2, -(ranks // 2)) * STEP
    most = float(np.abs(offsets).max()) if len(x) else 0.0
    room = ROW / 2 - DOT / 2
    return offsets * (room / most) if most > room else offsets


def quantile_colours(inputs: Floats) -> NDArray[np.int64]:
    """The fifth of the feature's values that each row is in, 0 the least; -1 where missing."""
    colours = np.full(len(inputs), -1)
    present = np.isfinite(inputs)
    if present.any():
        edges = np.quantile(inputs[present], np.linspace(0, 1, COLOURS + 1)[1:-1])
        low, high = float(inputs[present].min()), float(inputs[present].max())
        if low == high:
            colours[present] = COLOURS // 2
        elif len(np.unique(edges)) < len(edges):  # few distinct values: by their place between
            scaled = (inputs[present] - low) / (high - low) * (COLOURS - 1)
            colours[present] = np.round(scaled).astype(int)
        else:
            colours[present] = np.searchsorted(edges, inputs[present], side="right")
    return colours


def _frame(reach: float, rows: int, height: int) -> str:
    floor = TOP + ROW * rows
    zero = float(_x(np.zeros(1), reach)[0])
    lines = "".join(f"M{LEFT} {TOP + (n + 0.5) * ROW:g}H{WIDTH - RIGHT}" for n in range(rows))
    texts = []
    for value in nice_ticks(-reach, reach, 7):
        x = float(_x(np.array([value]), reach)[0])
        texts.append(
            f'<text x="{x:.1f}" y="{floor + 13}" text-anchor="middle">{tick(value)}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    return (
        f'<path class="grid" d="{lines}"/><path class="guide" d="M{zero:.1f} {TOP}V{floor}"/>'
        + "".join(texts)
        + f'<text class="label" x="{middle:g}" y="{height - 5}" text-anchor="middle">'
        "SHAP value: what the feature adds to this row's score</text>"
    )
