"""Calling one of our functions."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.functions import Functions
from infra.tasks.common import LAMBDA_TRANSIENT, catch, retry


def call_function(
    scope: Construct,
    id: str,
    function: lambda_.Function,
    *,
    payload: Mapping[str, Any],
    on_failure: sfn.IChainable,
    assign: Mapping[str, Any] | None = None,
) -> tasks.LambdaInvoke:
    """A task that invokes a function and keeps its answer in variables.

    `assign` reads the answer as `$states.result.Payload`.
    """
    assert function.timeout is not None
    task = tasks.LambdaInvoke.jsonata(
        scope,
        id,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(payload),
        assign=assign,
        outputs={},
        task_timeout=sfn.Timeout.duration(function.timeout.plus(Duration.minutes(1))),
        retry_on_service_exceptions=False,  # ours has jitter
    )
    retry(task, LAMBDA_TRANSIENT)
    catch(task, on_failure)
    return task


class FunctionCalls:
    """The calls of one machine: `calls("Decide", "decide", payload)`."""

    def __init__(self, scope: Construct, functions: Functions, on_failure: sfn.IChainable) -> None:
        self._scope = scope
        self._functions = functions
        self._on_failure = on_failure

    def __call__(
        self,
        id: str,
        function: str,
        payload: Mapping[str, Any],
        assign: Mapping[str, Any] | None = None,
    ) -> tasks.LambdaInvoke:
        """A task that invokes the function of that name, caught by the machine's handler."""
        return call_function(
            self._scope,
            id,
            self._functions[function],
            payload=payload,
            assign=assign,
            on_failure=self._on_failure,
        )
