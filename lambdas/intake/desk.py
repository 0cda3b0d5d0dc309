"""One arrival at a time: claimed, then started or refused, whatever happened to it before.

A drop's state in the ledger says how far an earlier delivery of the same event came:
`claimed` is taken up where it stopped, anything later is left alone.
"""

import datetime as dt
from typing import Literal

from pydantic import BaseModel

from dropforge import layout, mail, names
from dropforge.aws.documents import write_document
from dropforge.aws.projects import fetch_project
from dropforge.dropkey import DropKey, claimed_project
from dropforge.drops import DropRecord, Reason
from dropforge.errors import DropforgeError
from dropforge.period import Period
from lambdas.executions import find_execution, start_execution
from lambdas.intake.notification import Arrival
from lambdas.intake.screening import NO_PERIOD, Refused, read_key, screen, unknown_project
from lambdas.sending import send_once
from lambdas.settings import IntakeSettings

Outcome = Literal["started", "quarantined", "known"]


class NameTaken(DropforgeError):
    """An execution of the name that this drop's run must have belongs to another drop."""


class DroppedFile(BaseModel):
    """The object version that the reasons are about: it stays where it is."""

    bucket: str
    key: str
    version: str


class Explanation(BaseModel):
    """The file reasons.json, as Prepare writes it too."""

    drop: str
    file: DroppedFile
    reasons: list[Reason]
    rows_listed: int = 0


class Desk:
    """Takes arrivals."""

    def __init__(self, settings: IntakeSettings) -> None:
        self._settings = settings
        self._ledger = settings.ledger

    def take(self, arrival: Arrival) -> Outcome:
        """Claim an arrival and start its run, or put it into quarantine.

        Any other error leaves the claim: the next delivery resumes it.
        """
        record = self._ledger.claim(_record(arrival))
        if record.state != "claimed":
            return "known"
        try:
            key = read_key(arrival.key)
            pointer = self._ledger.project(key.project)
            if pointer is None:
                raise unknown_project(key.project)
            spec = fetch_project(self._settings.lake_bucket, key.project, pointer.version)
            period = screen(spec, key, arrival.size)
        except Refused as refusal:
            self._quarantine(record, refusal)
            return "quarantined"
        self._start(record, key, period, pointer.version)
        return "started"

    def _start(self, record: DropRecord, key: DropKey, period: Period, version: str) -> None:
        name = names.run_name(key.project, period.canonical, record.id, record.attempt)
        payload = {
            "project": key.project,
            "project_version": version,
            "trigger": "drop",
            "drop": record.id,
        }
        machine = self._settings.pipeline_arn
        execution, new = start_execution(machine, name, payload)
        if not new:
            _check_ours(execution, record)
        self._ledger.start(record, execution)

    def _quarantine(self, record: DropRecord, refusal: Refused) -> None:
        """Explain, mail, and only then settle: a delivery that dies in between is repeated."""
        reasons = [refusal.reason]
        folder = layout.quarantine(
            self._settings.lake_bucket, record.project, refusal.period, record.id
        )
        file = DroppedFile(bucket=record.bucket, key=record.key, version=record.version)
        explanation = Explanation(drop=record.id, file=file, reasons=reasons)
        uri = write_document(folder / "reasons.json", explanation)
        told = record.model_copy(update={"reasons": reasons, "state": "quarantined"})
        run = f"intake-{record.id}-{record.attempt}"
        letter = mail.intake_mail(told, self._settings.stage, uri)
        send_once(self._ledger, self._settings.topic_arn, record.project, run, letter)
        self._ledger.mark_mailed(record.project, [record.id], run)
        self._ledger.settle(
            record.project,
            record.id,
            "quarantined",
            run=run,
            period=None if refusal.period == NO_PERIOD else refusal.period,
            reasons=reasons,
        )


def _record(arrival: Arrival) -> DropRecord:
    now = dt.datetime.now(dt.UTC)
    return DropRecord(
        id=arrival.drop,
        project=claimed_project(arrival.key),
        bucket=arrival.bucket,
        key=arrival.key,
        version=arrival.version,
        size=arrival.size,
        by=arrival.by,
        state="claimed",
        created_at=now,
        updated_at=now,
    )


def _check_ours(execution_arn: str, record: DropRecord) -> None:
    """See that an execution of our name is our drop's: a delivery before this one started it."""
    execution = find_execution(execution_arn)
    if execution is None or execution.input.get("drop") != record.id:
        raise NameTaken(
            f"The run {execution_arn} exists, but is not that of drop {record.id} ({record.key}). "
            "The drop stays claimed and its message returns to the queue.",
            next_command="dropforge redrive " + record.project,
        )
