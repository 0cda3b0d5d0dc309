"""Executions of the two state machines: found, described, started."""

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code
from dropforge.cli.session import Session
from dropforge.errors import RunFailed
from dropforge.names import run_name

ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


@dataclass(frozen=True)
class Execution:
    """One execution of a state machine, as described."""

    arn: str
    name: str
    status: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    input: dict[str, Any]
    error: str | None = None
    cause: str | None = None

    @property
    def project(self) -> str:
        """The project it works for."""
        return str(self.input.get("project", "-"))

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED


def describe(arn: str) -> Execution:
    """Everything that is known of one execution."""
    answer = client("stepfunctions").describe_execution(executionArn=arn)
    return Execution(
        arn=arn,
        name=answer["name"],
        status=answer["status"],
        started_at=answer["startDate"],
        ended_at=answer.get("stopDate"),
        input=json.loads(answer.get("input") or "{}"),
        error=answer.get("error"),
        cause=answer.get("cause"),
    )


def find(session: Session, run: str) -> Execution:
    """An execution by its name or ARN, of the pipeline or of the deployment machine.

    Raises:
        RunFailed: there is none of that name.
    """
    machines = (session.stack.pipeline_arn, session.stack.deployment_arn)
    arns = [run] if run.startswith("arn:") else [execution_arn(m, run) for m in machines]
    for arn in arns:
        try:
            return describe(arn)
        except ClientError as error:
            if error_code(error) not in ("ExecutionDoesNotExist", "InvalidArn"):
                raise
    raise RunFailed(
        f"The stage {session.stage} has no run {run!r} (AWS forgets runs 90 days after their end).",
        next_command="dropforge runs",
    )


def execution_arn(machine_arn: str, name: str) -> str:
    """The ARN of a machine's execution of that name."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def recent(machine_arn: str, *, prefix: str = "", status: str | None = None) -> Iterator[str]:
    """ARNs of a machine's executions whose name starts with `prefix`, newest first."""
    arguments = {"stateMachineArn": machine_arn} | ({"statusFilter": status} if status else {})
    for page in client("stepfunctions").get_paginator("list_executions").paginate(**arguments):
        for execution in page["executions"]:
            if execution["name"].startswith(prefix):
                yield execution["executionArn"]


def start(machine_arn: str, name: str, document: dict[str, Any]) -> str:
    """Start an execution; answers its ARN. A name that already runs is answered, not doubled."""
    try:
        answer = client("stepfunctions").start_execution(
            stateMachineArn=machine_arn, name=name, input=json.dumps(document)
        )
    except ClientError as error:
        if error_code(error) != "ExecutionAlreadyExists":
            raise
        return execution_arn(machine_arn, name)
    return str(answer["executionArn"])


def fresh_name(project: str, what: str) -> str:
    """A name that no execution had before."""
    return run_name(project, what, uuid.uuid4().hex, 1)


def nested(session: Session, execution: Execution) -> str | None:
    """The ARN of the deployment that a pipeline's execution started, if there is one."""
    for arn in recent(session.stack.deployment_arn):
        inner = describe(arn)
        if inner.input.get("run") == execution.name and inner.arn != execution.arn:
            return arn
        if inner.started_at < execution.started_at:
            return None
    return None
