"""An endpoint made anew under its name: deleted, waited for until it is gone, created.

Nobody answers in between. It is what a change from instances to serverless needs, and the only way
back from the other change
(https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html); besides, a Failed
endpoint accepts nothing but its deletion
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html).
"""

from collections.abc import Callable, Mapping
from typing import Any

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.machine import condition
from infra.tasks.common import Task, growing_wait, jsonata
from infra.tasks.sagemaker import CreateEndpoint, DeleteEndpoint, FindEndpoint

MAX_POLLS = 240
"""Two hours: the n-th look comes n/4 seconds after the one before."""

_CHANGING = "['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting']"
_STUCK = "'the endpoint could not be deleted in time: status ' & $found & '.'"


def replace(
    scope: Construct,
    id: str,
    *,
    request: str,
    place: dict[str, Any],
    given_up: Mapping[str, Any],
    then: sfn.IChainable,
    catch: Callable[[Task, sfn.IChainable], None],
    failed: sfn.IChainable,
    stuck: Callable[[str, str], sfn.IChainable],
) -> sfn.State:
    """States `<id>Start` to `<id>Create`, whatever state the endpoint of `$plan` is in.

    `request` is the CreateEndpoint request, a variable. `given_up` is assigned once the endpoint
    is deleted. `catch(task, handler)` keeps what a task died of as `$failure`; `failed` is where
    that leads. `stuck(id, cause)` makes the state for an endpoint that does not go.
    """
    start = sfn.Pass.jsonata(scope, f"{id}Start", assign={"polls": 0, "givenUp": False}, outputs={})
    look = FindEndpoint(scope, f"{id}Look", endpoint="$plan.endpoint", **place)
    delete = DeleteEndpoint(
        scope,
        f"{id}Delete",
        endpoint="$plan.endpoint",
        assign={**given_up, "givenUp": True},
        **place,
    )
    create = CreateEndpoint(
        scope, f"{id}Create", request=jsonata(request), assign={"polls": 0}, **place
    )
    wait = sfn.Wait.jsonata(
        scope,
        f"{id}Wait",
        time=sfn.WaitTime.seconds(growing_wait("$polls")),
        assign={"polls": jsonata("$polls + 1")},
        outputs={},
    )
    found = sfn.Choice.jsonata(scope, f"{id}Found")
    found.when(condition("$found = 'gone'"), create)
    found.when(condition(f"$polls >= {MAX_POLLS}"), stuck(f"{id}Stuck", _STUCK))
    # The list may lag behind: what was given up is not deleted twice.
    found.when(condition(f"$givenUp or $found in {_CHANGING}"), wait)
    found.otherwise(delete)
    for call in (look, delete):
        catch(call, failed)
    catch(create, unless_made(scope, f"{id}Refused", then=then, otherwise=failed))
    start.next(look)
    look.next(found)
    delete.next(wait)
    wait.next(look)
    create.next(then)
    return start


def unless_made(
    scope: Construct, id: str, *, then: sfn.IChainable, otherwise: sfn.IChainable
) -> sfn.State:
    """A choice for a refused CreateEndpoint: one that is tried again may meet its own first try
    (https://github.com/hashicorp/terraform-provider-aws/pull/48966). Whether it was, the
    configuration that comes into service tells.
    """
    refused = sfn.Choice.jsonata(scope, id)
    refused.when(condition("$contains($failure.cause, /already exist/i)"), then)
    refused.otherwise(otherwise)
    return refused
