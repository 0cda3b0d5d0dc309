"""What a request's headers and its query ask for.

SageMaker hands on those headers that InvokeEndpoint has, and no query: through it an explanation is
asked for by custom attribute. A request without an inference id gets one of the worker's own.
https://aws.amazon.com/blogs/machine-learning/amazon-sagemaker-runtime-now-supports-the-customattribute-header/
"""

import re
from typing import Any

ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
INFERENCE_ID = b"x-amzn-sagemaker-inference-id"

ID_CHARACTERS = 64
"""SageMaker's own limit for an inference id.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

_EXPLAIN = re.compile(rb"(?:^|[&;,?\s])explain=(?:true|1)(?:$|[&;,\s])", re.IGNORECASE)


class Asked:
    """The parts of a request that are not its body."""

    __slots__ = ("accept", "content_type", "explain", "inference_id", "length")

    def __init__(self, scope: dict[str, Any]) -> None:
        headers = dict(scope["headers"])
        self.content_type: str = headers.get(b"content-type", b"").decode("latin-1")
        self.accept: str = headers.get(b"accept", b"").decode("latin-1")
        self.length: bytes = headers.get(b"content-length", b"")
        identity: bytes = headers.get(INFERENCE_ID, b"")
        self.inference_id: str = identity.decode("latin-1")[:ID_CHARACTERS] if identity else ""
        query, attributes = scope.get("query_string"), headers.get(ATTRIBUTES)
        self.explain = bool(
            (query and _EXPLAIN.search(query)) or (attributes and _EXPLAIN.search(attributes))
        )
