"""InvokeEndpoint.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import random
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from urllib.parse import unquote

from local.home import ACCOUNT, REGION
from local.sagemaker.connections import Answer
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.errors import InvalidInvocation, ModelFailed
from local.sagemaker.fleet import Fleet, Member

BODY_LIMIT = 6 * 1024 * 1024
SERVERLESS_BODY_LIMIT = 4 * 1024 * 1024
_PASSED_ON = {
    "content-type": "Content-Type",
    "accept": "Accept",
    "x-amzn-sagemaker-custom-attributes": "X-Amzn-SageMaker-Custom-Attributes",
    "x-amzn-sagemaker-inference-id": "X-Amzn-SageMaker-Inference-Id",
}
_shadows = ThreadPoolExecutor(8, thread_name_prefix="shadow")


def invoke(
    endpoints: Endpoints, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """One invocation: to a server of the endpoint and back, counted, captured if configured."""
    began = time.monotonic()
    name = unquote(path.split("/")[2])
    traffic = endpoints.serving(name)
    if traffic is None:
        raise InvalidInvocation(f"Endpoint {name} of account {ACCOUNT} not found.")
    _check_size(body, BODY_LIMIT)
    with traffic.take(headers.get("x-amzn-sagemaker-target-variant")) as (fleet, member):
        if member.serverless is not None:
            _check_size(body, SERVERLESS_BODY_LIMIT)
        if (shadow := fleet.enter_shadow(random.random())) is not None:
            _shadows.submit(_copy, endpoints, name, fleet, shadow, body, headers)
        answer = _ask(endpoints, name, fleet, member, body, headers, began)
    if not 200 <= answer.status < 300:
        raise _failed(name, answer.status, answer.body.decode("utf-8", errors="replace"))
    returned = {
        "Content-Type": _content_type(answer.headers),
        "x-Amzn-Invoked-Production-Variant": member.name,
    }
    attributes = answer.headers.get("X-Amzn-SageMaker-Custom-Attributes")
    if attributes:
        returned["X-Amzn-SageMaker-Custom-Attributes"] = attributes
    return 200, returned, answer.body


def _ask(
    endpoints: Endpoints,
    name: str,
    fleet: Fleet,
    member: Member,
    body: bytes,
    headers: Mapping[str, str],
    began: float,
) -> Answer:
    """The server's answer; metrics and captured data are written on the way."""
    sent = {name: headers[key] for key, name in _PASSED_ON.items() if key in headers}
    with member.server.awake():
        asked = time.monotonic()
        answer = member.server.invoke(body, sent)
        took = time.monotonic() - asked
    endpoints.metrics.invocation(
        name, member.name, fleet.config_name, answer.status, took, asked - began
    )
    if member.capture and 200 <= answer.status < 300:
        member.capture.add(
            (body, headers.get("content-type", "application/octet-stream")),
            (answer.body, _content_type(answer.headers)),
            headers.get("x-amzn-sagemaker-inference-id"),
            headers.get("x-amzn-sagemaker-custom-attributes"),
        )
    return answer


def _copy(
    endpoints: Endpoints,
    name: str,
    fleet: Fleet,
    shadow: Member,
    body: bytes,
    headers: Mapping[str, str],
) -> None:
    """A copy of the request to the shadow variant; its answer is captured, not returned.

    https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html
    """
    try:
        _ask(endpoints, name, fleet, shadow, body, headers, time.monotonic())
    finally:
        fleet.leave(shadow)


def _check_size(body: bytes, limit: int) -> None:
    """6 MB, and 4 MB for serverless endpoints.

    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    https://github.com/aws/sagemaker-python-sdk/issues/4271 (the wording for serverless)
    """
    if len(body) <= limit:
        return
    if limit == SERVERLESS_BODY_LIMIT:
        raise InvalidInvocation("Request has oversize body.")
    raise InvalidInvocation(
        "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must "
        f"have length less than or equal to {limit}"
    )


def _content_type(headers: Message | Mapping[str, str]) -> str:
    return headers.get("Content-Type") or "application/octet-stream"


def _failed(name: str, status: int, text: str) -> ModelFailed:
    side = "client" if 400 <= status < 500 else "server"
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
