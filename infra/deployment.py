"""The deployment: a registered model made the one that answers, or everything put back.

    AcquireLock → PlanEndpoint → create, update, replace → SmokeTest → scaling → MoveChampion

Success means InService on the planned configuration and a passed smoke test. InService on another
configuration is SageMaker's own rollback, a failure. Whatever fails after the endpoint was touched
leads through the rollback (`infra/rollback.py`) to a FAILED execution.
"""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from dropforge.names import machine_name
from infra.deployment_end import DeploymentEnd
from infra.deployment_start import start_deployment
from infra.endpoint_change import EndpointChange
from infra.endpoint_steps import SCALING, run_steps
from infra.functions import Functions
from infra.machine import (
    RUN,
    condition,
    fail_with,
    machine_role,
    state_machine,
)
from infra.replacement import MAX_POLLS
from infra.rollback import Rollback
from infra.settings import StageSettings
from infra.tasks.common import catch, growing_wait, jsonata
from infra.tasks.function import FunctionCalls
from infra.tasks.sagemaker import DeleteEndpoint

DEPLOYMENT_TIMEOUT = Duration.hours(6)
_MODEL = RUN | {
    "model_package_arn": jsonata("$modelPackageArn"),
    "version": jsonata("$version"),
    "artifact_uri": jsonata("$artifactUri"),
}


class Deployment(Construct):
    """The machine `dropforge-<stage>-deployment`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: StageSettings,
        functions: Functions,
        endpoint_role: iam.IRole,
    ) -> None:
        super().__init__(scope, id)
        self._endpoint_role = endpoint_role
        self._role = machine_role(self)
        self._place = {"stage": settings.stage, "machine_role": self._role}
        self._end = DeploymentEnd(self, functions)
        self._rollback = Rollback(
            self, stage=settings.stage, machine_role=self._role, end=self._end
        )
        self._calls = FunctionCalls(self, functions, self._rollback.handle_failure)
        self.machine = state_machine(
            self,
            name=machine_name(settings.stage, "deployment"),
            role=self._role,
            start=self._definition(),
            settings=settings,
            timeout=DEPLOYMENT_TIMEOUT,
        )

    def _definition(self) -> sfn.IChainable:
        move = self._move_champion()
        smoke = self._smoke_test(
            run_steps(
                self,
                "After",
                steps="$plan.after",
                actions=SCALING,
                place=self._place,
                then=move,
                on_failure=lambda call: catch(call, self._rollback.handle_failure),
            )
        )
        change = EndpointChange(
            self,
            place=self._place,
            endpoint_role=self._endpoint_role,
            on_failure=self._rollback.handle_failure,
            then=smoke,
        )
        plan = self._plan(change=change.start, smoke=smoke, move=move)
        return start_deployment(
            self, self._calls, then=plan, on_failure=self._rollback.handle_failure
        )

    def _plan(
        self, *, change: sfn.IChainable, smoke: sfn.IChainable, move: sfn.IChainable
    ) -> sfn.State:
        planned = "$states.result.Payload"
        plan = self._calls(
            "PlanEndpoint",
            "plan_endpoint",
            _MODEL | {"replace": jsonata("$replace"), "shadow": jsonata("$shadow")},
            {
                "plan": jsonata(planned),
                # A shadow is deployed beside whoever is the champion by now.
                "version": jsonata(f"{planned}.version"),
                "modelPackageArn": jsonata(f"{planned}.model_package_arn"),
                "artifactUri": jsonata(f"{planned}.artifact_uri"),
            },
        )
        wait = sfn.Wait.jsonata(
            self,
            "WaitForIdleEndpoint",
            time=sfn.WaitTime.seconds(growing_wait("$polls")),
            assign={"polls": jsonata("$polls + 1")},
            outputs={},
        )
        delete = DeleteEndpoint(
            self, "DeleteFailedEndpoint", endpoint="$plan.endpoint", **self._place
        )
        catch(delete, self._rollback.handle_failure)
        busy = fail_with(
            self,
            "EndpointBusy",
            step="PlanEndpoint",
            error="EndpointBusy",
            cause="The endpoint was being changed by somebody else for two hours.",
        )
        action = sfn.Choice.jsonata(self, "Action")
        action.when(condition("$plan.action in ['create', 'update', 'replace']"), change)
        action.when(condition("$plan.action = 'none'"), move)
        action.when(condition("$plan.action = 'unchanged'"), smoke)
        action.when(condition("$plan.action = 'delete'"), delete)
        action.when(condition(f"$plan.action = 'wait' and $polls < {MAX_POLLS}"), wait)
        action.otherwise(busy)
        busy.next(self._rollback.handle_failure)
        delete.next(wait)
        wait.next(plan)
        plan.next(action)
        return plan

    def _smoke_test(self, then: sfn.IChainable) -> tasks.LambdaInvoke:
        smoke = self._calls(
            "SmokeTest",
            "smoke_test",
            {
                "endpoint": jsonata("$plan.endpoint"),
                "artifact_uri": jsonata("$artifactUri"),
                "version": jsonata("$version"),
                "variant": jsonata("$plan.target_variant"),
                "latency_ms": jsonata("$plan.latency_ms"),
            },
            {"smokeChecks": jsonata("$count($states.result.Payload.checks)")},
        )
        smoke.next(then)
        return smoke

    def _move_champion(self) -> tasks.LambdaInvoke:
        move = self._calls(
            "MoveChampion",
            "move_champion",
            _MODEL
            | {
                "expected_champion": jsonata("$shadow = null ? $expectedChampion : $version"),
                "config_name": jsonata("$plan.config_name"),
                "endpoint": jsonata("$plan.endpoint"),
                "action": jsonata("$plan.action"),
                "smoke_checks": jsonata("$smokeChecks"),
                "notes": jsonata("$plan.notes"),
                "shadow": jsonata("$plan.shadow"),
                "for_shadow": jsonata("$shadow != null"),
            },
        )
        move.next(self._end.success())
        return move
