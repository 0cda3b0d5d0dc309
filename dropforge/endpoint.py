"""How a project is served: `deployment`, `scaling`, `serverless`, `capture`, `shadow`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dropforge.contract import Strict
from dropforge.located import located

EndpointMode = Literal["none", "serverless", "realtime"]
Approval = Literal["auto", "manual"]
Rollout = Literal["canary", "linear", "all_at_once"]

STAGE = "{stage}"

AlarmName = Annotated[str, Field(pattern=r"^[\w.:-]*-\{stage\}-[\w.:-]*$", max_length=200)]
"""An alarm's name, as `credit-{stage}-cpu`: an endpoint's role sees the alarms of its own stage."""

Percentage = Annotated[int, Field(ge=0, le=100)]


class DataCapture(Strict):
    """Which share of the endpoint's requests and answers is kept for monitoring."""

    sampling_percentage: Percentage = 100


class Shadow(Strict):
    """Which share of the live requests a model that awaits approval gets a copy of."""

    percent: int = Field(default=10, ge=1, le=100)


class Alarms(Strict):
    """What takes an update back while it bakes.

    `errors`: any answer with a 5xx status. `latency_ms`: the model's own p95 in a minute, twice in
    a row. `names`: alarms of your own, which must exist.
    """

    errors: bool = True
    latency_ms: float | None = Field(default=None, gt=0.0)
    names: list[AlarmName] = Field(default=[], max_length=8)


class DeploymentRules(Strict):
    """How traffic moves to a new model, and what takes it back.

    `bake_seconds` is how long the alarms watch after each move of traffic; five moves fit into the
    two hours that a deployment waits. `latency_ms` bounds the p95 of one-row requests
    through the endpoint, as the caller sees it.
    """

    rollout: Rollout = "canary"
    bake_seconds: int = Field(default=300, ge=0, le=900)
    latency_ms: float | None = Field(default=None, gt=0.0, le=10_000.0)
    alarms: Alarms = Alarms()


class Scaling(Strict):
    """How many instances serve: target tracking on invocations a minute and instance.

    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html
    """

    min: int = Field(default=1, ge=1)
    max: int = Field(ge=1)
    invocations_per_instance: float = Field(gt=0.0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise located(f"is {self.max}, below min, which is {self.min}", "max")
        return self


class Serverless(Strict):
    """A serverless endpoint's size
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html).

    `provisioned_concurrency`: how many requests at once are answered without a cold start.
    """

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    max_concurrency: int = Field(default=5, ge=1, le=200)
    provisioned_concurrency: int | None = Field(default=None, ge=1, le=200)

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.provisioned_concurrency and self.provisioned_concurrency > self.max_concurrency:
            raise located(
                f"is {self.provisioned_concurrency}, above max_concurrency, which is "
                f"{self.max_concurrency}",
                "provisioned_concurrency",
            )
        return self


def check_mode(
    mode: EndpointMode, capture: DataCapture, deployment: DeploymentRules, scaling: Scaling | None
) -> None:
    """Refuse what the mode does not have.

    A serverless endpoint has no data capture
    (https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html) and no guardrails:
    "deployment guardrails only apply to" asynchronous and real-time inference
    (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html; the page of
    exclusions names serverless endpoints for rolling deployments alone). Defaults are no mistakes:
    what was not asked for is left out.

    Raises:
        pydantic.ValidationError: at the key that the mode does not have.
    """
    if scaling is not None and mode != "realtime":
        raise located(f"is for endpoint: realtime, the endpoint is {mode}", "scaling")
    if mode != "serverless":
        return
    if capture.sampling_percentage not in (0, 100):
        raise located("a serverless endpoint captures nothing", "capture", "sampling_percentage")
    for key in ("rollout", "bake_seconds", "alarms"):
        if getattr(deployment, key) != getattr(DeploymentRules(), key):
            raise located(
                "a serverless endpoint changes all at once, without alarms", "deployment", key
            )


def check_shadow(
    shadow: Shadow | None, mode: EndpointMode, approval: Approval, capture: DataCapture
) -> None:
    """Refuse a shadow that could not be, or that nobody could look at.

    Shadow variants are real-time endpoints' alone
    (https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html), and their answers
    are nowhere but in the capture
    (https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html).

    Raises:
        pydantic.ValidationError: at `shadow`.
    """
    if shadow is None:
        return
    if mode != "realtime":
        raise located(f"is for endpoint: realtime, the endpoint is {mode}", "shadow")
    if approval != "manual":
        raise located(f"is for approval: manual, the approval is {approval}", "shadow")
    if capture.sampling_percentage == 0:
        raise located("needs capture: without it nobody sees the shadow's answers", "shadow")
