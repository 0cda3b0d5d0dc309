"""A whole source as one table, for callers that do not work in blocks yet."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dropforge.drops import Reason
from sagemaker_jobs.reader.problems import Refused, more_lines
from sagemaker_jobs.reader.source import Source


@dataclass
class RawTable:
    """A file's rows as text (or as Parquet typed them). `lines` counts the header as line 1."""

    table: pa.Table
    lines: NDArray[np.int64]
    notes: list[str] = field(default_factory=list)


def read_whole(source: Source) -> RawTable:
    """All blocks of a source.

    Raises:
        Refused: rows of another width.
    """
    blocks = list(source.blocks())
    if source.rejected.count:
        reasons = []
        for reason in source.rejected.by_reason:
            lines = source.rejected.lines(reason)
            message = f"Line {lines[0]} has {reason}{more_lines(lines)}."
            reasons.append(Reason(code="ragged_row", message=message, line=lines[0]))
        raise Refused(reasons, source.rejected.rows, source.names)
    table = pa.Table.from_batches([block.rows for block in blocks])
    return RawTable(table, np.concatenate([block.lines for block in blocks]), source.notes)
