"""Lines of captured data."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from local.sagemaker.capture import encode, record

DECLARED = {
    "CaptureContentTypeHeader": {
        "CsvContentTypes": ["text/csv"],
        "JsonContentTypes": ["application/json"],
    }
}
MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "content_type, config, encoding",
    [
        ("text/csv", DECLARED, "CSV"),
        ("text/csv; charset=utf-8", DECLARED, "CSV"),
        ("application/json", DECLARED, "JSON"),
        ("application/jsonlines", DECLARED, "BASE64"),
        ("text/csv", {}, "BASE64"),
    ],
)
def test_only_declared_types_are_text(
    content_type: str, config: dict[str, Any], encoding: str
) -> None:
    text, found = encode("é,1".encode(), content_type, config)
    assert found == encoding
    assert text == ("é,1" if encoding != "BASE64" else base64.b64encode("é,1".encode()).decode())


def test_only_the_modes_asked_for_are_recorded() -> None:
    config = DECLARED | {"CaptureOptions": [{"CaptureMode": "Output"}]}
    line = record(config, (b"1", "text/csv"), (b"2", "text/csv"), None, None, MOMENT)
    assert list(line["captureData"]) == ["endpointOutput"]
    assert line["eventMetadata"]["inferenceTime"] == "2026-03-04T05:06:07Z"
    assert "inferenceId" not in line["eventMetadata"]


def test_ids_and_attributes_are_kept() -> None:
    config = DECLARED | {"CaptureOptions": [{"CaptureMode": "InputAndOutput"}]}
    line = record(config, (b"1", "text/csv"), (b"2", "text/csv"), "row-1", "trace=7", MOMENT)
    assert line["eventMetadata"]["inferenceId"] == "row-1"
    assert line["eventMetadata"]["customAttributes"] == ["trace=7"]
    assert set(line["captureData"]) == {"endpointInput", "endpointOutput"}
