"""What the state machine says of a run that ended."""

from typing import Literal, Self

from pydantic import model_validator

from dropforge import names
from lambdas.entry import Answer, Request


class FailureRequest(Request):
    """Where a run failed, as the machine's Catch saw it."""

    step: str
    error: str = "unknown"
    cause: str = ""
    attempt: int = 1


class NotifyRequest(Request):
    """A run that ended. `shadow_failure`: its model could not be the champion's shadow."""

    project: str
    project_version: str
    run: str
    execution: str
    kind: Literal["result", "failure"]
    failure: FailureRequest | None = None
    shadow_failure: FailureRequest | None = None

    @property
    def root(self) -> str:
        """The name of the execution that ended."""
        return self.execution.rsplit(":", 1)[-1]

    @property
    def is_pipeline(self) -> bool:
        """Whether it is the run itself: a deployment that a person asked for ends on its own."""
        return names.ran_on(self.execution, "pipeline")

    @model_validator(mode="after")
    def _failure_says_where(self) -> Self:
        if self.kind == "failure" and self.failure is None:
            raise ValueError("kind failure needs failure")
        return self


class NotifyAnswer(Answer):
    """Whether this call sent the mail."""

    sent: bool
