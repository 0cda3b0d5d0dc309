"""Golden rows: synthetic questions with the answers that the judged model gave offline.

Evaluate writes them into the artifact, one JSON object a line.
"""

import csv
import io
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from dropforge.aws.documents import read_bytes
from dropforge.errors import ArtifactBroken

FILE = "golden.jsonl"


class Golden(BaseModel):
    """A question and its answer: a score, or one a class; what is decided, if anything is."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    inference_id: str
    input: dict[str, Any]
    score: float | list[float]
    decision: int | str | None


def read_golden(artifact_uri: str) -> list[Golden]:
    """The artifact's golden rows.

    Raises:
        ArtifactBroken: the file holds none, or a line that is no golden row.
    """
    uri = f"{artifact_uri.rstrip('/')}/{FILE}"
    lines = read_bytes(uri).decode("utf-8").splitlines()
    try:
        rows = [Golden.model_validate_json(line) for line in lines if line]
    except ValidationError as error:
        raise ArtifactBroken(f"{uri} holds a line that is no golden row: {error}") from error
    if not rows:
        raise ArtifactBroken(f"{uri} holds no golden rows: nothing can be compared.")
    return rows


def as_json(rows: list[Golden]) -> bytes:
    """The rows as one JSON body."""
    return json.dumps([row.input for row in rows], ensure_ascii=False).encode()


def as_json_lines(rows: list[Golden]) -> bytes:
    """The rows as JSON lines."""
    return b"\n".join(json.dumps(row.input, ensure_ascii=False).encode() for row in rows)


def as_csv(rows: list[Golden]) -> bytes:
    """The rows as CSV with a header; the empty text is a missing value."""
    names = list(rows[0].input)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_text(row.input[name]) for name in names] for row in rows)
    return out.getvalue().encode()


def _text(value: Any) -> str:
    """A value as it stands in a CSV file; floats keep every bit."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value)
