"""The data chapter: a table of the columns, and a card with a picture for each."""

from collections.abc import Sequence
from html import escape

from sagemaker_jobs.report.cards import MAX_PARTS, card
from sagemaker_jobs.report.document import Column, DataDocument
from sagemaker_jobs.report.html import Chapter, grid, legend, meter, note, table
from sagemaker_jobs.report.numbers import count, number, share

MAX_CARDS = 150
KINDS = {
    "number": "number",
    "boolean": "yes or no",
    "text": "text",
    "date": "date",
    "personal": "personal",
    "other": "not shown",
}


def data_chapter(document: DataDocument, title: str = "Data") -> Chapter:
    """The columns, those that go with the target most first."""
    cells = sum(column.missing for column in document.columns)
    total = max(document.rows * len(document.columns), 1)
    said = (
        f"<p>{document.rows:,} rows of {len(document.columns)} columns; "
        f"{cells / total:.1%} of the values are missing.</p>"
    )
    said += "".join(note(escape(text)) for text in document.notes)
    ranked = _ranked(document.columns)
    shown = [column for column in ranked if column.counts][:MAX_CARDS]
    cards = [card(column, document.target) for column in shown]
    if document.outcome is not None:
        cards.insert(0, card(document.outcome, None, title=f"{document.outcome.name} (target)"))
    pictures = (
        f"<h3>Distributions</h3>{note(_explained(document))}{_key(document)}"
        f"{grid(cards, 'columns')}"
    )
    left = sum(1 for column in ranked if column.counts) - len(shown)
    more = note(f"{left} more columns are in the table only.") if left > 0 else ""
    body = said + _columns(document, ranked) + (pictures + more if cards else "")
    return Chapter("data", title, body)


def _key(document: DataDocument) -> str:
    """Which colour is which class."""
    if document.target is None or len(document.target.parts) < 2:
        return ""
    parts = document.target.parts[:MAX_PARTS]
    return '<div class="fill">' + legend([(p, f"s{n}") for n, p in enumerate(parts, 1)]) + "</div>"


def _ranked(columns: Sequence[Column]) -> list[Column]:
    return sorted(columns, key=lambda c: -(c.relation.explained if c.relation else 0.0))


def _columns(document: DataDocument, ranked: Sequence[Column]) -> str:
    related = document.target is not None
    head = ["Column", "Type", "Missing", "Distinct", "1 %", "Median", "99 %", "Commonest"]
    head += ["Goes with the target", ""] if related else []
    most = max((c.relation.explained for c in ranked if c.relation), default=0.0) or 1.0
    rows = []
    for column in ranked:
        low, middle, high = _spread(column)
        cells = [
            escape(column.name),
            KINDS[column.kind],
            share(column.missing / column.rows if column.rows else None),
            "" if column.distinct is None else count(column.distinct),
            low,
            middle,
            high,
            _commonest(column),
        ]
        if related:
            part = column.relation.explained if column.relation else None
            cells += ["", ""] if part is None else [f"{part:.2%}", meter(part / most, "s3")]
        rows.append(cells)
    listed = table(head, rows, "rows bars small", numbers={2, 3, 4, 5, 6, 8})
    if not related:
        return listed
    return listed + note(
        "Goes with the target: the share of the target's variance that lies between the column's "
        "deciles or values (correlation ratio), each column alone."
    )


def _spread(column: Column) -> tuple[str, str, str]:
    if not column.quantiles:
        return "", "", ""
    return tuple(number(column.quantiles[n]) for n in (0, 2, 4))  # type: ignore[return-value]


def _commonest(column: Column) -> str:
    if not column.labels or column.kind == "date":
        return ""
    place = max(range(len(column.counts)), key=lambda n: column.counts[n])
    text = column.labels[place]
    short = text if len(text) <= 24 else f"{text[:23]}…"
    return f"{escape(short)} <small>{column.counts[place] / max(column.rows, 1):.0%}</small>"


def _explained(document: DataDocument) -> str:
    text = (
        "Bars count rows. Numbers are drawn between their 0.5 % and 99.5 % quantiles, what lies "
        "beyond in the outermost bars; values of fewer than five rows are merged."
    )
    if document.target is None:
        return text
    if len(document.target.parts) > 1:
        return text + " Below, or beside: the share of each class in each decile or value."
    part = escape(document.target.parts[0])
    what = f"the share of {part}" if document.target.is_share else part
    return text + f" Below, or beside: {what} in each decile or value."
