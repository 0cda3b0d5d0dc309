"""The page that explains a quarantine: one file of HTML, no script, nothing loaded, printable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from dropforge.drops import DropRecord, Reason
from sagemaker_jobs.reader.problems import OffendingRow
from sagemaker_jobs.report.html import section, table
from sagemaker_jobs.report.style import STYLE

SHOWN_ROWS = 20
SHOWN_COLUMNS = 8
MASK = '<span class="mask" title="not shown: it may tell who a person is">•••</span>'
CSS = """
.mask{color:var(--soft);letter-spacing:.1em}td.bad{font-weight:600}
.wide{overflow-x:auto}ol li,ul li{margin:4px 0}code{overflow-wrap:anywhere}
table.rows td{overflow-wrap:anywhere}table.rows td:nth-child(2){min-width:220px}
"""


@dataclass(frozen=True)
class Findings:
    """What became of a file. `accepted` is None where none of it was taken."""

    drop: DropRecord
    reasons: Sequence[Reason]
    rows: Sequence[OffendingRow]
    names: Sequence[str]
    accepted: int | None
    rejected: int


def quarantine_page(found: Findings, shown: set[str]) -> str:
    """The whole document. Only columns in `shown` have their values in it."""
    name = escape(found.drop.key.rsplit("/", 1)[-1])
    parts = [
        _facts(found),
        section("What is wrong", _list(escape(reason.message) for reason in found.reasons)),
        _offending(found, shown) if found.rows else "",
        section("What to do", "<ol>" + "".join(f"<li>{s}</li>" for s in _steps(found)) + "</ol>"),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}: not taken'
        '</title><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}{CSS}</style></head><body><main>"
        f'<p class="project">{escape(found.drop.project)}</p>'
        f"<h1>{_verdict(found)} {name}</h1>{''.join(parts)}</main></body></html>"
    )


def _verdict(found: Findings) -> str:
    if found.accepted is None:
        return '<span class="verdict reject">QUARANTINED</span>'
    return '<span class="verdict hold">ROWS LEFT OUT</span>'


def _facts(found: Findings) -> str:
    drop = found.drop
    if found.accepted is None:
        fate = "No row was taken. The history, the model and the endpoint are as they were."
    else:
        left = "row was" if found.rejected == 1 else "rows were"
        fate = (
            f"{found.accepted:,} rows were accepted; {found.rejected:,} {left} left out, within "
            "the share that the project allows."
        )
    facts = [
        ("File", f"<code>s3://{escape(drop.bucket)}/{escape(drop.key)}</code>"),
        ("Version", f"<code>{escape(drop.version)}</code>"),
        ("Received", f"{drop.created_at:%Y-%m-%d %H:%M} UTC"),
    ]
    return f"<p>{fate}</p>{table(('', ''), facts, 'facts')}"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def _offending(found: Findings, shown: set[str]) -> str:
    columns = _columns(found, shown)
    places = [found.names.index(name) for name in columns]
    width = len(found.names)
    body = []
    for row in found.rows[:SHOWN_ROWS]:
        cells = [
            (escape(row.fields[place]) or "<small>empty</small>" if name in shown else MASK)
            if len(row.fields) == width  # in a row that is too long or short none is in its place
            else ""
            for name, place in zip(columns, places, strict=True)
        ]
        body.append((f"{row.line:,}", escape(row.reason), *cells))
    head = ("Line", "Reason", *map(escape, columns))
    first = min(len(found.rows), SHOWN_ROWS)
    note = f"The first {first:,} of {found.rejected:,}" if first < found.rejected else "All"
    hidden = len(found.names) - len(columns)
    more = f", {hidden:,} further columns left out" if hidden else ""
    return section(
        "The rows",
        f'<p class="note">{note}{more}. The header is line 1. Values that may tell who a person '
        "is are shown as •••. <code>rows.csv</code> beside this page holds the rows as they stand "
        f'in the file.</p><div class="wide">{table(head, body, "rows")}</div>',
    )


def _columns(found: Findings, shown: set[str]) -> list[str]:
    """The columns that something is wrong with, then others, as many as fit on paper."""
    said = " ".join(row.reason for row in found.rows[:SHOWN_ROWS])
    blamed = {reason.column for reason in found.reasons}
    order = sorted(
        found.names, key=lambda name: (name not in blamed, name not in said, name not in shown)
    )
    kept = set(order[:SHOWN_COLUMNS])
    return [name for name in found.names if name in kept]


def _steps(found: Findings) -> list[str]:
    name = escape(found.drop.key.rsplit("/", 1)[-1])
    project = escape(found.drop.project)
    again = f"<code>dropforge drop {name} --project {project}</code>"
    if found.accepted is not None:
        return [
            "If the rows do not matter, nothing: the accepted ones have gone on.",
            f"Otherwise correct them in the <b>whole</b> file and drop it again under the same "
            f"name: {again}. It replaces the period.",
        ]
    return [
        "Correct the file where it is made; the list above names lines and columns.",
        f"Drop the whole corrected file again under the same name: {again}.",
        "If the file is right and the rule is not, change <code>contract.yml</code>, push the "
        f"project (<code>dropforge push {project}</code>), and drop the file again.",
    ]
