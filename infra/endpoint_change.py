"""The change of an endpoint: model, configuration, create or update, and the wait for it."""

from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.endpoint_steps import BEFORE, run_steps
from infra.machine import condition, fail_with
from infra.replacement import MAX_POLLS, replace, unless_made
from infra.tasks.common import catch, growing_wait, jsonata
from infra.tasks.sagemaker import (
    CreateEndpoint,
    CreateEndpointConfig,
    CreateModel,
    DescribeEndpoint,
    UpdateEndpoint,
)


class EndpointChange:
    """States from `ModelExists` to `EndpointSettled`; enter at `start` with `$plan` assigned.

    Leaves `$changed` as `created`, `updated` or `replaced` once the endpoint was touched, as
    `scaling` if only its scaling was.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        place: dict[str, Any],
        endpoint_role: iam.IRole,
        on_failure: sfn.IChainable,
        then: sfn.IChainable,
    ) -> None:
        self._scope = scope
        self._place = place
        self._endpoint_role = endpoint_role
        self._on_failure = on_failure
        self.start = self._change(self._settle(then))

    def _change(self, settle: sfn.IChainable) -> sfn.State:
        create = CreateEndpoint(
            self._scope,
            "CreateEndpoint",
            request=jsonata("$plan.create_endpoint"),
            assign=_changed("created"),
            **self._place,
        )
        update = UpdateEndpoint(
            self._scope,
            "UpdateEndpoint",
            request="$plan.update_endpoint",
            assign=_changed("updated"),
            **self._place,
        )
        either = sfn.Choice.jsonata(self._scope, "CreateOrUpdate")
        either.when(condition("$plan.action = 'create'"), create)
        # What guards an update is made before it: an endpoint that is new has nothing to go back to
        either.otherwise(
            run_steps(
                self._scope,
                "Before",
                steps="$plan.before",
                actions=BEFORE,
                place=self._place,
                then=self._update_or_replace(update, settle),
                on_failure=lambda call: catch(call, self._on_failure),
            )
        )
        made = unless_made(self._scope, "CreateRefused", then=settle, otherwise=self._on_failure)
        catch(create, made)
        catch(update, self._on_failure)
        for task in (create, update):
            task.next(settle)
        config = CreateEndpointConfig(
            self._scope,
            "CreateEndpointConfig",
            request=jsonata("$plan.create_endpoint_config"),
            **self._place,
        )
        model = CreateModel(
            self._scope,
            "CreateModel",
            endpoint_role=self._endpoint_role,
            request=jsonata("$plan.create_model"),
            **self._place,
        )
        shadow = CreateModel(
            self._scope,
            "CreateShadowModel",
            endpoint_role=self._endpoint_role,
            request=jsonata("$plan.create_shadow_model"),
            **self._place,
        )
        with_config = self._unless_there(config, "Config", either)
        with_shadow = self._unless_there(shadow, "ShadowModel", with_config)
        return self._unless_there(model, "Model", with_shadow)

    def _update_or_replace(self, update: sfn.State, settle: sfn.IChainable) -> sfn.State:
        anew = replace(
            self._scope,
            "Replace",
            request="$plan.create_endpoint",
            place=self._place,
            given_up={"changed": "replaced"},
            then=settle,
            catch=catch,
            failed=self._on_failure,
            stuck=self._stuck,
        )
        how = sfn.Choice.jsonata(self._scope, "UpdateOrReplace")
        how.when(condition("$plan.action = 'replace'"), anew)
        how.otherwise(update)
        return how

    def _stuck(self, id: str, cause: str) -> sfn.State:
        state = fail_with(self._scope, id, step=id, error="EndpointStuck", cause=jsonata(cause))
        state.next(self._on_failure)
        return state

    def _unless_there(
        self, task: CreateModel | CreateEndpointConfig, thing: str, then: sfn.IChainable
    ) -> sfn.State:
        """A name is a hash of the content: what exists already is what we would have made.

        The plan says what was there; a repeated call may meet its own first attempt.
        """
        there = sfn.Choice.jsonata(self._scope, f"{thing}Exists")
        there.when(condition(f"$plan.{thing.lower()}_exists"), then)
        there.otherwise(task)
        refused = sfn.Choice.jsonata(self._scope, f"{thing}Refused")
        refused.when(condition("$contains($failure.cause, /already exist/i)"), then)
        refused.otherwise(self._on_failure)
        catch(task, refused)
        task.next(then)
        return there

    def _settle(self, then: sfn.IChainable) -> sfn.State:
        wait = sfn.Wait.jsonata(
            self._scope,
            "WaitForEndpoint",
            time=sfn.WaitTime.seconds(growing_wait("$polls")),
            assign={"polls": jsonata("$polls + 1")},
            outputs={},
        )
        describe = DescribeEndpoint(
            self._scope, "DescribeEndpoint", endpoint="$plan.endpoint", **self._place
        )
        catch(describe, self._on_failure)
        settled = sfn.Choice.jsonata(self._scope, "EndpointSettled")
        serves = "$endpoint.status = 'InService'"
        settled.when(
            condition(f"{serves} and $endpoint.config = $plan.config_name"),
            then,
            # A name is a hash of the content: whose creation seemed refused, it is ours.
            assign={"changed": jsonata("$changed = 'nothing' ? 'created' : $changed")},
        )
        settled.when(
            condition(serves),
            self._end("RolledBack", "EndpointRolledBack", "SageMaker rolled the update back"),
        )
        settled.when(
            condition("$endpoint.status in ['Failed', 'OutOfService', 'UpdateRollbackFailed']"),
            self._end("EndpointFailed", "EndpointFailed", "The endpoint did not come up"),
        )
        settled.when(condition(f"$polls < {MAX_POLLS}"), wait)
        settled.otherwise(
            self._end("EndpointTooSlow", "EndpointTooSlow", "The endpoint was not up in time")
        )
        wait.next(describe)
        describe.next(settled)
        return wait

    def _end(self, id: str, error: str, cause: str) -> sfn.Pass:
        said = f"'{cause}: status ' & $endpoint.status & '. ' & $endpoint.reason"
        state = fail_with(self._scope, id, step="WaitForEndpoint", error=error, cause=jsonata(said))
        state.next(self._on_failure)
        return state


def _changed(how: str) -> dict[str, Any]:
    return {"changed": how, "polls": 0}
