"""Pieces of HTML that pages are made of. Texts are escaped by whoever makes the piece."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from dropforge.evaluation import Interval
from dropforge.metrics import Metric
from sagemaker_jobs.report.numbers import bounds, figure

NO_NUMBERS: Collection[int] = ()


@dataclass(frozen=True)
class Chapter:
    """A titled part of a page, which its table of contents links to."""

    id: str
    title: str
    body: str

    def render(self) -> str:
        """The part."""
        return (
            f'<section id="{self.id}" aria-labelledby="{self.id}-title">'
            f'<h2 id="{self.id}-title">{escape(self.title)}</h2>{self.body}</section>'
        )


def page(title: str, style: str, head: str, chapters: Sequence[Chapter]) -> str:
    """A whole document: one file, nothing loaded, a table of contents beside the chapters."""
    links = "".join(f'<li><a href="#{c.id}">{escape(c.title)}</a></li>' for c in chapters)
    contents = f'<nav aria-label="Chapters"><ol>{links}</ol></nav>' if len(chapters) > 1 else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f'<body><div class="page{" parts" if contents else ""}">{contents}<main>{head}'
        + "".join(chapter.render() for chapter in chapters)
        + "</main></div></body></html>\n"
    )


def section(title: str, body: str) -> str:
    """A titled part of a page without contents."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    css: str = "",
    *,
    numbers: Collection[int] = NO_NUMBERS,
) -> str:
    """A table of cells that are HTML already; `numbers` are the columns set to the right."""

    def css_of(place: int) -> str:
        return ' class="n"' if place in numbers else ""

    header = "".join(f'<th scope="col"{css_of(n)}>{cell}</th>' for n, cell in enumerate(head))
    body = "".join(
        "<tr>" + "".join(f"<td{css_of(n)}>{cell}</td>" for n, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    top = f"<thead><tr>{header}</tr></thead>" if any(head) else ""
    return f'<div class="scroll"><table class="{css}">{top}<tbody>{body}</tbody></table></div>'


def legend(keys: Sequence[tuple[str, str]]) -> str:
    """The key of a picture's colours, as (name, CSS class)."""
    parts = "".join(f'<span class="key {css}"><i></i>{escape(name)}</span>' for name, css in keys)
    return f'<p class="legend">{parts}</p>' if parts else ""


def drawing(
    title: str, svg: str, *, keys: Sequence[tuple[str, str]] = (), note: str = "", css: str = ""
) -> str:
    """A picture with its caption, the key of its colours as (name, CSS class), and a remark."""
    return (
        f'<figure class="{css}"><figcaption>{escape(title)}</figcaption>'
        + legend(keys)
        + svg
        + (f'<p class="note">{note}</p>' if note else "")
        + "</figure>"
    )


def grid(figures: Iterable[str], css: str = "charts") -> str:
    """Pictures beside each other."""
    return f'<div class="{css}">{"".join(figures)}</div>'


def note(text: str) -> str:
    """A remark, HTML already."""
    return f'<p class="note">{text}</p>'


def interval(metric: Metric, found: Interval, *, signed: bool = False) -> str:
    """A figure and, smaller, its interval."""
    value = figure(metric, found.value, sign=signed)
    return f"{value} <small>{bounds(metric, found, sign=signed)}</small>"


def outcome(word: str) -> str:
    """A rule's outcome: a sign, a word, and a colour, so that none is needed alone."""
    sign = {"passed": "✓", "failed": "✕"}.get(word, "–")
    return f'<span class="{word.replace(" ", "-")}">{sign}&nbsp;{escape(word)}</span>'


def meter(part: float, css: str = "s1") -> str:
    """A bar in a table's cell; a part of 1 is as long as the bar's track."""
    width = 110 * min(max(part, 0.0), 1.0)
    return f'<span class="meter"><i class="{css}" style="width:{width:.0f}px"></i></span>'


def code(text: str) -> str:
    """A command or a name to be typed."""
    return f"<code>{escape(text)}</code>"
