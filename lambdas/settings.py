"""The functions' environment, typed, read once a process. A function asks for what it needs.

A variable that is missing fails the first invocation with its name, before anything is changed.
"""

from functools import cache
from typing import TypeVar

from pydantic_settings import BaseSettings, SettingsConfigDict

from dropforge.aws.ledger import Ledger


class LedgerSettings(BaseSettings):
    """What every function has: `DROPFORGE_STAGE` and `DROPFORGE_LEDGER_TABLE`."""

    model_config = SettingsConfigDict(env_prefix="DROPFORGE_", frozen=True, extra="ignore")

    stage: str
    ledger_table: str

    @property
    def ledger(self) -> Ledger:
        """The process's ledger."""
        return _ledger(self.ledger_table)


class LakeSettings(LedgerSettings):
    """For functions that read or write documents."""

    lake_bucket: str


class IntakeSettings(LakeSettings):
    """Intake starts pipelines and mails what it refuses."""

    pipeline_arn: str
    topic_arn: str


class RegisterSettings(LakeSettings):
    """A model package names the image that trained and serves the model."""

    image_uri: str


class EndpointSettings(LakeSettings):
    """An endpoint runs as its own role."""

    endpoint_role_arn: str


class NotifySettings(LakeSettings):
    """Mails go out through one topic."""

    topic_arn: str


class ApprovalSettings(LedgerSettings):
    """An approval starts a deployment, or is answered by mail."""

    deployment_arn: str
    topic_arn: str


Settings = TypeVar("Settings", bound=LedgerSettings)


@cache
def load(kind: type[Settings]) -> Settings:
    """The process's settings of one kind."""
    return kind()


@cache
def _ledger(table: str) -> Ledger:
    return Ledger(table)
