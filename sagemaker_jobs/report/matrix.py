"""A confusion matrix as SVG: shaded by the share of its row."""

from collections.abc import Sequence
from html import escape
from typing import Any

LEFT, TOP, MAX_NAME = 92, 34, 13


def matrix(about: str, names: Sequence[str], counts: Any) -> str:
    """Actual outcomes as rows, decided ones as columns; counts and shares of the row in cells."""
    side = len(names)
    cell = max(min(288 // side, 110), 26)
    high = max(min(200 // side, 78), 22)
    width, height = LEFT + side * cell + 4, TOP + side * high + 4
    parts = [
        f'<svg role="img" aria-label="{escape(about)}" viewBox="0 0 {width} {height}" '
        f'style="max-width:{round(1.35 * width)}px">',
        f'<text class="label" x="{LEFT + side * cell / 2:g}" y="11" text-anchor="middle">'
        "decided</text>",
        f'<text class="label" transform="translate(10 {TOP + side * high / 2:g}) rotate(-90)" '
        'text-anchor="middle">actual</text>',
    ]
    for place, name in enumerate(names):
        short = escape(name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…")
        column = short if cell >= 60 else escape(name[: max(cell // 7, 2)])
        middle = TOP + (place + 0.5) * high
        parts.append(
            f'<text class="strong" x="{LEFT + (place + 0.5) * cell:g}" y="{TOP - 6}" '
            f'text-anchor="middle"><title>{escape(name)}</title>{column}</text>'
            f'<text class="strong" x="{LEFT - 6}" y="{middle + 4:g}" text-anchor="end">'
            f"<title>{escape(name)}</title>{short}</text>"
        )
        parts += _row(counts[place], place, middle, cell, high)
    return "".join([*parts, "</svg>"])


def _row(counts: Any, row: int, middle: float, cell: int, high: int) -> list[str]:
    total = max(int(counts.sum()), 1)
    found = []
    for place, value in enumerate(counts.tolist()):
        part = value / total
        left = LEFT + place * cell
        on = " on" if part > 0.55 else ""
        rounded = f"{part:.0%}" if high < 40 else f"{part:.1%}"
        second = (
            f'<text class="strong{on}" x="{left + cell / 2:g}" y="{middle + 13:g}" '
            f'text-anchor="middle">{rounded}</text>'
            if high >= 40
            else ""
        )
        first = f"{value:,}" if high >= 40 or cell >= 40 else rounded
        parted = 0.06 + 0.94 * part if value else 0.03
        found.append(
            f'<rect class="cell" x="{left + 1}" y="{middle - high / 2 + 1:g}" '
            f'width="{cell - 2}" height="{high - 2}" rx="3" fill-opacity="{parted:.2f}">'
            f"<title>{value:,} rows, {part:.1%} of the actual ones</title></rect>"
            f'<text class="strong{on}" x="{left + cell / 2:g}" '
            f'y="{middle + (-2 if high >= 40 else 4):g}" text-anchor="middle">{first}</text>'
            f"{second}"
        )
    return found
