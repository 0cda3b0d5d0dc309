"""What became of dropped files: the documents that jobs write and functions read."""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DropState = Literal["claimed", "started", "accepted", "quarantined", "duplicate", "failed"]
PENDING: tuple[DropState, ...] = ("claimed", "started")
DropKind = Literal["labelled", "unlabelled", "labels_only"]


class Document(BaseModel):
    """A JSON document passed between rooms: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reason(Document):
    """Why a file was not taken, for a person. `line` counts the header as line 1."""

    code: str
    message: str
    line: int | None = None
    column: str | None = None


class DropRecord(Document):
    """A dropped object version as the ledger holds it. `id` is `dropkey.drop_id`'s.

    `by` is the principal that put the object there, as S3's event names it.
    """

    id: str
    project: str
    bucket: str
    key: str
    version: str
    state: DropState
    attempt: int = 1
    size: int | None = None
    by: str | None = None
    period: str | None = None
    kind: DropKind | None = None
    execution: str | None = None
    settled_by: str | None = None
    mailed_by: str | None = None
    sha256: str | None = None
    rows: int | None = None
    reasons: list[Reason] = []
    created_at: dt.datetime
    updated_at: dt.datetime


class ColumnDrift(Document):
    """How far one column's distribution is from the champion's baseline, or the previous period's.

    `psi` is the population stability index, `js` the Jensen-Shannon distance (0 to 1).
    """

    column: str
    psi: float | None
    js: float | None = None
    against: Literal["champion", "previous"] = "champion"
    alarm: bool = False
    note: str | None = None


class DropOutcome(Document):
    """What Prepare found in one file. `scoring` counts the rows handed on to Score."""

    drop: str
    key: str
    name: str
    period: str
    state: DropState
    kind: DropKind | None = None
    rows: int = 0
    rejected: int = 0
    positives: int | None = None
    replaced: bool = False
    replaced_rows: int = 0
    lake_version: int | None = None
    scoring_rows: int = 0
    sha256: str | None = None
    reasons: list[Reason] = []
    warnings: list[str] = []
    quarantine_uri: str | None = None
    drift: list[ColumnDrift] = []


class SnapshotSummary(Document):
    """The rows one training uses, by split, and the history's version they were read from."""

    lake_version: int
    train_rows: int
    validation_rows: int
    holdout_rows: int
    holdout_positives: int | None
    train_periods: list[str]
    holdout_period: str
    uri: str


class PrepareResult(Document):
    """One round of Prepare: every pending drop of the project, and the snapshot if one is due.

    `training_problem` says why a training that is due has nothing to learn from yet.
    """

    project: str
    project_version: str
    run: str
    round: int
    drops: list[DropOutcome] = []
    lake_version: int | None = None
    training_due: bool = False
    snapshot: SnapshotSummary | None = None
    training_problem: str | None = None
    scoring_uri: str | None = None
    seconds: float = Field(default=0.0, ge=0.0)

    @property
    def to_score(self) -> list[DropOutcome]:
        """The drops whose rows wait for a score."""
        return [drop for drop in self.drops if drop.scoring_rows]


class ScoredDrop(Document):
    """The predictions of one drop. `flagged` counts the rows decided positive, by a binary model.

    `mean_score` is of the predicted values, or of the probabilities of what was decided.
    """

    drop: str
    key: str
    name: str
    period: str
    rows: int
    flagged: int | None = None
    mean_score: float
    predictions_uri: str


class ScoreResult(Document):
    """Everything one run scored, and with which model."""

    project: str
    run: str
    model_version: str
    drops: list[ScoredDrop]
    seconds: float = 0.0
