"""A deployed stage: the stack's outputs, typed."""

from typing import Self

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from dropforge.aws.clients import client, error_code
from dropforge.errors import StackNotFound
from dropforge.names import stack_name


class Stack(BaseModel):
    """What the CLI needs to know of a stage."""

    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", frozen=True)

    drop_bucket: str
    lake_bucket: str
    ledger_table: str
    pipeline_arn: str
    deployment_arn: str
    topic_arn: str
    drop_queue_url: str
    drop_dead_letter_queue_url: str
    job_image_uri: str
    job_role_arn: str

    @classmethod
    def find(cls, stage: str) -> Self:
        """Read the outputs of `dropforge-<stage>`.

        Raises:
            StackNotFound: the account and region hold no such stack, or a half-made one.
        """
        name = stack_name(stage)
        try:
            answer = client("cloudformation").describe_stacks(StackName=name)
        except ClientError as error:
            if error_code(error) != "ValidationError":
                raise
            raise StackNotFound(
                f"Looked for the stack {name} and found none in this account and region.",
                next_command=f"make deploy STAGE={stage}, or dropforge up for the local cloud",
            ) from error
        stack = answer["Stacks"][0]
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
        try:
            return cls.model_validate(outputs)
        except ValidationError as error:
            raise StackNotFound(
                f"The stack {name} is {stack['StackStatus']} and lacks outputs: its last "
                "deployment did not end well, or another release made it.",
                next_command=f"make deploy STAGE={stage}, or dropforge up for the local cloud",
            ) from error
