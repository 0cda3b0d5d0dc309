"""The rows that were not taken, as they stand in the file."""

import numpy as np
import pyarrow as pa

from dropforge.drops import Reason
from sagemaker_jobs.accept.faults import Faults
from sagemaker_jobs.reader.conversion import as_text
from sagemaker_jobs.reader.problems import MAX_OFFENDING_ROWS, Offences, OffendingRow, more_lines
from sagemaker_jobs.reader.source import Source


def broken_reasons(rejected: Offences) -> list[Reason]:
    """A sentence for each way in which rows could not be read."""
    found = []
    for says, count in rejected.by_reason.items():
        lines = rejected.lines(says)
        if lines:
            message = f"Line {lines[0]} has {says}{more_lines(lines, count)}."
            found.append(Reason(code="ragged_row", message=message, line=lines[0]))
    return found


def offending_rows(source: Source, faults: Faults, broken: Offences) -> Offences:
    """The rows to be shown, as they stand in the file: read again, which only bad files pay for."""
    found = Offences()
    wanted = np.array(sorted(faults.said)[:MAX_OFFENDING_ROWS], dtype=np.int64)
    rows = list(broken.rows)
    for block in source.blocks() if len(wanted) else ():
        if not block.rows.num_rows:
            continue
        here = np.flatnonzero(np.isin(block.lines, wanted))
        if len(here):
            part = block.rows.take(pa.array(here))
            fields = [as_text(column).to_pylist() for column in part.columns]
            rows += [
                OffendingRow(line, "; ".join(faults.said[line]), tuple(f[i] or "" for f in fields))
                for i, line in enumerate(block.lines[here].tolist())
            ]
        if block.lines[-1] >= wanted[-1]:
            break
    for row in sorted(rows, key=lambda row: row.line):
        found.add(row.line, row.reason, row.fields)
    return found
