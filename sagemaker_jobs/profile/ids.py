"""Which ids a set of rows has, as a sample that can be compared with another one's.

The sample is the ids with the smallest hashes (bottom-k: Cohen and Kaplan, Summarizing Data using
Bottom-k Sketches, PODC 2007). It is coordinated: an id that is in two samples' range is either in
both or in one of the sets only, so shares can be read off without the sets.
"""

import base64

import numpy as np
import pyarrow as pa

from sagemaker_jobs.profile.texts import as_strings
from sagemaker_jobs.snapshot.keys import Keys, hash_texts

SIZE = 2**16
"""Below so many distinct ids the sample is all of them.

Of n ids, with N before them, about SIZE n / N are compared: after 1,000 equal periods still 65, so
that the share is off by 6 points (one deviation), where the gate asks for a change of 50.
"""

_PENDING = 2**16
_NONE: Keys = np.empty(0, dtype=np.uint64)
_ALL = np.uint64(2**64 - 1)


class IdSample:
    """The smallest distinct hashes of ids; the project's name is hashed along."""

    def __init__(self, project: str, hashes: Keys = _NONE, size: int = SIZE) -> None:
        self.project = project
        self._salt, self._size = f"id\0{project}", size
        self._hashes, self._pending = hashes, list[Keys]()

    @property
    def hashes(self) -> Keys:
        """The sample, sorted."""
        if self._pending:
            # A merge sort, since the parts are mostly sorted already; np.unique hashes instead.
            every = np.sort(np.concatenate([self._hashes, *self._pending]), kind="stable")
            first = np.ones(len(every), dtype=bool)
            np.not_equal(every[1:], every[:-1], out=first[1:])
            self._hashes = every[first][: self._size]
            self._pending = []
        return self._hashes

    @property
    def threshold(self) -> np.uint64:
        """Every id whose hash is at most this is in the sample."""
        return self.hashes[-1] if len(self.hashes) >= self._size else _ALL

    @property
    def distinct(self) -> float:
        """How many distinct ids there are: exact below SIZE, else to 0.4 % (one deviation)."""
        held = len(self.hashes)
        return held if held < self._size else (held - 1) / (float(self.threshold) / 2.0**64)

    def update(self, ids: pa.Array | pa.ChunkedArray) -> None:
        """Add a block's ids; null is none."""
        new = hash_texts(as_strings(ids).drop_null().to_pylist(), self._salt)
        if len(self._hashes) >= self._size:
            new = new[new < self._hashes[-1]]
        if len(new):
            self._pending.append(new)
        if sum(map(len, self._pending)) > _PENDING:
            _ = self.hashes

    def merge(self, other: "IdSample") -> "IdSample":
        """The sample of the union."""
        merged = IdSample(self.project, self.hashes, min(self._size, other._size))
        merged._pending = [other.hashes]
        return merged

    def repeated_share(self, before: "IdSample") -> float:
        """The share of these distinct ids that are among `before`'s; NaN if none can be compared.

        Exact while both have fewer than SIZE ids, else measured on those below both thresholds.
        """
        common = min(self.threshold, before.threshold)
        mine = self.hashes[: np.searchsorted(self.hashes, common, side="right")]
        if not len(mine):
            return float("nan")
        # Two binary searches tell how often each occurs; np.isin would sort all of them again.
        first = np.searchsorted(before.hashes, mine, side="left")
        after = np.searchsorted(before.hashes, mine, side="right")
        return float((after > first).mean())

    def to_text(self) -> str:
        """The hashes, 8 bytes each, little-endian, in base64."""
        return base64.b64encode(self.hashes.astype("<u8", copy=False).tobytes()).decode()

    @classmethod
    def from_text(cls, project: str, text: str) -> "IdSample":
        """What `to_text` wrote."""
        hashes = np.frombuffer(base64.b64decode(text), dtype="<u8").astype(np.uint64, copy=False)
        return cls(project, hashes)
