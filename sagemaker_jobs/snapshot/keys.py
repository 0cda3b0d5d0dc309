"""Row keys: 64-bit hashes by which a model's rows are known again without naming anyone.

A row is an id within a period: the same customer in the next month is another row. The project's
name is hashed along, so that keys of two projects cannot be matched.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

FILE = "row_keys.bin"
"""In the artifact: the sorted keys of every row the model was made from, 8 bytes each,
little-endian."""


def hash_texts(texts: Iterable[str], salt: str) -> Keys:
    """A 64-bit hash per text."""
    base = hashlib.blake2b(salt.encode(), digest_size=8)
    digests = bytearray()
    for text in texts:
        digest = base.copy()
        digest.update(text.encode())
        digests += digest.digest()
    return np.frombuffer(bytes(digests), dtype="<u8").astype(np.uint64)


def row_keys(ids: Iterable[str], periods: Iterable[str], project: str) -> Keys:
    """A key per row, from id and period."""
    pairs = zip(ids, periods, strict=True)
    return hash_texts((f"{period}\0{identity}" for identity, period in pairs), f"row\0{project}")


def uniform(texts: Iterable[str], salt: str) -> NDArray[np.float64]:
    """A number in [0, 1) per text: the same text always falls on the same side of a split."""
    return hash_texts(texts, salt).astype(np.float64) / 2.0**64


def write_keys(folder: Path, keys: Keys) -> None:
    """Write sorted distinct keys into an artifact."""
    (folder / FILE).write_bytes(np.unique(keys).astype("<u8").tobytes())


def read_keys(folder: Path) -> Keys:
    """An artifact's keys; none if it has no such file."""
    path = folder / FILE
    if not path.exists():
        return np.empty(0, dtype=np.uint64)
    return np.frombuffer(path.read_bytes(), dtype="<u8").astype(np.uint64)


def digest(keys: Keys) -> str:
    """The SHA-256 of a set of keys, whatever their order."""
    return hashlib.sha256(np.sort(keys).astype("<u8").tobytes()).hexdigest()
