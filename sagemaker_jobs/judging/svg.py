"""Small charts as inline SVG: no script, no network, good in print."""

from collections.abc import Sequence
from html import escape

Point = tuple[float, float]

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 360, 260, 44, 36, 12, 12


def line_chart(
    title: str,
    series: Sequence[tuple[str, str, Sequence[Point]]],
    x_label: str,
    y_label: str,
    *,
    diagonal: bool = False,
    markers: bool = False,
) -> str:
    """Lines over the unit square: (name, CSS class, points) each."""
    parts = [_frame(title, x_label, y_label)]
    if diagonal:
        parts.append(f'<path class="guide" d="{_path([(0, 0), (1, 1)])}"/>')
    for name, css, points in series:
        parts.append(
            f'<path class="line {css}" d="{_path(points)}"><title>{escape(name)}</title></path>'
        )
        if markers:
            parts += [
                f'<circle class="dot {css}" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3"/>'
                for x, y in points
            ]
    for place, (name, css, _) in enumerate(series):
        y = HEIGHT - BOTTOM - 14 - 16 * (len(series) - 1 - place)
        parts.append(
            f'<rect class="key {css}" x="{WIDTH - 140}" y="{y - 8}" width="12" height="3"/>'
        )
        parts.append(f'<text x="{WIDTH - 122}" y="{y - 3}">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


def histogram(
    title: str, series: Sequence[tuple[str, str, Sequence[float]]], x_label: str, mark: float
) -> str:
    """Shares per bin over [0, 1] as overlaid bars, with a line at the decision threshold."""
    top = max((max(values, default=0.0) for _, _, values in series), default=0.0) or 1.0
    parts = [_frame(title, x_label, "share of rows", top)]
    for name, css, values in series:
        width = 1.0 / max(len(values), 1)
        for place, value in enumerate(values):
            height = value / top
            parts.append(
                f'<rect class="bar {css}" x="{_x(place * width):.1f}" y="{_y(height):.1f}" '
                f'width="{(_x(width) - _x(0)) * 0.92:.1f}" height="{_y(0) - _y(height):.1f}">'
                f"<title>{escape(name)}: {value:.1%}</title></rect>"
            )
    x = _x(min(max(mark, 0.0), 1.0))
    parts.append(f'<path class="guide" d="M{x:.1f} {_y(0):.1f}V{_y(1):.1f}"/>')
    parts.append(f'<text x="{x + 4:.1f}" y="{_y(1) + 10:.1f}">threshold</text>')
    for place, (name, css, _) in enumerate(series):
        y = TOP + 28 + 16 * place
        parts.append(
            f'<rect class="bar {css}" x="{WIDTH - 110}" y="{y - 8}" width="10" height="8"/>'
        )
        parts.append(f'<text x="{WIDTH - 94}" y="{y}">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


def _frame(title: str, x_label: str, y_label: str, top: float = 1.0) -> str:
    ticks = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        ticks.append(f'<path class="grid" d="M{_x(0)} {_y(share):.1f}H{_x(1)}"/>')
        ticks.append(
            f'<text class="tick" x="{LEFT - 6}" y="{_y(share) + 3:.1f}" '
            f'text-anchor="end">{share * top:.2g}</text>'
        )
        ticks.append(
            f'<text class="tick" x="{_x(share):.1f}" y="{_y(0) + 14:.1f}" '
            f'text-anchor="middle">{share:g}</text>'
        )
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        + "".join(ticks)
        + _label(x_label, f'x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}"')
        + _label(y_label, f'transform="translate(11 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"')
    )


def _label(text: str, place: str) -> str:
    return f'<text class="label" {place} text-anchor="middle">{escape(text)}</text>'


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{_x(x):.1f} {_y(y):.1f}" for x, y in points)


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
