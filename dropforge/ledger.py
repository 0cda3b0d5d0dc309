"""What the ledger's items say. How they are read and written is `dropforge.aws.ledger`'s matter."""

import datetime as dt
import hashlib
from typing import Any, Literal

from pydantic import Field

from dropforge import names
from dropforge.drops import Document

LockName = Literal["pipeline", "deployment"]
DeploymentReason = Literal["promote", "approval", "rollback"]
ShadowAsk = Literal["awaited", "version", "off"]
ModelStatus = Literal["Approved", "PendingManualApproval", "Rejected"]


class ShadowRequest(Document):
    """Which model is to be the champion's shadow.

    `awaited`: the newest one that awaits approval, `without` one that was just refused.
    `version`: that one. `off`: none. `percent` is the share of the requests; without it the
    project's counts.
    """

    ask: ShadowAsk
    version: str | None = None
    without: str | None = None
    percent: int | None = Field(default=None, ge=1, le=100)


class Shadow(Document):
    """The model that gets copies of live requests; its answers are captured, never returned."""

    version: str
    percent: int
    since: dt.datetime


class Champion(Document):
    """The model in production. `previous` is the version it took over from."""

    version: str
    model_package_arn: str
    artifact_uri: str
    run: str
    config_name: str | None = None
    previous: str | None = None
    promoted_at: dt.datetime

    def shadow_input(
        self, project: str, *, project_version: str, run: str, shadow: ShadowRequest
    ) -> dict[str, Any]:
        """The deployment machine's input for a change of this champion's shadow."""
        return {
            "project": project,
            "project_version": project_version,
            "run": run,
            "model_package_arn": self.model_package_arn,
            "version": self.version,
            "artifact_uri": self.artifact_uri,
            "expected_champion": self.version,
            "reason": "shadow",
            "shadow": shadow.model_dump(exclude_none=True),
        }


class TrainingDue(Document):
    """Labelled rows wait for a verdict. `failed_run` is the last run that tried and failed."""

    lake_version: int
    since: dt.datetime
    run: str
    failed_run: str | None = None


class ProjectPointer(Document):
    """The version of a project that new runs use."""

    version: str
    pushed_at: dt.datetime


class RegisteredModel(Document):
    """A model package as the ledger knows it. `awaiting`: a person must still decide."""

    version: str
    model_package_arn: str
    artifact_uri: str
    run: str
    project_version: str
    verdict: str
    status: ModelStatus
    awaiting: bool = False
    expected_champion: str | None = None
    registered_at: dt.datetime

    @property
    def was_refused(self) -> bool:
        """Whether it won, and a person refused it."""
        return self.verdict == "PROMOTE" and self.status == "Rejected"

    @property
    def was_promoted(self) -> bool:
        """Whether it won, and nobody refused it."""
        return self.verdict == "PROMOTE" and self.status == "Approved"

    def standing(self, champion: Champion | None) -> str:
        """Where it stands, in words that tell a HOLD from a model that awaits a person."""
        if champion is not None and champion.version == self.version:
            return "in production"
        if self.awaiting:
            return "awaits approval"
        if self.verdict == "HOLD":
            return "held: the champion of its time was kept"
        if self.verdict == "REJECT":
            return "rejected by a rule"
        if self.status == "Rejected":
            return "refused by a person"
        if champion is not None and champion.previous == self.version:
            return "previous champion"
        return "approved"

    def approval_run(self, project: str) -> str:
        """The name of the deployment that an approval starts: the same however often it comes."""
        return names.run_name(project, "approval", self._identity, 1)

    def refusal_run(self, project: str) -> str:
        """The name of the deployment that takes the refused model off the requests."""
        return names.run_name(project, "refusal", self._identity, 1)

    @property
    def _identity(self) -> str:
        return hashlib.sha256(self.model_package_arn.encode()).hexdigest()

    def deployment_input(
        self, project: str, *, run: str, expected: str | None, reason: DeploymentReason
    ) -> dict[str, str | None]:
        """The deployment machine's input for this model.

        `expected` is the version that must still be the champion; `run` is where deployment.json
        is written.
        """
        return {
            "project": project,
            "project_version": self.project_version,
            "run": run,
            "model_package_arn": self.model_package_arn,
            "version": self.version,
            "artifact_uri": self.artifact_uri,
            "expected_champion": expected,
            "reason": reason,
        }


class Lock(Document):
    """Who holds a lock."""

    holder: str
    acquired_at: dt.datetime


class MailClaim(Document):
    """That somebody sends a run's final mail, or has."""

    claimed_at: dt.datetime
