"""Customers made from a seed: a learnable outcome, missing values, categories."""

import csv
import io

import numpy as np

COLUMNS = ["customer_id", "tenure", "contract", "charges", "churn"]
CONTRACTS = ("monthly", "yearly", "two years")


def customers(rows: int, seed: int, *, labelled: bool = True) -> bytes:
    """A CSV file of `rows` customers, about a third of them leaving."""
    draw = np.random.default_rng(seed)
    tenure = draw.integers(0, 72, rows)
    contract = draw.integers(0, 3, rows)
    charges = draw.normal(65, 20, rows).round(2)
    logit = 0.8 - 0.05 * tenure - 0.9 * contract + 0.02 * (charges - 65)
    leaves = draw.random(rows) < 1 / (1 + np.exp(-logit))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS if labelled else COLUMNS[:-1])
    for i in range(rows):
        charge = "" if i % 17 == 0 else f"{charges[i]:.2f}"
        row = [f"{seed:03d}{i:06d}", int(tenure[i]), CONTRACTS[contract[i]], charge]
        writer.writerow([*row, "Yes" if leaves[i] else "No"] if labelled else row)
    return out.getvalue().encode()
