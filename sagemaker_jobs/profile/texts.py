"""What a column of texts looks like, in a form that merges: exact, or nothing is kept."""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sagemaker_jobs.snapshot.keys import hash_texts

MAX_LEVELS = 1000
LONGEST_LEVEL = 100
"""A column with more distinct texts, or one longer than so many characters, keeps none: it is free
text or names people."""


@dataclass
class TextProfile:
    """A column of text: how often each level occurs.

    `levels` is None as soon as there are more than MAX_LEVELS, or a long one.
    """

    count: int = 0
    missing: int = 0
    levels: dict[str, int] | None = field(default_factory=dict)

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.count - self.missing

    @property
    def distinct(self) -> int | None:
        """How many levels; None: too many to keep."""
        return None if self.levels is None else len(self.levels)

    def update(self, values: pa.Array | pa.ChunkedArray, name: str) -> None:
        """Add a block's values."""
        self.count += len(values)
        self.missing += values.null_count
        if self.levels is None:
            return
        found = pc.value_counts(as_strings(values).drop_null())
        levels = found.field("values")
        if len(levels) > MAX_LEVELS or _any_long(levels):
            self.levels = None
        else:
            counts = found.field("counts").to_pylist()
            self._add(dict(zip(levels.to_pylist(), counts, strict=True)))

    def merge(self, other: "TextProfile") -> "TextProfile":
        """Both, as a new profile."""
        levels = None if self.levels is None else dict(self.levels)
        merged = TextProfile(self.count + other.count, self.missing + other.missing, levels)
        merged._add(other.levels)
        return merged

    def _add(self, levels: dict[str, int] | None) -> None:
        if self.levels is None or levels is None:
            self.levels = None
            return
        for level, count in levels.items():
            self.levels[level] = self.levels.get(level, 0) + count
        if len(self.levels) > MAX_LEVELS:
            self.levels = None

    def to_document(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "kind": "string",
            "count": self.count,
            "missing": self.missing,
            "levels": self.levels,
        }


@dataclass
class PersonalProfile:
    """An id or a personal text: no value is kept, and no level's count.

    `hashes` are salted hashes of the distinct values, only to count them; None above MAX_LEVELS.
    """

    salt: str = ""
    count: int = 0
    missing: int = 0
    hashes: frozenset[int] | None = frozenset()

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.count - self.missing

    @property
    def distinct(self) -> int | None:
        """How many distinct values; None: more than MAX_LEVELS."""
        return None if self.hashes is None else len(self.hashes)

    def update(self, values: pa.Array | pa.ChunkedArray, name: str) -> None:
        """Add a block's values."""
        self.count += len(values)
        self.missing += values.null_count
        if self.hashes is None:
            return
        levels = pc.unique(values.drop_null())
        if len(levels) > MAX_LEVELS:
            self.hashes = None
        else:
            found = hash_texts(as_strings(levels).to_pylist(), self.salt)
            self.hashes = _bounded(self.hashes.union(found.tolist()))

    def merge(self, other: "PersonalProfile") -> "PersonalProfile":
        """Both, as a new profile."""
        both = (
            None
            if self.hashes is None or other.hashes is None
            else _bounded(self.hashes | other.hashes)
        )
        return PersonalProfile(
            self.salt, self.count + other.count, self.missing + other.missing, both
        )

    def to_document(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "kind": "personal",
            "count": self.count,
            "missing": self.missing,
            "hashes": None if self.hashes is None else sorted(self.hashes),
        }


def as_strings(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """A column of any kind as text."""
    return values if pa.types.is_string(values.type) else pc.cast(values, pa.string())


def _any_long(levels: pa.Array) -> bool:
    return bool(len(levels)) and pc.max(pc.utf8_length(levels)).as_py() > LONGEST_LEVEL


def _bounded(hashes: frozenset[int]) -> frozenset[int] | None:
    return hashes if len(hashes) <= MAX_LEVELS else None
