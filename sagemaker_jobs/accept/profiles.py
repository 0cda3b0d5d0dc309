"""Where profiles lie in the lake: a document a data file, and the totals of everything.

A profile belongs to one data file of the history and carries its name, so it can never describe
other rows than those in force. A profile that is not there (the job was killed after the commit) is
made again from the period's rows.
"""

import logging
from collections.abc import Callable

import pyarrow as pa

from dropforge.layout import S3Uri
from dropforge.project import ProjectSpec
from sagemaker_jobs.features.fit import kind_of
from sagemaker_jobs.history.table import INTERNAL, History
from sagemaker_jobs.profile.profile import Profile
from sagemaker_jobs.profile.totals import Totals, advance, total

logger = logging.getLogger(__name__)

Read = Callable[[S3Uri], bytes | None]
Write = Callable[[S3Uri, bytes, str], object]
JSON = "application/json"


def new_profile(spec: ProjectSpec, schema: pa.Schema) -> Profile:
    """An empty profile for rows of a schema."""
    return Profile.new(
        {field.name: kind_of(field.type) for field in schema if field.name not in INTERNAL},
        id=spec.id,
        target=spec.target,
        positive=spec.positive,
        project=spec.name,
        personal=spec.personal_columns,
    )


class Profiles:
    """The profiles of one project's history, below `folder`."""

    def __init__(
        self, spec: ProjectSpec, history: History, folder: S3Uri, read: Read, write: Write
    ) -> None:
        self._spec, self._history, self._folder = spec, history, folder
        self._read, self._write = read, write
        self._last: Totals | None = None  # as stored, so that the next file need not read them

    def of_period(self, period: str) -> Profile | None:
        """A period's profile; None if it has no rows."""
        file = self._history.file(period)
        if file is None:
            return None
        stored = self._read(self._document(file.name))
        return Profile.from_json(stored) if stored is not None else self._made(period)

    def last_before(self, period: str) -> Profile | None:
        """The profile of the last period before `period`; None if it is the first."""
        place = self._history.in_order({*self._history.periods(), period})
        earlier = place[: place.index(period)]
        return self.of_period(earlier[-1]) if earlier else None

    def totals(self) -> Totals | None:
        """Everything in the history as one profile; None if there is nothing.

        The stored totals name the version of the history that they describe. If it is another, they
        are merged anew from the periods' profiles: no row is read again.
        """
        version = self._history.version
        if version is None:
            return None
        if self._last is None and (stored := self._read(self._totals)) is not None:
            self._last = Totals.from_json(stored)
        if self._last is not None and self._last.lake_version == version:
            return self._last
        found = (self.of_period(period) for period in self._history.in_order())
        return total(version, (profile for profile in found if profile is not None))

    def store(self, period: str, profile: Profile, before: Totals | None, *, adds: bool) -> None:
        """Keep a period's new profile, and the totals with it.

        `before` is the totals until now; `adds` says that the period had no rows, so that the
        totals need nothing but this profile.
        """
        file, version = self._history.file(period), self._history.version
        assert file is not None and version is not None  # the period was just written
        self._write(self._document(file.name), profile.to_json(), JSON)
        totals = advance(before, version, profile) if adds else self.totals()
        assert totals is not None  # there is this period at least
        self._write(self._totals, totals.to_json(), JSON)
        self._last = totals

    @property
    def _totals(self) -> S3Uri:
        return self._folder / "totals.json"

    def _document(self, file: str) -> S3Uri:
        return self._folder / f"{file}.json"

    def _made(self, period: str) -> Profile:
        logger.info("the profile of %s is made again from its rows", period)
        schema = self._history.schema
        assert schema is not None  # the period has rows
        profile = new_profile(self._spec, schema)
        for batch in self._history.scan(schema.names, [period]):
            profile.update(batch)
        return profile
