"""Optimized integrations that answer at once.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from local.integrations.calls import Call, Handler, Naming, TaskFailed, epoch, invoke, iso

# Codes that an optimized integration reports by their own name; others get the SDK's base class.
_NAMED = {
    "ConditionalCheckFailedException": "ConditionalCheckFailedException",
    "ResourceInUse": "ResourceInUseException",
    "ResourceLimitExceeded": "ResourceLimitExceededException",
    "ResourceNotFound": "ResourceNotFoundException",
    "ResourceNotFoundException": "ResourceNotFoundException",
    "ExecutionAlreadyExists": "ExecutionAlreadyExistsException",
    "ExecutionDoesNotExist": "ExecutionDoesNotExistException",
    "ExecutionLimitExceeded": "ExecutionLimitExceededException",
    "StateMachineDoesNotExist": "StateMachineDoesNotExistException",
    "TooManyRequestsException": "TooManyRequestsException",
    "ServiceException": "ServiceException",
}


def naming(prefix: str, base: str) -> Naming:
    """How a service's errors are named: `Prefix.<own name>` or `Prefix.<base>`."""

    def name(error: ClientError) -> str:
        return f"{prefix}.{_NAMED.get(error.response['Error']['Code'], base)}"

    return name


SAGEMAKER = naming("SageMaker", "AmazonSageMakerException")
STATES = naming("StepFunctions", "AWSStepFunctionsException")
LAMBDA = naming("Lambda", "AWSLambdaException")


def lambda_invoke(arguments: dict[str, Any], call: Call) -> dict[str, Any]:
    """Invokes the function; its error's type is the task's error name.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
    """
    request = dict(arguments)
    if "Payload" in request:
        request["Payload"] = json.dumps(request["Payload"])
    result = invoke(call.client("lambda"), "Invoke", request, LAMBDA)
    raw = result["Payload"].read()
    payload = json.loads(raw) if raw else None
    if result.get("FunctionError"):
        document = payload if isinstance(payload, dict) else {}
        raise TaskFailed(document.get("errorType", "Lambda.Unknown"), json.dumps(payload))
    return {
        "ExecutedVersion": result.get("ExecutedVersion", "$LATEST"),
        "Payload": payload,
        "StatusCode": result["StatusCode"],
    }


def start_execution(arguments: dict[str, Any], call: Call) -> dict[str, Any]:
    """Starts an execution; the API's own answer."""
    request = {key[0].lower() + key[1:]: value for key, value in arguments.items()}
    if not isinstance(request.get("input", ""), str):
        request["input"] = json.dumps(request["input"])
    return invoke(call.client("stepfunctions"), "StartExecution", request, STATES)


def _nested(arguments: dict[str, Any], call: Call) -> dict[str, Any]:
    started = epoch(start_execution(arguments, call))
    return {key[0].upper() + key[1:]: value for key, value in started.items()}


def _simple(service: str, operation: str, name_error: Naming, text: str | None = None) -> Handler:
    """The operation as it is; the field `text`, if it is not a string, is sent as JSON."""

    def handle(arguments: dict[str, Any], call: Call) -> Any:
        request = dict(arguments)
        if text in request and not isinstance(request[text], str):
            request[text] = json.dumps(request[text])
        return iso(invoke(call.client(service), operation, request, name_error))

    return handle


HANDLERS: dict[str, Handler] = (
    {
        "lambda:invoke": lambda_invoke,
        "states:startExecution": _nested,
        "sns:publish": _simple("sns", "Publish", naming("SNS", "AmazonSNSException"), "Message"),
        "sqs:sendMessage": _simple(
            "sqs", "SendMessage", naming("SQS", "AmazonSQSException"), "MessageBody"
        ),
        "events:putEvents": _simple(
            "events", "PutEvents", naming("EventBridge", "AmazonEventBridgeException")
        ),
    }
    | {
        f"dynamodb:{action}Item": _simple(
            "dynamodb", f"{action.capitalize()}Item", naming("DynamoDB", "AmazonDynamoDBException")
        )
        for action in ("get", "put", "update", "delete")
    }
    | {
        f"sagemaker:{action}": _simple("sagemaker", action[0].upper() + action[1:], SAGEMAKER)
        for action in (
            "createProcessingJob",
            "createTrainingJob",
            "createModel",
            "createEndpointConfig",
            "createEndpoint",
            "updateEndpoint",
        )
    }
)
