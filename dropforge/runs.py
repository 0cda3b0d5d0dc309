"""What one run did, told once: its documents together, read by the mail and the CLI."""

import datetime as dt
from typing import Literal

from dropforge.drops import Document, DropOutcome, PrepareResult, ScoreResult
from dropforge.evaluation import Evaluation
from dropforge.tracking import TrackingOutcome
from dropforge.verdict import Verdict

EndpointAction = Literal["none", "created", "updated", "replaced", "unchanged"]


class Registration(Document):
    """The model package a run registered. `deploy`: it goes into production without a person.

    `approvers` are the addresses that the project names for decisions. `shadow`: while it awaits
    one, the model gets copies of live requests.
    """

    project: str
    run: str
    version: str
    model_package_arn: str
    status: Literal["Approved", "PendingManualApproval", "Rejected"]
    deploy: bool
    expected_champion: str | None = None
    approvers: list[str] = []
    shadow: bool = False


class Deployment(Document):
    """What a deployment changed. `previous` is the champion it took over from.

    `alias_problem` is why the registry's alias was not moved; the ledger's champion was. `notes`
    are what a person should know of the endpoint.
    """

    project: str
    run: str
    version: str
    previous: str | None = None
    endpoint: str | None = None
    config_name: str | None = None
    action: EndpointAction
    smoke_checks: int = 0
    alias_problem: str | None = None
    notes: list[str] = []


class ShadowChange(Document):
    """What a deployment changed beside the champion, or the `problem` that it failed of.

    `version` is the shadow's now, at `percent` of the requests; None if there is no shadow.
    """

    project: str
    run: str
    champion: str | None = None
    version: str | None = None
    percent: int | None = None
    endpoint: str | None = None
    action: EndpointAction = "none"
    problem: str | None = None
    notes: list[str] = []


class Failure(Document):
    """Where and why a run ended. `step` is the state's name, `log` the job's last lines."""

    step: str
    error: str
    cause: str
    attempt: int = 1
    job: str | None = None
    log: list[str] = []


class RunStory(Document):
    """All documents of one run; what is absent did not happen."""

    project: str
    project_version: str
    run: str
    stage: str
    region: str
    lake: str
    started_at: dt.datetime
    ended_at: dt.datetime
    prepared: list[PrepareResult] = []
    evaluation: Evaluation | None = None
    verdict: Verdict | None = None
    registration: Registration | None = None
    deployment: Deployment | None = None
    shadow: ShadowChange | None = None
    scored: ScoreResult | None = None
    tracking: TrackingOutcome | None = None
    failure: Failure | None = None

    @property
    def notes(self) -> list[str]:
        """What did not work beside the run, and failed nothing: lines that its mail ends with."""
        notes = []
        if self.prepared and (problem := self.prepared[-1].training_problem):
            notes.append(f"A training is due and waits: {problem}")
        if self.tracking is not None and self.tracking.state == "failed":
            notes.append(
                f"Not tracked: {self.tracking.message} Send it later: "
                f"dropforge mlflow {self.project} --to {self.tracking.server}"
            )
        return notes

    @property
    def drops(self) -> list[DropOutcome]:
        """The files this run stands for, each once, as last seen, in the order of their periods."""
        latest = {drop.drop: drop for result in self.prepared for drop in result.drops}
        return sorted(latest.values(), key=lambda drop: (drop.period.isdigit(), drop.period))

    @property
    def duration(self) -> dt.timedelta:
        """Wall time from the execution's start."""
        return self.ended_at - self.started_at
