"""Executions of state machines: started once, looked up rather than assumed."""

import datetime as dt
import json
from typing import Any

from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code
from dropforge.drops import Document

RUNNING = ("RUNNING", "PENDING_REDRIVE")


class Execution(Document):
    """What Step Functions knows of an execution."""

    arn: str
    name: str
    status: str
    started_at: dt.datetime
    input: dict[str, Any] = {}
    error: str | None = None
    cause: str | None = None
    redrives: int = 0

    @property
    def running(self) -> bool:
        """Whether it still does something."""
        return self.status in RUNNING


def execution_arn(machine_arn: str, name: str) -> str:
    """The ARN that an execution of a machine has."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


def find_execution(arn: str) -> Execution | None:
    """An execution, or None if Step Functions knows none of that name (or no longer)."""
    try:
        answer = client("stepfunctions").describe_execution(executionArn=arn)
    except ClientError as error:
        if error_code(error) == "ExecutionDoesNotExist":
            return None
        raise
    return Execution(
        arn=answer["executionArn"],
        name=answer["name"],
        status=answer["status"],
        started_at=answer["startDate"],
        input=json.loads(answer.get("input") or "{}"),
        error=answer.get("error"),
        cause=answer.get("cause"),
        redrives=int(answer.get("redriveCount") or 0),
    )


def start_execution(machine_arn: str, name: str, payload: dict[str, Any]) -> tuple[str, bool]:
    """Start an execution; answers its ARN and whether it was this call that started it.

    A name is taken for 90 days, so `ExecutionAlreadyExists` may mean that an earlier attempt of the
    same caller got through; the caller must look whose it is
    (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
    """
    try:
        answer = client("stepfunctions").start_execution(
            stateMachineArn=machine_arn,
            name=name,
            input=json.dumps(payload, ensure_ascii=False, separators=(",", ":")),
        )
    except ClientError as error:
        if error_code(error) != "ExecutionAlreadyExists":
            raise
        return execution_arn(machine_arn, name), False
    return answer["executionArn"], True
