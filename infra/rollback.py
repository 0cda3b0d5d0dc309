"""How a deployment fails: the endpoint as it was before, the lock given back, a mail."""

from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from dropforge.names import VARIANT
from infra.deployment_end import DeploymentEnd
from infra.endpoint_steps import SCALING, run_steps
from infra.machine import condition
from infra.replacement import MAX_POLLS, replace
from infra.tasks.common import growing_wait, jsonata
from infra.tasks.guards import GuardCall
from infra.tasks.sagemaker import DeleteEndpoint, DescribeEndpoint, UpdateEndpoint

_PREVIOUS = "$plan.previous_config"
_ANSWERS = "['InService', 'UpdateRollbackFailed']"
_DEAD = "['Failed', 'OutOfService']"
_BEGUN = {"polls": 0, "restored": False, "remade": False}


class Rollback:
    """Every failure enters at `handle_failure` with `$failure` and `$changed` assigned.

    `$changed` is `nothing`, `created` (the endpoint is deleted again), `updated` (the previous
    configuration is restored, and waited for until it serves; then its scaling), `replaced` (the
    endpoint is made anew with it) or `scaling` (only that is restored).

    An update is the way back unless the plan has none (SageMaker does not update instances to
    serverless) or the endpoint is Failed: then it is deleted and made anew, once.
    """

    def __init__(
        self, scope: Construct, *, stage: str, machine_role: iam.Role, end: DeploymentEnd
    ) -> None:
        self._scope = scope
        self._end = end
        self._place: dict[str, Any] = {"stage": stage, "machine_role": machine_role}
        self.handle_failure = sfn.Choice.jsonata(scope, "HandleFailure")
        delete = DeleteEndpoint(scope, "DeleteEndpoint", endpoint="$plan.endpoint", **self._place)
        self._end.catch(delete)
        delete.next(self._end.failure)
        scaling = self._restore_scaling()
        restore, remake = self._restore(scaling)
        self.handle_failure.when(condition("$changed = 'created'"), delete)
        self.handle_failure.when(condition("$changed = 'updated'"), restore)
        self.handle_failure.when(condition("$changed = 'replaced'"), remake)
        self.handle_failure.when(condition("$changed = 'scaling'"), scaling)
        self.handle_failure.otherwise(self._end.failure)

    def _restore_scaling(self) -> sfn.State:
        return run_steps(
            self._scope,
            "Undo",
            steps="$plan.undo",
            actions=SCALING,
            place=self._place,
            then=self._end.failure,
            on_failure=self._end.catch,
            touches=False,
        )

    def _restore(self, then: sfn.IChainable) -> tuple[sfn.State, sfn.State]:
        """The two ways back: by an update, and by making the endpoint anew."""
        start = sfn.Pass.jsonata(self._scope, "StartRollback", assign=_BEGUN, outputs={})
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
        remake = self._remake(wait)
        back = sfn.Choice.jsonata(self._scope, "RollbackSettled")
        back.when(
            condition(f"$endpoint.status = 'InService' and $endpoint.config = {_PREVIOUS}"),
            then,
        )
        back.when(condition(f"$endpoint.status in {_DEAD} and $not($remade)"), remake)
        back.when(
            condition(f"$endpoint.status in {_ANSWERS} and $not($restored)"),
            self._unscaled(self._how_back(update, remake)),
        )
        given_up = f"$endpoint.status in {_DEAD} or $endpoint.status = 'UpdateRollbackFailed'"
        back.when(condition(f"{given_up} or $polls >= {MAX_POLLS}"), self._not_back())
        back.otherwise(wait)
        for task in (describe, update):
            self._end.catch(task)
        update.next(wait)
        wait.next(describe)
        describe.next(back)
        start.next(describe)
        return start, remake

    def _how_back(self, update: sfn.State, remake: sfn.State) -> sfn.State:
        how = sfn.Choice.jsonata(
            self._scope, "HowBack", comment="No update leads from instances to serverless"
        )
        how.when(condition("$type($plan.restore_endpoint) = 'object'"), update)
        how.otherwise(remake)
        return how

    def _remake(self, then: sfn.IChainable) -> sfn.State:
        start = sfn.Pass.jsonata(
            self._scope, "StartRemake", assign={"restored": True, "remade": True}, outputs={}
        )
        anew = replace(
            self._scope,
            "Remake",
            request="$plan.recreate_endpoint",
            place=self._place,
            given_up={},
            then=then,
            catch=self._end.catch,
            failed=self._end.failure,
            stuck=self._end.add_failure,
        )
        start.next(anew)
        return start

    def _not_back(self) -> sfn.State:
        return self._end.add_failure(
            "RollbackFailed",
            "'the previous configuration does not serve: status ' & $endpoint.status & '. ' & "
            "$endpoint.reason & ' Next: dropforge endpoint deploy ' & $project",
        )

    def _unscaled(self, then: sfn.IChainable) -> sfn.State:
        """Scaling was put on the new instances: it would forbid the way to the old ones."""
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
        self._end.catch(off)
        off.next(then)
        scaled = sfn.Choice.jsonata(self._scope, "ScaledOnNewInstances")
        moved = "'deregister' in $plan.before.action"
        switched = "$type($plan.restore_endpoint) != 'object'"
        scaled.when(condition(f"$registered and ({moved} or {switched})"), off)
        scaled.otherwise(then)
        return scaled
