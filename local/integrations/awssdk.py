"""aws-sdk integrations: any operation of a service, keys in PascalCase.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from typing import Any

from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from local.integrations.calls import Call, invoke, iso

# Name in the resource ARN → boto3's name of the service, and the prefix of error names.
SERVICES = {
    "applicationautoscaling": ("application-autoscaling", "ApplicationAutoScaling"),
    "cloudwatch": ("cloudwatch", "CloudWatch"),
    "cloudwatchlogs": ("logs", "CloudWatchLogs"),
    "dynamodb": ("dynamodb", "DynamoDb"),
    "eventbridge": ("events", "EventBridge"),
    "kms": ("kms", "Kms"),
    "lambda": ("lambda", "Lambda"),
    "s3": ("s3", "S3"),
    "sagemaker": ("sagemaker", "SageMaker"),
    "sagemakerruntime": ("sagemaker-runtime", "SageMakerRuntime"),
    "secretsmanager": ("secretsmanager", "SecretsManager"),
    "sfn": ("stepfunctions", "Sfn"),
    "sns": ("sns", "Sns"),
    "sqs": ("sqs", "Sqs"),
    "ssm": ("ssm", "Ssm"),
    "sts": ("sts", "Sts"),
}


def run(service: str, action: str, arguments: dict[str, Any], call: Call) -> Any:
    """Calls the operation; its result as JSON."""
    boto_name, prefix = SERVICES[service]
    client = call.client(boto_name)
    operation = action[0].upper() + action[1:]
    model: OperationModel = client.meta.service_model.operation_model(operation)
    result = invoke(
        client,
        operation,
        _renamed(arguments, model.input_shape, _member),
        lambda error: error_name(prefix, error, model),
    )
    return iso(_renamed(result, model.output_shape, _pascal))


def error_name(prefix: str, error: ClientError, model: OperationModel) -> str:
    """`Prefix.NameException`; an error the API does not model is `Prefix.PrefixException`."""
    code = error.response["Error"]["Code"]
    for shape in model.error_shapes:
        if code in (shape.name, (shape.metadata.get("error") or {}).get("code")):
            name = shape.name
            return f"{prefix}.{name if name.endswith('Exception') else name + 'Exception'}"
    return f"{prefix}.{prefix}Exception"


def _member(key: str, shape: StructureShape) -> str:
    """The API's spelling of a member that Step Functions spells in PascalCase."""
    lower = key[0].lower() + key[1:]
    return lower if key not in shape.members and lower in shape.members else key


def _pascal(key: str, _: StructureShape) -> str:
    return key[0].upper() + key[1:]


def _renamed(value: Any, shape: Shape | None, rename: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        renamed = {}
        for key, item in value.items():
            own = key if key in shape.members else _member(key, shape)
            renamed[rename(key, shape)] = _renamed(item, shape.members.get(own), rename)
        return renamed
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_renamed(item, shape.member, rename) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _renamed(item, shape.value, rename) for key, item in value.items()}
    return value
