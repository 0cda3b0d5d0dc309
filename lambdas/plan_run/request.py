"""The plan's question and answer."""

from typing import Literal

from pydantic import Field

from lambdas.entry import Answer, Request


class PlanRequest(Request):
    """A run that has just finished a round of Prepare; rounds count from 1."""

    project: str
    project_version: str
    run: str
    execution: str
    round: int = Field(ge=1)
    trigger: Literal["drop", "train"]


class PlanAnswer(Answer):
    """`again`: drops arrived meanwhile, prepare once more; nothing else is decided then.

    `reference` is the version that the project names as its reference model.
    """

    again: bool
    train: bool
    score: bool
    snapshot_uri: str | None
    scoring_uri: str | None
    processing_instance_types: list[str]
    training_instance_types: list[str]
    reference: str | None = None
