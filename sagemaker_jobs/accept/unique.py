"""Values that occur earlier in the file, found over any number of rows in bounded memory.

A small file's values are compared as they are. Beyond `SMALL` rows only 64-bit hashes are kept,
and beyond `HELD` of them they go to temporary files by their top bits: equal hashes meet in one
file, so that each is looked through alone.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sagemaker_jobs.snapshot.keys import Keys, hash_texts

SMALL = 100_000
HELD = 4_000_000
PARTITIONS = 64
_PAIR = np.dtype([("key", "<u8"), ("line", "<i8")])


class Repeats:
    """Which lines repeat a value. A missing value repeats nothing."""

    def __init__(self, folder: Path, name: str, *, small: int = SMALL, held: int = HELD) -> None:
        self._folder, self._name = folder, name
        self._small, self._held = small, held
        self._texts: list[pa.Array] = []
        self._pairs: list[NDArray[np.void]] = []
        self._lines: list[NDArray[np.int64]] = []
        self._count = 0
        self._hashed = self._spilled = False

    def update(self, texts: pa.Array, lines: NDArray[np.int64]) -> None:
        """Take the next rows."""
        self._texts.append(texts)
        self._lines.append(lines)
        self._count += len(lines)
        if self._hashed or self._count > self._small:
            self._hash()
        if self._hashed and self._count > self._held:
            self._spill()

    def lines(self) -> NDArray[np.int64]:
        """The lines whose value occurs earlier, in order. Removes the temporary files."""
        if not self._hashed:
            return self._compare()
        if not self._spilled:
            return _repeated(_joined(self._pairs))
        self._spill()
        return np.sort(np.concatenate([_repeated(pairs) for pairs in self._partitions()]))

    def _compare(self) -> NDArray[np.int64]:
        if not self._texts:
            return np.empty(0, dtype=np.int64)
        texts = pa.chunked_array(self._texts).combine_chunks()
        if pc.count_distinct(texts).as_py() == len(texts) - texts.null_count:
            return np.empty(0, dtype=np.int64)
        codes = pc.dictionary_encode(texts).indices
        present = codes.is_valid().to_numpy(zero_copy_only=False)
        lines = np.concatenate(self._lines)[present]
        values = codes.drop_null().to_numpy(zero_copy_only=False)
        return lines[_later(values)]

    def _hash(self) -> None:
        for texts, lines in zip(self._texts, self._lines, strict=True):
            present = texts.is_valid().to_numpy(zero_copy_only=False)
            pairs = np.empty(int(present.sum()), dtype=_PAIR)
            pairs["key"] = hash_texts(texts.drop_null().to_pylist(), "unique")
            pairs["line"] = lines[present]
            self._pairs.append(pairs)
        self._texts, self._lines, self._hashed = [], [], True

    def _spill(self) -> None:
        pairs = _joined(self._pairs)
        parts = (pairs["key"] // np.uint64(2**64 // PARTITIONS)).astype(np.int64)
        order = np.argsort(parts, kind="stable")
        bounds = np.searchsorted(parts[order], np.arange(PARTITIONS + 1))
        for part in range(PARTITIONS):
            # Begun anew: a file that was refused half-way may have left some behind.
            with self._path(part).open("ab" if self._spilled else "wb") as file:
                file.write(pairs[order[bounds[part] : bounds[part + 1]]].tobytes())
        self._pairs, self._count, self._spilled = [], 0, True

    def _partitions(self) -> Iterator[NDArray[np.void]]:
        for part in range(PARTITIONS):
            path = self._path(part)
            yield np.frombuffer(path.read_bytes(), dtype=_PAIR)
            path.unlink()

    def _path(self, part: int) -> Path:
        return self._folder / f"{self._name}-{part:02d}.keys"


def joined_text(columns: list[pa.Array]) -> pa.Array:
    """One text for several columns' values; missing if one of them is."""
    if len(columns) == 1:
        return columns[0]
    return pc.binary_join_element_wise(*columns, "\0", null_handling="emit_null")


def _joined(pairs: list[NDArray[np.void]]) -> NDArray[np.void]:
    return np.concatenate(pairs) if pairs else np.empty(0, dtype=_PAIR)


def _repeated(pairs: NDArray[np.void]) -> NDArray[np.int64]:
    return np.sort(pairs["line"][_later(pairs["key"])])


def _later(values: NDArray[np.int64] | Keys) -> NDArray[np.int64]:
    """The places of values that were there before, in order."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    return np.sort(order[1:][ordered[1:] == ordered[:-1]])
