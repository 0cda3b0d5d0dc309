"""The deployment: a registered model made the one that answers, or everything put back.

    AcquireLock → PlanEndpoint → create or update → wait → SmokeTest → scaling → MoveChampion

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
from infra.endpoint_change import MAX_POLLS, EndpointChange
from infra.endpoint_steps import SCALING, run_steps
from infra.functions import Functions
from infra.machine import (
    RUN,
    condition,
    fail_with,
    given,
    machine_role,
    state_machine,
    wait_for_lock,
)
from infra.rollback import Rollback
from infra.settings import StageSettings
from infra.tasks.common import catch, growing_wait, jsonata
from infra.tasks.function import FunctionCalls, call_function
from infra.tasks.sagemaker import DeleteEndpoint

DEPLOYMENT_TIMEOUT = Duration.hours(6)
MAX_LOCK_TRIES = 360
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
        self._functions = functions
        self._rollback = Rollback(
            self, stage=settings.stage, machine_role=self._role, functions=functions
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
        return self._start(plan)

    def _start(self, plan: sfn.IChainable) -> sfn.IChainable:
        start = sfn.Pass.jsonata(
            self,
            "Start",
            assign={
                "project": jsonata("$states.input.project"),
                "projectVersion": jsonata("$states.input.project_version"),
                "run": jsonata("$states.input.run"),
                "modelPackageArn": jsonata("$states.input.model_package_arn"),
                "version": jsonata("$states.input.version"),
                "artifactUri": jsonata("$states.input.artifact_uri"),
                "expectedChampion": given("expected_champion"),
                "reason": jsonata("$states.input.reason"),
                "execution": jsonata("$states.context.Execution.Id"),
                # A pipeline mails about its own deployment; nobody else does.
                "nested": jsonata(
                    "$exists($states.input.AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID)"
                ),
                "lockTries": 0,
                "polls": 0,
                "changed": "nothing",
                "registered": False,
                "smokeChecks": 0,
            },
            outputs={},
        )
        acquire = self._calls(
            "AcquireLock",
            "acquire_lock",
            {
                "lock": "deployment",
                "project": jsonata("$project"),
                "execution": jsonata("$execution"),
                "drop": jsonata("null"),
                "trigger": jsonata("$reason"),
            },
            {"lock": jsonata("$states.result.Payload")},
        )
        wait = wait_for_lock(self)
        never = fail_with(
            self,
            "LockNeverFree",
            step="AcquireLock",
            error="LockHeld",
            cause="Another deployment of this project held its lock for three hours.",
        )
        has_lock = sfn.Choice.jsonata(self, "HasLock")
        has_lock.when(condition("$lock.acquired"), plan)
        has_lock.when(condition(f"$lockTries < {MAX_LOCK_TRIES}"), wait)
        has_lock.otherwise(never)
        never.next(self._rollback.handle_failure)
        wait.next(acquire)
        return start.next(acquire).next(has_lock)

    def _plan(
        self, *, change: sfn.IChainable, smoke: sfn.IChainable, move: sfn.IChainable
    ) -> sfn.State:
        plan = self._calls(
            "PlanEndpoint", "plan_endpoint", _MODEL, {"plan": jsonata("$states.result.Payload")}
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
        action.when(condition("$plan.action in ['create', 'update']"), change)
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
                "expected_champion": jsonata("$expectedChampion"),
                "config_name": jsonata("$plan.config_name"),
                "endpoint": jsonata("$plan.endpoint"),
                "action": jsonata("$plan.action"),
                "smoke_checks": jsonata("$smokeChecks"),
                "notes": jsonata("$plan.notes"),
            },
        )
        release = self._rollback.release_lock("ReleaseLock")
        done = sfn.Succeed.jsonata(
            self,
            "Done",
            outputs={"champion": jsonata("$version"), "action": jsonata("$plan.action")},
        )
        notify = call_function(
            self,
            "Notify",
            self._functions["notify"],
            payload=RUN | {"execution": jsonata("$execution"), "kind": "result"},
            on_failure=done,
        )
        notify.next(done)
        mails = sfn.Choice.jsonata(
            self, "WhoMailsSuccess", comment="The pipeline mails about a deployment it started"
        )
        mails.when(condition("$nested"), done)
        mails.otherwise(notify)
        # The champion has moved: neither a lock that cannot be given back (it is taken over later)
        # nor a mail that cannot be sent is a reason to put the endpoint back.
        release.add_catch(mails, errors=["States.ALL"], outputs={})
        move.next(release)
        release.next(mails)
        return move
