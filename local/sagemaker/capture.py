"""Data capture: requests and answers as JSON lines in S3, in SageMaker's layout and format.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
import logging
import queue
import random
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import roles
from local.sagemaker.container import SESSION_NAME
from local.sagemaker.store import Document
from local.sagemaker.transfers import split_uri

_LINGER = 0.2
_log = logging.getLogger(__name__)


def enabled(config: Document | None) -> bool:
    """Whether a DataCaptureConfig captures: without EnableCapture it does.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html
    """
    return config is not None and config.get("EnableCapture") is not False


def encode(body: bytes, content_type: str, config: Document) -> tuple[str, str]:
    """The body as text and the name of its encoding: CSV or JSON if declared, else BASE64."""
    declared = config.get("CaptureContentTypeHeader") or {}
    media_type = content_type.partition(";")[0].strip().lower()
    for encoding, field in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if media_type in (kind.lower() for kind in declared.get(field) or []):
            return body.decode("utf-8", errors="replace"), encoding
    return base64.b64encode(body).decode(), "BASE64"


def record(
    config: Document,
    request: tuple[bytes, str],
    answer: tuple[bytes, str],
    inference_id: str | None,
    attributes: str | None,
    moment: datetime,
) -> Document:
    """One line: what was sent, what was answered, when and under which ids."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    data: Document = {}
    for mode, field, (body, content_type) in (
        ("Input", "endpointInput", request),
        ("Output", "endpointOutput", answer),
    ):
        if mode in modes or "InputAndOutput" in modes:
            text, encoding = encode(body, content_type, config)
            data[field] = {
                "observedContentType": content_type,
                "mode": mode.upper(),
                "data": text,
                "encoding": encoding,
            }
    metadata: Document = {"eventId": str(uuid.uuid4())}
    if inference_id:
        metadata["inferenceId"] = inference_id
    if attributes:
        metadata["customAttributes"] = [attributes]
    metadata["inferenceTime"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


class Capture:
    """Writes the records of one variant; `add` returns at once."""

    def __init__(self, endpoint: str, variant: str, config: Document, role_arn: str) -> None:
        self.config = config
        self._endpoint, self._variant, self._role_arn = endpoint, variant, role_arn
        self._records: queue.Queue[tuple[datetime, Document] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write, daemon=True, name="capture")
        self._thread.start()

    def add(
        self,
        request: tuple[bytes, str],
        answer: tuple[bytes, str],
        inference_id: str | None,
        attributes: str | None,
    ) -> None:
        """Captures one invocation, if it is in the sample."""
        if random.random() * 100 >= self.config["InitialSamplingPercentage"]:
            return
        moment = datetime.now(UTC)
        self._records.put(
            (moment, record(self.config, request, answer, inference_id, attributes, moment))
        )

    def close(self) -> None:
        """Writes what is left and ends."""
        self._records.put(None)
        self._thread.join(timeout=10)

    def _write(self) -> None:
        """Collects records for a moment, so that a burst becomes one object."""
        open_ = True
        while open_:
            batch = [self._records.get()]
            threading.Event().wait(0 if batch[0] is None else _LINGER)
            while not self._records.empty():
                batch.append(self._records.get())
            open_ = None not in batch
            self._put([item for item in batch if item is not None])

    def _put(self, batch: list[tuple[datetime, Document]]) -> None:
        by_hour: dict[str, list[tuple[datetime, Document]]] = {}
        for moment, line in batch:
            by_hour.setdefault(moment.strftime("%Y/%m/%d/%H"), []).append((moment, line))
        bucket, prefix = split_uri(self.config["DestinationS3Uri"])
        options: dict[str, Any] = {}
        if key := self.config.get("KmsKeyId"):
            options = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        for hour, lines in by_hour.items():
            first = lines[0][0]
            name = f"{first:%M-%S}-{first.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            path = f"{prefix.strip('/')}/{self._endpoint}/{self._variant}/{hour}/{name}"
            body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for _, line in lines)
            try:
                roles.client("s3", self._role_arn, SESSION_NAME).put_object(
                    Bucket=bucket, Key=path.lstrip("/"), Body=body.encode(), **options
                )
            except (ClientError, BotoCoreError) as error:
                # As on AWS: invocations go on, the data is lost.
                _log.warning("data capture of %s failed: %s", self._endpoint, error)
