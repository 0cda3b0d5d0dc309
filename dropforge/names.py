"""Names of what we make in an account: stable, and inside AWS's limits."""

VARIANT = "main"

GOLDEN = "golden-"
"""Inference ids of our own tests of an endpoint begin so: they are no live requests."""

STACK_PREFIX = "dropforge"

RUN_NAME_LIMIT = 44
"""SageMaker's job names end at 63 characters; 19 are left for `-evaluate-20-2-1`."""


def slug(project: str) -> str:
    """A project's name as SageMaker takes it: letters, digits and hyphens."""
    return project.replace("_", "-").strip("-")


def run_name(project: str, what: str, identity: str, attempt: int) -> str:
    """An execution's name, at most 44 characters: project, period, 8 of the identity, attempt.

    An execution's name is taken for 90 days once used, so a new attempt is a new name
    (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
    """
    name = f"{slug(project)[:18]}-{what[:10]}-{identity[:8]}-{attempt}"
    if len(name) > RUN_NAME_LIMIT:
        raise ValueError(f"run name {name!r} exceeds {RUN_NAME_LIMIT} characters")
    return name


def stack_name(stage: str) -> str:
    """The CloudFormation stack of a stage."""
    return f"{STACK_PREFIX}-{stage}"


def machine_name(stage: str, machine: str) -> str:
    """`dropforge-<stage>-pipeline` and `dropforge-<stage>-deployment`."""
    return f"{STACK_PREFIX}-{stage}-{machine}"


def ran_on(execution_arn: str, machine: str) -> bool:
    """Whether an execution is of a stage's machine: its ARN ends `:execution:<machine>:<name>`.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    return execution_arn.split(":")[-2].endswith(f"-{machine}")


def endpoint_name(project: str, stage: str) -> str:
    """The project's endpoint: the same name for as long as the project lives."""
    return f"{slug(project)}-{stage}"


def shadow_variant(version: str, percent: int) -> str:
    """The variant of a model that gets copies of so many percent of the requests.

    Another model or share is another variant: an update retains weight and instance count of the
    variants that it finds again
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html).
    """
    return f"shadow-v{version}-{percent}"


def model_package_group(project: str, stage: str) -> str:
    """The project's group in the model registry."""
    return f"{slug(project)}-{stage}"
