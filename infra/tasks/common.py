"""What every task has: a timeout, retries with backoff and jitter, and a way to fail."""

from collections.abc import Mapping
from typing import Any, Protocol

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

# What the services answer when they are busy or briefly unwell. SageMaker's client has one
# exception for throttling and for whatever else it names no class for; a refused request therefore
# costs a few short retries before it fails
# (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
LAMBDA_TRANSIENT = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
SAGEMAKER_TRANSIENT = (
    "SageMaker.AmazonSageMakerException",
    "SageMaker.SageMakerException",
    "SageMaker.SdkClientException",
    "SageMaker.ThrottlingException",
)
STEPFUNCTIONS_TRANSIENT = (
    "StepFunctions.ExecutionLimitExceeded",
    "StepFunctions.SdkClientException",
    "StepFunctions.SfnException",
    "StepFunctions.ThrottlingException",
)

MAX_ATTEMPTS = 5
SLACK = Duration.minutes(30)
"""By how much a task outlives the longest run of its job: queueing, images, uploads."""


class Task(Protocol):
    """A state that can be retried and caught."""

    @property
    def state_id(self) -> str: ...
    def add_retry(self, **props: Any) -> Any: ...
    def add_catch(self, handler: Any, **props: Any) -> Any: ...


class SdkCall(sfn.CustomState):
    """One request of an `aws-sdk:` integration and what is kept of its answer."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        call: str,
        arguments: str | Mapping[str, Any],
        seconds: int,
        transient: tuple[str, ...],
        assign: Mapping[str, Any],
    ) -> None:
        super().__init__(
            scope,
            id,
            state_json={
                "Type": "Task",
                "Resource": f"arn:aws:states:::aws-sdk:{call}",
                "Arguments": arguments,
                "TimeoutSeconds": seconds,
                "Assign": dict(assign),
                "Output": {},
            },
        )
        retry(self, transient, Duration.seconds(3))


def jsonata(expression: str) -> str:
    """An expression as Step Functions marks it."""
    return f"{{% {expression} %}}"


def retry(task: Task, errors: tuple[str, ...], interval: Duration | None = None) -> None:
    """Up to five more attempts, ever longer apart, with full jitter."""
    task.add_retry(
        errors=list(errors),
        interval=interval or Duration.seconds(2),
        max_attempts=MAX_ATTEMPTS,
        backoff_rate=2,
        max_delay=Duration.minutes(1),
        jitter_strategy=sfn.JitterType.FULL,
    )


def catch(task: Task, handler: sfn.IChainable) -> None:
    """Whatever else goes wrong is kept as `$failure` and handed to the handler."""
    task.add_catch(
        handler, errors=["States.ALL"], assign={"failure": caught(task.state_id)}, outputs={}
    )


def caught(step: str) -> dict[str, str]:
    """`$failure` of a caught error."""
    error = "$states.errorOutput"
    return {
        "step": step,
        "error": jsonata(f"{error}.Error"),
        # A timeout has no cause.
        "cause": jsonata(f"$exists({error}.Cause) ? {error}.Cause : ''"),
        "attempt": jsonata("$states.context.State.RetryCount + 1"),
    }


def growing_wait(polls: str) -> str:
    """Seconds before the next look: a second at first, a minute at the end.

    The n-th wait is n/4 s, so a look comes at most some percent of the job's time late, and a day
    of looking stays below the 25,000 events that an execution may have.
    """
    return jsonata(f"$min([60, $max([1, $floor({polls} / 4)])])")
