"""What the ledger's items say. How they are read and written is `dropforge.aws.ledger`'s matter."""

import datetime as dt
import hashlib
from typing import Literal

from dropforge import names
from dropforge.drops import Document

LockName = Literal["pipeline", "deployment"]
DeploymentReason = Literal["promote", "approval", "rollback"]
ModelStatus = Literal["Approved", "PendingManualApproval", "Rejected"]


class Champion(Document):
    """The model in production. `previous` is the version it took over from."""

    version: str
    model_package_arn: str
    artifact_uri: str
    run: str
    config_name: str | None = None
    previous: str | None = None
    promoted_at: dt.datetime


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
        identity = hashlib.sha256(self.model_package_arn.encode()).hexdigest()
        return names.run_name(project, "approval", identity, 1)

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
