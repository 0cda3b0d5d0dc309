"""CSV files of Home Credit's shape of any length: row n of every file is the same row n.

The values are those of projects/home_credit/data.py; after its 307,511 rows (rounded up to whole
blocks) they come again, under new ids.

    python -m benchmarks.generate OUT FIRST COUNT
"""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from projects.home_credit import data

SEED = 42
POOL = -(-data.ROWS // data.BLOCK)
STYLE = pacsv.WriteOptions(include_header=False, quoting_style="needed")


@cache
def drawn(number: int) -> pa.Table:
    """One block of the pool; drawn once."""
    return data.block(number, SEED)


def write_rows(out: Path, first: int, count: int) -> None:
    """Write the rows `first` to `first + count`; the file is there whole or not at all."""
    part = out.with_name(f"{out.name}.part")
    with part.open("wb") as sink:
        sink.write((",".join(data.COLUMNS) + "\n").encode())
        row = first
        while row < first + count:
            rows = _block_from(row).slice(0, first + count - row)
            pacsv.write_csv(rows, sink, STYLE)
            row += rows.num_rows
    part.replace(out)


def _block_from(row: int) -> pa.Table:
    number, skipped = divmod(row, data.BLOCK)
    rows = drawn(number % POOL).slice(skipped)
    ids = pa.array(data.FIRST_ID + row + np.arange(rows.num_rows))
    return rows.set_column(rows.schema.get_field_index("SK_ID_CURR"), "SK_ID_CURR", ids)


if __name__ == "__main__":
    write_rows(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
