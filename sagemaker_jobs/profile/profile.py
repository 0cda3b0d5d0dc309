"""The profile of a set of rows: small, mergeable, and without a row in it.

Kept for every period, so that totals over the history need no row of it again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from dropforge.project import Scalar
from sagemaker_jobs.labels import canonical_column, positives
from sagemaker_jobs.profile.columns import (
    ColumnProfile,
    column_from_document,
    copy_column,
    merge_columns,
)
from sagemaker_jobs.profile.ids import IdSample
from sagemaker_jobs.profile.numbers import NumberProfile
from sagemaker_jobs.profile.texts import PersonalProfile, TextProfile, as_strings
from sagemaker_jobs.values import Kind

FORMAT = 1


@dataclass
class Profile:
    """Rows, outcomes, columns and ids. The target is no column of it.

    `repeated` is the share of ids that earlier periods had when the period came, as the gate found
    it; None if nobody looked. Of totals it is always None.
    """

    id: str
    target: str
    positive: Scalar
    ids: IdSample
    rows: int = 0
    labelled: int = 0
    positives: int = 0
    columns: dict[str, ColumnProfile] = field(default_factory=dict)
    repeated: float | None = None

    @classmethod
    def new(
        cls,
        kinds: Mapping[str, Kind],
        *,
        id: str,
        target: str,
        positive: Scalar,
        project: str,
        personal: Collection[str] = (),
    ) -> "Profile":
        """An empty profile. Of personal text columns, and of the id, no value is kept."""
        salt = _salt(project)
        columns: dict[str, ColumnProfile] = {}
        for name, kind in kinds.items():
            if name == target:
                continue
            if name == id or (kind == "string" and name in personal):
                columns[name] = PersonalProfile(salt)
            else:
                columns[name] = TextProfile() if kind == "string" else NumberProfile(kind)
        return cls(id, target, positive, IdSample(project), columns=columns)

    def update(self, batch: pa.RecordBatch) -> None:
        """Add a block of typed rows; columns that it lacks stay as they are."""
        if not batch.num_rows:
            return
        names = set(batch.schema.names)
        self.rows += batch.num_rows
        for name, column in self.columns.items():
            if name in names:
                column.update(batch.column(name), name)
        if self.id in names:
            self.ids.update(batch.column(self.id))
        if self.target in names:
            outcomes = canonical_column(pa.chunked_array([as_strings(batch.column(self.target))]))
            flags = positives(outcomes, self.positive)
            self.labelled += int((flags >= 0).sum())
            self.positives += int((flags == 1).sum())

    def merge(self, other: "Profile") -> "Profile":
        """The profile of both sets of rows; neither is changed.

        Raises:
            ValueError: a column is a text in one and a number in the other.
        """
        columns = {}
        for name in {**self.columns, **other.columns}:
            mine, theirs = self.columns.get(name), other.columns.get(name)
            if mine is not None and theirs is not None:
                columns[name] = merge_columns(name, mine, theirs)
            elif (only := mine or theirs) is not None:
                columns[name] = copy_column(only)
        return Profile(
            self.id,
            self.target,
            self.positive,
            self.ids.merge(other.ids),
            self.rows + other.rows,
            self.labelled + other.labelled,
            self.positives + other.positives,
            columns,
        )

    def to_document(self) -> dict[str, Any]:
        """As JSON values; sketches and hashes in base64."""
        return {
            "format": FORMAT,
            "project": self.ids.project,
            "id": self.id,
            "target": self.target,
            "positive": self.positive,
            "rows": self.rows,
            "labelled": self.labelled,
            "positives": self.positives,
            "repeated": self.repeated,
            "columns": {name: column.to_document() for name, column in self.columns.items()},
            "ids": self.ids.to_text(),
        }

    def to_json(self) -> bytes:
        """One JSON document."""
        return orjson.dumps(self.to_document())

    @classmethod
    def from_json(cls, document: bytes) -> "Profile":
        """What `to_json` wrote.

        Raises:
            ValueError: the document is of another format.
        """
        return cls.from_document(orjson.loads(document))

    @classmethod
    def from_document(cls, read: dict[str, Any]) -> "Profile":
        """What `to_document` answered."""
        if read["format"] != FORMAT:
            raise ValueError(f"a profile of format {read['format']}, this version reads {FORMAT}")
        salt = _salt(read["project"])
        columns = {n: column_from_document(c, salt) for n, c in read["columns"].items()}
        return cls(
            read["id"],
            read["target"],
            read["positive"],
            IdSample.from_text(read["project"], read["ids"]),
            read["rows"],
            read["labelled"],
            read["positives"],
            columns,
            read["repeated"],
        )


def _salt(project: str) -> str:
    return f"level\0{project}"
