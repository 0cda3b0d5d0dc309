"""InvokeEndpoint.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from collections.abc import Mapping
from urllib.parse import unquote

from local.home import ACCOUNT, REGION
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.errors import Invalid, ModelFailed, SageMakerError

BODY_LIMIT = 6 * 1024 * 1024
_PASSED_ON = {
    "content-type": "Content-Type",
    "accept": "Accept",
    "x-amzn-sagemaker-custom-attributes": "X-Amzn-SageMaker-Custom-Attributes",
    "x-amzn-sagemaker-inference-id": "X-Amzn-SageMaker-Inference-Id",
}


class UnknownEndpoint(SageMakerError):
    """ValidationError, as the runtime (not the control plane) spells it."""

    code = "ValidationError"


def invoke(
    endpoints: Endpoints, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """One invocation: to a server of the endpoint and back, captured if configured."""
    name = unquote(path.split("/")[2])
    fleet = endpoints.serving(name)
    if fleet is None:
        raise UnknownEndpoint(f"Endpoint {name} of account {ACCOUNT} not found.")
    if len(body) > BODY_LIMIT:
        raise Invalid(f"Request body of {len(body)} bytes exceeds the limit of {BODY_LIMIT}.")
    member = fleet.pick(headers.get("x-amzn-sagemaker-target-variant"))
    sent = {name: headers[key] for key, name in _PASSED_ON.items() if key in headers}
    answer = member.server.invoke(body, sent)
    if answer.status >= 400:
        raise _failed(name, answer.status, answer.body.decode("utf-8", errors="replace"))
    content_type = answer.headers.get("Content-Type", "application/octet-stream")
    if member.capture:
        member.capture.add(
            (body, headers.get("content-type", "application/octet-stream")),
            (answer.body, content_type),
            headers.get("x-amzn-sagemaker-inference-id"),
            headers.get("x-amzn-sagemaker-custom-attributes"),
        )
    returned = {
        "Content-Type": content_type,
        "x-Amzn-Invoked-Production-Variant": member.variant["VariantName"],
    }
    attributes = answer.headers.get("X-Amzn-SageMaker-Custom-Attributes")
    if attributes:
        returned["X-Amzn-SageMaker-Custom-Attributes"] = attributes
    return 200, returned, answer.body


def _failed(name: str, status: int, text: str) -> ModelFailed:
    side = "client" if status < 500 else "server"
    log = (
        f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}"
        f"#logEventViewer:group=/aws/sagemaker/Endpoints/{name}"
    )
    return ModelFailed(
        f'Received {side} error ({status}) from primary with message "{text}". See {log} in '
        f"account {ACCOUNT} for more information.",
        status,
        text,
    )
