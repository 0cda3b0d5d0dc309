"""Lambda: functions run under the official runtime client, with their role.

The emulator's own runner reports every exception as Runtime.HandlerError, so `ErrorEquals` on a
class never matches; and it hands its whole environment down to the function.
"""

from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.corrections.encryption import key_of
from local.corrections.identity import role_may
from local.functions import Functions

_SOURCE_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def install(functions: Functions) -> None:
    """Runs Python functions through `functions`; the emulator keeps API, queues and logs."""
    original = lambda_svc._execute_function_warm

    def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        config = function.get("config") or function
        if not config.get("Runtime", "").startswith("python"):
            return dict(original(function, event, request_id))
        credentials = lambda_runtime.execution_credentials(config)
        return functions.invoke(config, function["code_zip"], credentials, event, request_id)

    lambda_svc._execute_function_warm = execute


def guard_event_sources(types: dict[str, dict[str, Any]]) -> None:
    """A mapping needs a role that may read its queue (the emulator reads regardless).

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    mapping = types["AWS::Lambda::EventSourceMapping"]
    create: Callable[..., Any] = mapping["create"]

    def guarded(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        source = properties.get("EventSourceArn", "")
        function, config, _ = lambda_svc._get_func_record_for_ref(properties["FunctionName"])
        if function and ":sqs:" in source:
            needed = [(action, source) for action in _SOURCE_ACTIONS]
            if key := key_of(source):
                needed.append(("kms:Decrypt", key))
            for action, resource in needed:
                if not role_may(config["Role"], action, resource):
                    raise ValueError(
                        "The provided execution role does not have permissions to call "
                        f"{action.partition(':')[2]} on {action.partition(':')[0].upper()} "
                        "(Service: Lambda, Status Code: 400)"
                    )
        return create(logical_id, properties, stack_name)

    mapping["create"] = guarded
