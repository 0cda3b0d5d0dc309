"""Integrations that wait for the work they start (`.sync`, `.sync:2`).

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync
"""

import json
from typing import Any

from local.corrections.identity import role_may
from local.home import ACCOUNT, REGION
from local.integrations.calls import Call, Cancelled, Handler, TaskFailed, epoch, invoke
from local.integrations.optimized import SAGEMAKER, STATES, start_execution

POLL = 0.05


def _job(prefix: str) -> Handler:
    """Create, wait, describe; a job that did not complete is States.TaskFailed, described.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
    """
    name_field = f"{prefix}Name"

    def handle(arguments: dict[str, Any], call: Call) -> Any:
        _require_managed_rule(call, f"StepFunctionsGetEventsForSageMaker{prefix}sRule")
        client = call.client("sagemaker")
        tags = [*arguments.get("Tags", []), {"Key": "MANAGED_BY_AWS", "Value": "STARTED"}]
        call.submitted(invoke(client, f"Create{prefix}", arguments | {"Tags": tags}, SAGEMAKER))
        which = {name_field: arguments[name_field]}
        while not call.job_ended(prefix, arguments[name_field], POLL):
            if call.cancelled():
                invoke(client, f"Stop{prefix}", which, SAGEMAKER)
                raise Cancelled
        job = epoch(invoke(client, f"Describe{prefix}", which, SAGEMAKER))
        if job[f"{prefix}Status"] != "Completed":
            raise TaskFailed("States.TaskFailed", json.dumps(job, ensure_ascii=False))
        return job

    return handle


def _execution(parse_output: bool) -> Handler:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html"""

    def handle(arguments: dict[str, Any], call: Call) -> Any:
        _require_managed_rule(call, "StepFunctionsGetEventsForStepFunctionsExecutionRule")
        client = call.client("stepfunctions")
        which = {"executionArn": start_execution(arguments, call)["executionArn"]}
        call.submitted({"ExecutionArn": which["executionArn"]})
        while not call.execution_ended(which["executionArn"], POLL):
            if call.cancelled():
                invoke(client, "StopExecution", which, STATES)
                raise Cancelled
        described = epoch(invoke(client, "DescribeExecution", which, STATES))
        shown = {key[0].upper() + key[1:]: value for key, value in described.items()}
        if shown["Status"] != "SUCCEEDED":
            raise TaskFailed("States.TaskFailed", json.dumps(shown, ensure_ascii=False))
        if parse_output:
            shown["Output"] = json.loads(shown.get("Output") or "{}")
        return shown

    return handle


def _require_managed_rule(call: Call, rule: str) -> None:
    """`.sync` needs the machine's role to keep a managed EventBridge rule.

    https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
    """
    target = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"
    for action in ("events:PutTargets", "events:PutRule", "events:DescribeRule"):
        if not role_may(call.role_arn, action, target):
            raise TaskFailed(
                "StepFunctions.AccessDeniedException",
                f"'{call.role_arn}' is not authorized to create managed-rule: "
                f"{action} is not allowed on {target}.",
            )


HANDLERS: dict[str, Handler] = {
    "sagemaker:createProcessingJob.sync": _job("ProcessingJob"),
    "sagemaker:createTrainingJob.sync": _job("TrainingJob"),
    "states:startExecution.sync": _execution(parse_output=False),
    "states:startExecution.sync:2": _execution(parse_output=True),
}
