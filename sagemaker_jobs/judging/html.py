"""Pieces of HTML that the report is made of."""

from collections.abc import Iterable, Sequence
from html import escape

from dropforge.evaluation import Interval


def interval(figure: Interval, *, signed: bool = False) -> str:
    """A figure and, smaller, its interval."""
    form = "+.4f" if signed else ".4f"
    low, high = format(figure.low, form), format(figure.high, form)
    return f"{format(figure.value, form)} <small>({low} … {high})</small>"


def share(value: float | None) -> str:
    """A share in per cent, `n/a` where there is none."""
    return "n/a" if value is None else f"{value:.1%}"


def section(title: str, body: str) -> str:
    """A titled part of the report."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], css: str = "") -> str:
    """A table of cells that are HTML already."""
    header = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    top = f"<thead><tr>{header}</tr></thead>" if any(head) else ""
    return f'<table class="{css}">{top}<tbody>{body}</tbody></table>'
