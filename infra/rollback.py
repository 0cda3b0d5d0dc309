"""How a deployment fails: the endpoint as it was before, the lock given back, a mail."""

from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from dropforge.names import VARIANT
from infra.endpoint_steps import SCALING, run_steps
from infra.functions import Functions
from infra.machine import RUN, condition, failed
from infra.tasks.common import LAMBDA_TRANSIENT, SdkCall, growing_wait, jsonata, retry
from infra.tasks.function import call_function
from infra.tasks.guards import GuardCall
from infra.tasks.sagemaker import DeleteEndpoint, DescribeEndpoint, UpdateEndpoint

MAX_POLLS = 240
_PREVIOUS = "$plan.previous_config"


class Rollback:
    """Every failure enters at `handle_failure` with `$failure` and `$changed` assigned.

    `$changed` is `nothing`, `created` (the endpoint is deleted again), `updated` (the previous
    configuration is restored, and waited for until it serves; then its scaling) or `scaling` (only
    that is restored).
    """

    def __init__(
        self, scope: Construct, *, stage: str, machine_role: iam.Role, functions: Functions
    ) -> None:
        self._scope = scope
        self._functions = functions
        self._place: dict[str, Any] = {"stage": stage, "machine_role": machine_role}
        self.handle_failure = sfn.Choice.jsonata(scope, "HandleFailure")
        self._end = self._report()
        delete = DeleteEndpoint(scope, "DeleteEndpoint", endpoint="$plan.endpoint", **self._place)
        self._catch(delete)
        delete.next(self._end)
        scaling = self._restore_scaling()
        restore = self._restore(scaling)
        self.handle_failure.when(condition("$changed = 'created'"), delete)
        self.handle_failure.when(condition("$changed = 'updated'"), restore)
        self.handle_failure.when(condition("$changed = 'scaling'"), scaling)
        self.handle_failure.otherwise(self._end)

    def release_lock(self, id: str) -> tasks.LambdaInvoke:
        """A task that gives the deployment lock back; its Catch is the caller's."""
        function = self._functions["release_lock"]
        task = tasks.LambdaInvoke.jsonata(
            self._scope,
            id,
            lambda_function=function,
            payload=sfn.TaskInput.from_object(
                {
                    "lock": "deployment",
                    "project": jsonata("$project"),
                    "execution": jsonata("$execution"),
                }
            ),
            outputs={},
            task_timeout=sfn.Timeout.duration(self._functions.patience("release_lock")),
            retry_on_service_exceptions=False,
        )
        retry(task, LAMBDA_TRANSIENT)
        return task

    def _restore_scaling(self) -> sfn.State:
        return run_steps(
            self._scope,
            "Undo",
            steps="$plan.undo",
            actions=SCALING,
            place=self._place,
            then=self._end,
            on_failure=self._catch,
            touches=False,
        )

    def _restore(self, then: sfn.IChainable) -> sfn.State:
        start = sfn.Pass.jsonata(
            self._scope, "StartRollback", assign={"polls": 0, "restored": False}, outputs={}
        )
        describe = DescribeEndpoint(
            self._scope, "DescribeRollback", endpoint="$plan.endpoint", **self._place
        )
        update = UpdateEndpoint(
            self._scope,
            "RestorePreviousConfig",
            request="$plan.restore_endpoint",
            assign={"polls": 0, "restored": True},
            **self._place,
        )
        wait = sfn.Wait.jsonata(
            self._scope,
            "WaitForRollback",
            time=sfn.WaitTime.seconds(growing_wait("$polls")),
            assign={"polls": jsonata("$polls + 1")},
            outputs={},
        )
        stuck = sfn.Pass.jsonata(
            self._scope,
            "RollbackFailed",
            assign={
                "failure": _and_then(
                    "'the previous configuration does not serve: status ' & $endpoint.status & "
                    "'. ' & $endpoint.reason"
                )
            },
            outputs={},
        )
        back = sfn.Choice.jsonata(self._scope, "RollbackSettled")
        back.when(
            condition(f"$endpoint.status = 'InService' and $endpoint.config = {_PREVIOUS}"),
            then,
        )
        back.when(
            condition(
                "$endpoint.status in ['InService', 'UpdateRollbackFailed'] and $not($restored)"
            ),
            self._unscaled(update),
        )
        back.when(condition(f"$endpoint.status = 'Failed' or $polls >= {MAX_POLLS}"), stuck)
        back.otherwise(wait)
        for task in (describe, update):
            self._catch(task)
        stuck.next(self._end)
        update.next(wait)
        wait.next(describe)
        describe.next(back)
        start.next(describe)
        return start

    def _unscaled(self, then: sfn.IChainable) -> sfn.State:
        """Scaling was put back on the new instance type: it would forbid the way to the old one."""
        variant = f"'endpoint/' & $plan.endpoint & '/variant/{VARIANT}'"
        off = GuardCall(
            self._scope,
            "TakeScalingOff",
            action="deregister",
            request={
                "ServiceNamespace": "sagemaker",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "ResourceId": jsonata(variant),
            },
            assign={"registered": False},
            **self._place,
        )
        self._catch(off)
        off.next(then)
        scaled = sfn.Choice.jsonata(self._scope, "ScaledOnNewType")
        moved = "'deregister' in $plan.before.action"
        scaled.when(condition(f"$registered and {moved}"), off)
        scaled.otherwise(then)
        return scaled

    def _report(self) -> sfn.State:
        end = failed(self._scope)
        notify = call_function(
            self._scope,
            "NotifyFailure",
            self._functions["notify"],
            payload=RUN
            | {
                "execution": jsonata("$execution"),
                "kind": "failure",
                "failure": jsonata("$failure"),
            },
            on_failure=end,
        )
        notify.next(end)
        mails = sfn.Choice.jsonata(
            self._scope, "WhoMails", comment="The pipeline mails about a deployment it started"
        )
        mails.when(condition("$nested"), end)
        mails.otherwise(notify)
        release = self.release_lock("ReleaseLockAfterFailure")
        self._catch(release, then=mails)
        release.next(mails)
        return release

    def _catch(
        self,
        task: SdkCall | tasks.LambdaInvoke,
        then: sfn.IChainable | None = None,
    ) -> None:
        """The first failure is what the mail is about; what failed after it is added."""
        error = "$states.errorOutput"
        said = f"'{task.state_id}: ' & ($exists({error}.Cause) ? {error}.Cause : {error}.Error)"
        task.add_catch(
            then or self._end,
            errors=["States.ALL"],
            assign={"failure": _and_then(said)},
            outputs={},
        )


def _and_then(expression: str) -> dict[str, str]:
    return {
        "step": jsonata("$failure.step"),
        "error": jsonata("$failure.error"),
        "cause": jsonata(f"$failure.cause & ' Then ' & {expression}"),
        "attempt": jsonata("$failure.attempt"),
    }
