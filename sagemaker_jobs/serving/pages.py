"""What the server says of itself: the batch transform's parameters, and its OpenAPI document."""

from collections.abc import Mapping
from typing import Any

import orjson

from sagemaker_jobs.serving.limits import Limits
from sagemaker_jobs.serving.openapi import document

MAX_PAYLOAD_MB = 100
"""MaxConcurrentTransforms times MaxPayloadInMB may be so much.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
"""


def pages_of(
    contract: Mapping[str, Any], version: str, limits: Limits, workers: int
) -> dict[str, bytes]:
    """Bodies of GET answers by path, made once.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
    """
    megabytes = max(limits.body_bytes // 1024**2, 1)
    parameters = {
        "MaxConcurrentTransforms": max(min(workers, MAX_PAYLOAD_MB // megabytes), 1),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": megabytes,
    }
    return {
        "/execution-parameters": orjson.dumps(parameters),
        "/openapi.json": orjson.dumps(document(contract, version)),
    }
