"""What is left of what was not taken: reasons.json, the rows with theirs, and a page for people."""

import csv
import io
import json
from collections.abc import Callable, Sequence

from dropforge.drops import DropRecord, Reason
from dropforge.layout import S3Uri
from dropforge.project import ProjectSpec
from sagemaker_jobs.reader.problems import OffendingRow

Write = Callable[[S3Uri, bytes, str], str]
"""How an object is written: URI, bytes, content type."""


def write_quarantine(
    write: Write,
    folder: S3Uri,
    drop: DropRecord,
    reasons: Sequence[Reason],
    rows: Sequence[OffendingRow],
    names: Sequence[str],
    *,
    spec: ProjectSpec | None = None,
    accepted: int | None = None,
    rejected: int | None = None,
) -> str:
    """Write the explanation below `folder`; answers the folder's URI.

    The file itself stays where it is: the document points at its version. `accepted` is the number
    of rows that went on; None if the file as a whole did not. `rejected` counts all rows that did
    not, of which `rows` may be the first. Without `spec` no value is shown on the page.
    """
    # Imported late: most files are taken, and need no page with its styles and figures.
    from sagemaker_jobs.accept.quarantine_page import Findings, quarantine_page

    rejected = len(rows) if rejected is None else rejected
    document = {
        "drop": drop.id,
        "file": {"bucket": drop.bucket, "key": drop.key, "version": drop.version},
        "state": "quarantined" if accepted is None else "accepted",
        "reasons": [reason.model_dump(exclude_none=True) for reason in reasons],
        "rows_accepted": accepted or 0,
        "rows_rejected": rejected,
        "rows_listed": len(rows),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    write(folder / "reasons.json", text.encode(), "application/json")
    write(folder / "rows.csv", rows_csv(rows, names), "text/csv")
    found = Findings(drop, reasons, rows, names, accepted, rejected)
    page = quarantine_page(found, shown_columns(spec, names))
    write(folder / "report.html", page.encode(), "text/html; charset=utf-8")
    return f"{folder}/"


def shown_columns(spec: ProjectSpec | None, names: Sequence[str]) -> set[str]:
    """The columns whose values a page may show: neither personal nor the id, nor protected ones.

    A column that the contract does not know is not shown: nobody has said what it holds.
    """
    if spec is None:
        return set()
    hidden = {spec.id, *spec.personal, *spec.protected_columns}
    known = {*names}
    if spec.contract is not None:
        columns = spec.contract.columns
        known &= set(columns)
        hidden |= {n for n, c in columns.items() if c.personal or c.role in ("id", "protected")}
    else:
        known &= {*spec.features.selected, spec.target}
    return known - hidden


def rows_csv(rows: Sequence[OffendingRow], names: Sequence[str]) -> bytes:
    """The offending rows as they stand in the file, behind their line and reason."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["line", "reason", *names])
    for row in rows:
        writer.writerow([row.line, row.reason, *row.fields])
    return out.getvalue().encode()
