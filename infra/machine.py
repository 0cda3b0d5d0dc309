"""What the two state machines have in common: name, role, logs, tracing, the project's lock."""

from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.log_groups import log_group
from infra.settings import StageSettings
from infra.tasks.common import jsonata
from infra.tasks.function import call_function

RUN = {
    "project": jsonata("$project"),
    "project_version": jsonata("$projectVersion"),
    "run": jsonata("$run"),
}
"""What every function is told of the run that asks."""


def machine_role(scope: Construct) -> iam.Role:
    """The role that a machine acts with; its tasks add what they need."""
    return iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))


def state_machine(
    scope: Construct,
    *,
    name: str,
    role: iam.Role,
    start: sfn.IChainable,
    settings: StageSettings,
    timeout: Duration,
) -> sfn.StateMachine:
    """A JSONata machine of a fixed name, logged and traced."""
    logged = log_group(
        # The prefix spares the account's log resource policy, which Step Functions would fill up
        # (https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html).
        scope,
        "Log",
        settings,
        name=f"/aws/vendedlogs/states/{name}",
    )
    return sfn.StateMachine(
        scope,
        "Machine",
        state_machine_name=name,
        query_language=sfn.QueryLanguage.JSONATA,
        definition_body=sfn.DefinitionBody.from_chainable(start),
        role=role,
        timeout=timeout,
        tracing_enabled=True,
        logs=sfn.LogOptions(
            destination=logged,
            level=sfn.LogLevel.ALL,
            include_execution_data=settings.log_execution_data,
        ),
        removal_policy=RemovalPolicy.DESTROY,
    )


def failed(scope: Construct) -> sfn.Fail:
    """The end of every failure: the execution is FAILED and says why."""
    return sfn.Fail.jsonata(
        scope,
        "Failed",
        error=jsonata("$failure.error"),
        cause=jsonata("$failure.cause"),
    )


def mail_failure(scope: Construct, notify: lambda_.Function, end: sfn.Fail) -> tasks.LambdaInvoke:
    """The mail of `$failure`, then the end. If it fails, the rule on the status mails."""
    task = call_function(
        scope,
        "NotifyFailure",
        notify,
        payload=RUN
        | {
            "execution": jsonata("$execution"),
            "kind": "failure",
            "failure": jsonata("$failure"),
        },
        on_failure=end,
    )
    task.next(end)
    return task


def wait_for_lock(scope: Construct) -> sfn.Wait:
    """1, 2, 4 … 30 seconds between attempts at the lock."""
    return sfn.Wait.jsonata(
        scope,
        "WaitForLock",
        time=sfn.WaitTime.seconds(jsonata("$min([30, $power(2, $min([$lockTries, 5]))])")),
        assign={"lockTries": jsonata("$lockTries + 1")},
        outputs={},
    )


def given(name: str) -> str:
    """A field of the execution's input, or null."""
    return jsonata(f"$exists($states.input.{name}) ? $states.input.{name} : null")


def fail_with(scope: Construct, id: str, *, error: str, cause: str, step: str) -> sfn.Pass:
    """A failure that no task raised, kept as `$failure`."""
    failure: dict[str, Any] = {"step": step, "error": error, "cause": cause, "attempt": 1}
    return sfn.Pass.jsonata(scope, id, assign={"failure": failure}, outputs={})


def condition(expression: str) -> sfn.Condition:
    """A choice's condition."""
    return sfn.Condition.jsonata(jsonata(expression))
