"""What a DeploymentConfig means: the steps of the traffic shift, the waits, the alarms.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html
"""

from dataclasses import dataclass

from local.sagemaker.errors import Invalid
from local.sagemaker.store import Document


@dataclass(frozen=True)
class Step:
    """A share of the traffic for the new fleet, and for how many (AWS) seconds it bakes then."""

    share: float
    seconds: float


@dataclass(frozen=True)
class Rollout:
    """How traffic moves, and which alarms take it back.

    `rolling`: the old fleet shrinks as the new one grows. The last step is all of the traffic; its
    baking is the wait before the old fleet is terminated.
    """

    steps: tuple[Step, ...] = (Step(1.0, 0.0),)
    alarms: tuple[str, ...] = ()
    rolling: bool = False


@dataclass(frozen=True)
class Size:
    """The variants of a configuration: their names, and how many instances (None: serverless)."""

    counts: dict[str, int | None]

    @property
    def serverless(self) -> bool:
        """Whether a variant has no instances."""
        return None in self.counts.values()

    @property
    def smallest(self) -> int:
        """The instances of the variant with the fewest."""
        return min(count or 0 for count in self.counts.values())


def rollout(deployment: Document, old: Size, new: Size) -> Rollout:
    """The rollout from the old fleet to the new one. Raises Invalid for what cannot be done.

    Guardrails are for real-time and asynchronous endpoints alone: without them an update moves all
    traffic at once, without baking. Whether SageMaker refuses them for others is not said:
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
    """
    policy = deployment.get("BlueGreenUpdatePolicy")
    rolling = deployment.get("RollingUpdatePolicy")
    alarms = tuple(
        alarm["AlarmName"]
        for alarm in (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms") or []
    )
    if policy and rolling:
        raise Invalid("Only one update policy should be used in the deployment configuration.")
    if rolling:
        return Rollout(_rolling(rolling, old, new), alarms, rolling=True)
    if old.serverless or new.serverless:
        return Rollout()
    if not policy:
        return Rollout(alarms=alarms)
    last = Step(1.0, float(policy.get("TerminationWaitInSeconds") or 0))
    steps = _steps(policy["TrafficRoutingConfiguration"], old, new)
    found = Rollout((*(step for step in steps if step.share < 1.0), last), alarms)
    _check_time(found, policy.get("MaximumExecutionTimeoutInSeconds"))
    return found


def _steps(routing: Document, old: Size, new: Size) -> tuple[Step, ...]:
    kind, seconds = routing["Type"], float(routing["WaitIntervalInSeconds"])
    field = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(kind)
    for other in {"CanarySize", "LinearStepSize"} - {field}:
        if routing.get(other):
            raise Invalid(f"{other} is not allowed with traffic routing type {kind}.")
    if field is None:
        return (Step(1.0, seconds),)
    if not routing.get(field):
        raise Invalid(f"{field} is required with traffic routing type {kind}.")
    _check_names(old, new)
    share = _share(field, routing[field], new)
    if kind == "CANARY":
        return (Step(share, seconds), Step(1.0, seconds))
    return _even(share, seconds)


def _share(field: str, size: Document, new: Size) -> float:
    """The share of the traffic; at most half of the instances (a step of a linear shift: 10-50 %).

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html
    """
    value = int(size["Value"])
    low = 10 if field == "LinearStepSize" else 1
    if size["Type"] == "CAPACITY_PERCENT":
        instances = max(1, new.smallest * value // 100)
        fits = low <= value <= 50 and instances * 2 <= new.smallest
        share = value / 100
    else:
        fits = value * 2 <= new.smallest and value * 100 >= low * new.smallest
        share = value / new.smallest if new.smallest else 0.0
    if not fits:
        raise Invalid(
            f"{field} must be between {low}% and 50% of the variant's total instance count: "
            f"{value} {size['Type']} of {new.smallest} instances is not."
        )
    return share


def _rolling(policy: Document, old: Size, new: Size) -> tuple[Step, ...]:
    """Batches of the fleet, 5-50 %; not for serverless endpoints, nor for several variants.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
    """
    if old.serverless or new.serverless:
        raise Invalid("Rolling deployments are not supported for serverless inference endpoints.")
    if len(old.counts) > 1 or len(new.counts) > 1:
        raise Invalid(
            "Rolling deployments are not supported for multi-variant inference endpoints."
        )
    _check_names(old, new)
    size = policy["MaximumBatchSize"]
    percent = size["Type"] == "CAPACITY_PERCENT"
    share = size["Value"] / (100 if percent else new.smallest)
    if not 0.05 <= share <= 0.5:
        raise Invalid("MaximumBatchSize must be between 5% and 50% of the variant's capacity.")
    return _even(share, float(policy["WaitIntervalInSeconds"]))


def _even(share: float, seconds: float) -> tuple[Step, ...]:
    count = int(1 / share + 1e-9)
    steps = [Step(round(share * n, 9), seconds) for n in range(1, count + 1)]
    return (*steps, Step(1.0, seconds)) if steps[-1].share < 1.0 else tuple(steps)


def _check_names(old: Size, new: Size) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html"""
    if set(old.counts) != set(new.counts):
        raise Invalid(
            "The new endpoint configuration must have the same variant names as the old one to "
            "shift traffic in steps."
        )


def _check_time(found: Rollout, limit: float | None) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html"""
    total = sum(step.seconds for step in found.steps)
    if limit is not None and total >= limit:
        raise Invalid(
            "MaximumExecutionTimeoutInSeconds must be larger than the total waiting time specified "
            f"in TerminationWaitInSeconds and WaitIntervalInSeconds: {limit:.0f} is not larger "
            f"than {total:.0f}."
        )
