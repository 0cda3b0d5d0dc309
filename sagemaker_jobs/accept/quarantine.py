"""What is left of a file that was not taken: reasons.json, and the offending rows with theirs."""

import csv
import io
import json
from collections.abc import Callable, Sequence

from dropforge.drops import DropRecord, Reason
from dropforge.layout import S3Uri
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
) -> str:
    """Write the explanation below `folder`; answers the folder's URI.

    The file itself stays where it is: the document points at its version.
    """
    document = {
        "drop": drop.id,
        "file": {"bucket": drop.bucket, "key": drop.key, "version": drop.version},
        "reasons": [reason.model_dump(exclude_none=True) for reason in reasons],
        "rows_listed": len(rows),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    write(folder / "reasons.json", text.encode(), "application/json")
    write(folder / "rows.csv", rows_csv(rows, names), "text/csv")
    return f"{folder}/"


def rows_csv(rows: Sequence[OffendingRow], names: Sequence[str]) -> bytes:
    """The offending rows as they stand in the file, behind their line and reason."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["line", "reason", *names])
    for row in rows:
        writer.writerow([row.line, row.reason, *row.fields])
    return out.getvalue().encode()
