"""One call of an API by a Task, and how its failure is named."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from local import roles

Handler = Callable[[dict[str, Any], "Call"], Any]
Naming = Callable[[ClientError], str]


class TaskFailed(Exception):
    """A task's failure: the error name that Retry and Catch match, and the cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class Cancelled(Exception):
    """The execution was stopped, or the state timed out; nobody wants the result."""


@dataclass(frozen=True)
class Call:
    """Who makes a call, and what the call needs to know of the cloud around it.

    `cancelled()`: nobody wants the result any more. `submitted(result)`: a `.sync` task has
    started its work. `job_ended(prefix, name, seconds)`, `execution_ended(arn, seconds)`: wait so
    long for the end; whether it has come.
    """

    role_arn: str
    machine: str
    cancelled: Callable[[], bool]
    submitted: Callable[[dict[str, Any]], None]
    job_ended: Callable[[str, str, float], bool]
    execution_ended: Callable[[str, float], bool]

    def client(self, service: str) -> Any:
        """A boto3 client that acts as the machine's role."""
        return roles.client(service, self.role_arn, self.machine[:64])


def invoke(
    client: Any, operation: str, arguments: dict[str, Any], name_error: Naming
) -> dict[str, Any]:
    """Calls the operation. Raises TaskFailed with the error named by `name_error`."""
    method = next(
        method for method, api in client.meta.method_to_api_mapping.items() if api == operation
    )
    try:
        result: dict[str, Any] = getattr(client, method)(**arguments)
    except ParamValidationError as error:
        raise TaskFailed(
            "States.Runtime", f"The Parameters could not be used to start the Task: [{error}]"
        ) from error
    except ClientError as error:
        raise TaskFailed(name_error(error), _cause(client, error)) from error
    except BotoCoreError as error:
        raise TaskFailed("States.TaskFailed", str(error)) from error
    result.pop("ResponseMetadata", None)
    return result


def _cause(client: Any, error: ClientError) -> str:
    metadata = error.response["ResponseMetadata"]
    return (
        f"{error.response['Error'].get('Message', '')} (Service: "
        f"{client.meta.service_model.service_id}, Status Code: {metadata['HTTPStatusCode']}, "
        f"Request ID: {metadata.get('RequestId', '')})"
    )


def iso(value: Any) -> Any:
    """A boto3 result as JSON, timestamps in ISO 8601 (aws-sdk integrations)."""
    if isinstance(value, dict):
        return {key: iso(item) for key, item in value.items()}
    if isinstance(value, list):
        return [iso(item) for item in value]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if hasattr(value, "read"):
        value = value.read()
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value


def epoch(value: Any) -> Any:
    """A boto3 result as JSON, timestamps in milliseconds (optimized integrations)."""
    if isinstance(value, dict):
        return {key: epoch(item) for key, item in value.items()}
    if isinstance(value, list):
        return [epoch(item) for item in value]
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value
