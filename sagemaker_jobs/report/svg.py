"""Charts as inline SVG: no script, no network, good in print. Colours are CSS classes."""

import math
from collections.abc import Sequence
from html import escape

from sagemaker_jobs.report.axis import Axis, Point


class Plot:
    """One pair of axes, to which marks are added. `about` is read to those who cannot see it."""

    def __init__(
        self,
        about: str,
        x: Axis,
        y: Axis,
        *,
        width: int = 380,
        height: int = 250,
        left: float | None = None,
        bottom: int = 38,
    ) -> None:
        self._x, self._y, self._about = x, y, about
        self._width, self._height = width, height
        room = 12 + 6.2 * max((len(text) for _, text in y.marks()), default=0)
        self._left = left if left is not None else max(room + (14 if y.label else 0), 40)
        self._right, self._top = 10, 8
        self._bottom = bottom if x.label else bottom - 16
        self._parts: list[str] = []

    def x(self, value: float) -> float:
        """A value's horizontal place."""
        return self._left + self._x.part(value) * (self._width - self._left - self._right)

    def y(self, value: float) -> float:
        """A value's vertical place."""
        room = self._height - self._bottom - self._top
        return self._height - self._bottom - self._y.part(value) * room

    def line(self, points: Sequence[Point], css: str, name: str = "") -> None:
        """A line through the points."""
        if points:
            self._parts.append(
                f'<path class="line {css}" d="{self._path(points)}">{_title(name)}</path>'
            )

    def guide(self, points: Sequence[Point], text: str = "") -> None:
        """A dashed line to compare with, and what it is."""
        self._parts.append(f'<path class="guide" d="{self._path(points)}"/>')
        if text:
            x, y = self.x(points[-1][0]), self.y(points[-1][1])
            end = x > self._width * 0.7
            self._parts.append(
                f'<text x="{x + (-4 if end else 4):.1f}" y="{y + 10:.1f}" '
                f'text-anchor="{"end" if end else "start"}">{escape(text)}</text>'
            )

    def dots(self, points: Sequence[Point], css: str, radius: float = 3.0) -> None:
        """Dots; one path for all of them."""
        if points:
            path = "".join(f"M{self.x(x):.1f} {self.y(y):.1f}h0" for x, y in points)
            self._parts.append(
                f'<path class="dots {css}" stroke-width="{2 * radius:g}" d="{path}"/>'
            )

    def lines(self, named: Sequence[tuple[str, str, Sequence[Point]]]) -> None:
        """Lines with dots by name and class, the first on top."""
        for name, css, points in reversed(named):
            self.line(points, css, name)
            self.dots(points, css)

    def bars(
        self, edges: Sequence[float], heights: Sequence[float], css: str, *, base: float = 0.0
    ) -> None:
        """Bars between consecutive edges; one path for all of them."""
        path = []
        for left, right, height in zip(edges, edges[1:], heights, strict=False):
            if height == base:
                continue
            x0, x1, y = self.x(left), self.x(right), self.y(height)
            gap = min(0.12 * (x1 - x0), 1.0)
            path.append(
                f"M{x0 + gap:.1f} {self.y(base):.1f}V{y:.1f}H{x1 - gap:.1f}V{self.y(base):.1f}z"
            )
        if path:
            self._parts.append(f'<path class="bar {css}" d="{"".join(path)}"/>')

    def whiskers(self, spans: Sequence[tuple[float, float, float]], css: str) -> None:
        """Vertical intervals: (x, low, high) each."""
        path = "".join(
            f"M{self.x(x):.1f} {self.y(low):.1f}V{self.y(high):.1f}" for x, low, high in spans
        )
        if path:
            self._parts.append(f'<path class="whisker {css}" d="{path}"/>')

    def cells(self, places: Sequence[tuple[float, float, float, float, float]]) -> None:
        """Shaded rectangles: (x0, x1, y0, y1, strength from 0 to 1) each, in eight shades."""
        shades: dict[int, list[str]] = {}
        for x0, x1, y0, y1, strength in places:
            path = f"M{self.x(x0):.1f} {self.y(y0):.1f}H{self.x(x1):.1f}V{self.y(y1):.1f}"
            shades.setdefault(max(1, math.ceil(8 * strength)), []).append(
                f"{path}H{self.x(x0):.1f}z"
            )
        for shade, paths in sorted(shades.items()):
            self._parts.append(
                f'<path class="cell" fill-opacity="{0.1 + 0.9 * shade / 8:.2f}" '
                f'd="{"".join(paths)}"/>'
            )

    def render(self) -> str:
        """The chart."""
        return (
            f'<svg role="img" aria-label="{escape(self._about)}" '
            f'viewBox="0 0 {self._width} {self._height}">'
            + self._frame()
            + "".join(self._parts)
            + "</svg>"
        )

    def _frame(self) -> str:
        floor = self._height - self._bottom
        lines, texts = [], []
        for value, text in self._y.marks():
            y = self.y(value)
            lines.append(f"M{self._left:g} {y:.1f}H{self._width - self._right}")
            place = f'x="{self._left - 5:g}" y="{y + 3.5:.1f}" text-anchor="end"'
            texts.append(f"<text {place}>{escape(text)}</text>")
        for value, text in self._x.marks():
            x = self.x(value)
            end = "end" if x > self._width - 2 * self._right else "middle"
            texts.append(
                f'<text x="{x:.1f}" y="{floor + 13}" text-anchor="{end}">{escape(text)}</text>'
            )
        middle = (self._left + self._width - self._right) / 2
        if self._x.label:
            texts.append(_label(self._x.label, f'x="{middle:g}" y="{self._height - 5}"'))
        if self._y.label:
            place = f'transform="translate(10 {(self._top + floor) / 2:g}) rotate(-90)"'
            texts.append(_label(self._y.label, place))
        return f'<path class="grid" d="{"".join(lines)}"/>' + "".join(texts)

    def _path(self, points: Sequence[Point]) -> str:
        return "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)


def whisker(
    axis: Axis,
    value: float,
    low: float,
    high: float,
    *,
    mark: float | None = None,
    other: float | None = None,
    about: str = "",
    css: str = "s1",
) -> str:
    """An interval lying in a table's cell, a line at `mark`, and a second model's value."""
    width, height, air = 220.0, 16, 6

    def x(at: float) -> float:
        return air + axis.part(at) * (width - 2 * air)

    line = f'<path class="guide" d="M{x(mark):.1f} 0V{height}"/>' if mark is not None else ""
    second = (
        f'<circle class="ring s2" cx="{x(other):.1f}" cy="{height / 2:g}" r="4"/>'
        if other is not None and math.isfinite(other)
        else ""
    )
    if not all(map(math.isfinite, (value, low, high))):
        return ""
    return (
        f'<svg class="cell" role="img" aria-label="{escape(about)}" '
        f'viewBox="0 0 {width:g} {height}">{line}'
        f'<path class="whisker {css}" d="M{x(low):.1f} {height / 2:g}H{x(high):.1f}'
        f'M{x(low):.1f} 4V12M{x(high):.1f} 4V12"/>{second}'
        f'<path class="dots {css}" stroke-width="8" d="M{x(value):.1f} {height / 2:g}h0"/></svg>'
    )


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""


def _label(text: str, place: str) -> str:
    return f'<text class="label" {place} text-anchor="middle">{escape(text)}</text>'
