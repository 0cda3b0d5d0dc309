"""How much disk Prepare needs for the files that wait.

A file lies on disk as its text, as typed columns, and its rows once more in a snapshot; one file is
worked on at a time, but the staged rows of all stay until the job ends.
"""

from collections.abc import Iterable
from math import ceil

from dropforge.drops import DropRecord

FACTORS = {".csv.gz": 15.0, ".xlsx": 15.0, ".parquet": 8.0}
"""Bytes on disk for a byte dropped in a packed form; text is not packed."""

TEXT_FACTOR = 3.0
GB = 1_000_000_000
MAX_GB = 16_384
"""https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html"""


def disk_gb(drops: Iterable[DropRecord]) -> int:
    """Whole gigabytes beyond what every job has."""
    needed = sum((drop.size or 0) * _factor(drop.key) for drop in drops)
    return min(ceil(needed / GB), MAX_GB)


def _factor(key: str) -> float:
    name = key.lower()
    return next((f for ending, f in FACTORS.items() if name.endswith(ending)), TEXT_FACTOR)
