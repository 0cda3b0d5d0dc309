"""The errors SageMaker answers with. Those that callers tell apart by their text are worded alike:

- `Could not find endpoint`, `… endpoint configuration`, `… model`, `Cannot update in-progress
  endpoint`: the prefixes that https://github.com/aws/amazon-sagemaker-operator-for-k8s looks for
- `Cannot create already existing endpoint`, `… endpoint configuration`, `… model`:
  https://github.com/aws/amazon-sagemaker-examples/issues/2491
  https://github.com/awslabs/spot-tagging-bot-for-digital-assets/issues/2
- `ModelPackageGroup … does not exist.`: the suffix that
  https://github.com/aws-controllers-k8s/code-generator tests for
- `Endpoint … of account … not found.`: https://github.com/aws/amazon-sagemaker-examples/issues/293

All but the last are a ValidationException. Other texts are ours.
"""


class SageMakerError(Exception):
    """An error of the API: its code as SageMaker spells it, and the HTTP status."""

    code = "ValidationException"
    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def document(self) -> dict[str, object]:
        """The body of the answer."""
        return {"__type": self.code, "message": self.message}


class Invalid(SageMakerError):
    """ValidationException: malformed, unknown or not allowed in this state."""


class NotFound(SageMakerError):
    """ResourceNotFound."""

    code = "ResourceNotFound"


class InUse(SageMakerError):
    """ResourceInUse: the name is taken or the resource is being changed."""

    code = "ResourceInUse"


class Conflict(SageMakerError):
    """ConflictException."""

    code = "ConflictException"


class Denied(SageMakerError):
    """AccessDeniedException."""

    code = "AccessDeniedException"


class InvalidInvocation(SageMakerError):
    """ValidationError, as the runtime (not the control plane) spells it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """

    code = "ValidationError"


class Throttled(SageMakerError):
    """ThrottlingException: more at once than the endpoint takes.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
    """

    code = "ThrottlingException"


class ObjectNotFound(SageMakerError):
    """ObjectNotFoundException, as Application Auto Scaling spells it."""

    code = "ObjectNotFoundException"


class ModelFailed(SageMakerError):
    """ModelError: the model's server answered with an error, or not at all.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """

    code = "ModelError"
    status = 424

    def __init__(self, message: str, original_status: int, original_message: str) -> None:
        super().__init__(message)
        self.original_status = original_status
        self.original_message = original_message

    def document(self) -> dict[str, object]:
        """The body of the answer, with the model's own status and message."""
        return {
            "Message": self.message,
            "OriginalStatusCode": self.original_status,
            "OriginalMessage": self.original_message,
            "LogStreamArn": "",
        }
