"""What every format is read as: named columns, delivered in blocks of rows as often as asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sagemaker_jobs.reader.problems import Offences, refuse
from sagemaker_jobs.values import Decimal, Kind


@dataclass(frozen=True)
class Block:
    """Some rows of a file, and the line of each; the header is line 1."""

    rows: pa.RecordBatch
    lines: NDArray[np.int64]


class Source(Protocol):
    """A readable file. Memory is that of a few blocks, whatever the file's size.

    Attributes:
        names: the columns, white space removed; unnamed empty columns are dropped.
        notes: what was tidied, for people.
        rejected: rows that cannot be read as rows; complete once `blocks` was exhausted.
        decimal: how the texts of this source write numbers; for `typing.convert`.
    """

    names: list[str]
    notes: list[str]
    rejected: Offences
    decimal: Decimal

    def blocks(
        self, kinds: Mapping[str, Kind] | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """One pass over the rows, in file order; each call is a new pass.

        Without `kinds` every column is text, the empty text null (Parquet: as stored). With them
        a column may come typed as `typing.ARROW[kind]` where that means the same as
        `typing.convert` of its text. `columns` are the columns delivered, in that order; all
        without it.

        Raises:
            Refused: only now found to be unreadable, or mostly broken rows.
        """
        ...


def tidy_names(names: Sequence[str], notes: list[str], *, line: int = 1) -> list[str]:
    """Names without the white space around them, said in `notes`.

    Raises:
        Refused: a name occurs twice.
    """
    tidied = [name.strip() for name in names]
    if renamed := sum(a != b for a, b in zip(names, tidied, strict=True)):
        plural = "s" if renamed > 1 else ""
        notes.append(f"white space around {renamed} column name{plural} removed")
    seen: dict[str, int] = {}
    for position, name in enumerate(tidied, start=1):
        if name and name in seen:
            raise refuse(
                "duplicate_column",
                f"Line {line} names column {name} twice, at positions {seen[name]} and {position}.",
                line=line,
                column=name,
            )
        seen[name] = position
    return tidied
