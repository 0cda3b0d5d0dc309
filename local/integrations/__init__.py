"""What a state machine's Task does: every call is made as a client with the machine's role.

Optimized and aws-sdk integrations go over HTTP to this cloud like anyone else's calls, so what
the role may not do fails as in an account.
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

import json
from typing import Any

from local.integrations import awssdk, optimized, sync
from local.integrations.calls import Call, Cancelled, TaskFailed

__all__ = ["Call", "Cancelled", "TaskFailed", "invoke_function", "known", "run"]

OUTPUT_LIMIT = 262_144
_PREFIX = "arn:aws:states:::"


def known(resource: str) -> bool:
    """Whether `run` has this integration."""
    name = resource.removeprefix(_PREFIX)
    if name.startswith("aws-sdk:"):
        return name.split(":")[1] in awssdk.SERVICES
    return name in optimized.HANDLERS or name in sync.HANDLERS


def run(resource: str, arguments: dict[str, Any], call: Call) -> Any:
    """Runs an integration; its JSON result. Raises TaskFailed or Cancelled."""
    name = resource.removeprefix(_PREFIX)
    if name.startswith("aws-sdk:"):
        _, service, action = name.split(":")
        result = awssdk.run(service, action, arguments, call)
    else:
        handler = optimized.HANDLERS.get(name) or sync.HANDLERS[name]
        result = handler(arguments, call)
    if len(json.dumps(result)) > OUTPUT_LIMIT:
        raise TaskFailed(
            "States.DataLimitExceeded",
            "The state/task returned a result with a "
            "size exceeding the maximum number of bytes service limit.",
        )
    return result


def invoke_function(function: str, event: Any, call: Call) -> Any:
    """A Task whose Resource is a function's ARN: the payload alone."""
    return optimized.lambda_invoke({"FunctionName": function, "Payload": event}, call)["Payload"]
