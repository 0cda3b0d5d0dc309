"""Everything in the history as one profile, and the history's version that it describes."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from sagemaker_jobs.profile.profile import Profile


@dataclass(frozen=True)
class Totals:
    """The profile of all rows of `lake_version`."""

    lake_version: int
    profile: Profile

    def to_json(self) -> bytes:
        """One JSON document."""
        profile = self.profile.to_document()
        return orjson.dumps({"lake_version": self.lake_version, "profile": profile})

    @classmethod
    def from_json(cls, document: bytes) -> "Totals":
        """What `to_json` wrote."""
        read = orjson.loads(document)
        return cls(read["lake_version"], Profile.from_document(read["profile"]))


def advance(totals: Totals | None, version: int, new: Profile) -> Totals:
    """The totals of `version`, which only added `new`'s rows. After a correction: `total`."""
    return Totals(version, new if totals is None else totals.profile.merge(new))


def total(version: int, profiles: Iterable[Profile]) -> Totals | None:
    """The totals of a version from its periods' profiles; None if there are none."""
    merged: Totals | None = None
    for profile in profiles:
        merged = advance(merged, version, profile)
    return merged
