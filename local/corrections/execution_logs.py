"""Step Functions' logs: LoggingConfiguration is kept, described and followed.

The emulator accepts it and writes nothing.
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

import json
from datetime import datetime
from typing import Any

from ministack.services import cloudwatch_logs
from ministack.services import stepfunctions as sfn

from local.corrections.identity import role_may

_ERRORS = ("Failed", "Aborted", "TimedOut")
_FATAL = ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")


def install() -> None:
    """Sends every history event to the machine's log group, and shows the configuration."""
    add, describe = sfn._add_event, sfn._describe_state_machine

    def add_event(execution: dict[str, Any], kind: str, details: Any = None) -> Any:
        event = add(execution, kind, details)
        _log(execution, event)
        return event

    def describe_state_machine(data: dict[str, Any]) -> Any:
        status, headers, body = describe(data)
        machine = sfn._state_machines.get(data.get("stateMachineArn"))
        if status == 200 and machine:
            shown = json.loads(body) | {
                "loggingConfiguration": _lower(machine["loggingConfiguration"])
            }
            tracing = machine.get("tracingConfiguration", {"enabled": False})
            body = json.dumps(shown | {"tracingConfiguration": tracing}).encode()
        return status, headers, body

    sfn._add_event = add_event
    sfn._describe_state_machine = describe_state_machine


def _lower(configuration: dict[str, Any]) -> dict[str, Any]:
    """The configuration in the API's spelling; CloudFormation's is in PascalCase."""

    def lower(value: Any) -> Any:
        if isinstance(value, dict):
            return {key[0].lower() + key[1:]: lower(item) for key, item in value.items()}
        return [lower(item) for item in value] if isinstance(value, list) else value

    return {"level": "OFF", "includeExecutionData": False} | lower(configuration)


def _log(execution: dict[str, Any], event: dict[str, Any]) -> None:
    machine = sfn._state_machines.get(execution["stateMachineArn"])
    if machine is None:
        return
    configuration = _lower(machine["loggingConfiguration"])
    destinations = configuration.get("destinations")
    if not destinations or not _wanted(configuration["level"], event["type"]):
        return
    if not role_may(machine["roleArn"], "logs:CreateLogDelivery", "*"):
        return
    group = destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"].split(":")[6]
    moment = datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00"))
    stream = f"states/{machine['name']}/{execution['startDate'][:13]}/{machine['revisionId'][:8]}"
    details: dict[str, Any] = next(
        (value for key, value in event.items() if key.endswith("Details")), {}
    )
    if not configuration["includeExecutionData"]:
        details = {
            key: value
            for key, value in details.items()
            if key not in ("input", "output", "parameters")
        }
    line = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "event_timestamp": str(int(moment.timestamp() * 1000)),
        "execution_arn": execution["executionArn"],
    }
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    cloudwatch_logs._put_log_events(
        {
            "logGroupName": group,
            "logStreamName": stream,
            "logEvents": [
                {"timestamp": int(moment.timestamp() * 1000), "message": json.dumps(line)}
            ],
        }
    )


def _wanted(level: str, kind: str) -> bool:
    if level == "ALL":
        return True
    return kind in _FATAL or (level == "ERROR" and kind.endswith(_ERRORS))
