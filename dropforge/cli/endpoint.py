"""Asking a project's endpoint, in requests below SageMaker's limit."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code
from dropforge.errors import DropforgeError, InvalidRequest
from dropforge.names import endpoint_name

ROWS_PER_REQUEST = 500
"""InvokeEndpoint takes 6 MB (https://docs.aws.amazon.com/sagemaker/latest/dg/
realtime-endpoints-test-endpoints.html): 500 rows of 122 columns are about 0.5 MB."""


class EndpointSilent(DropforgeError):
    """The endpoint does not exist, is not in service, or broke down while answering."""


@dataclass(frozen=True)
class Endpoint:
    """A project's endpoint in a stage."""

    project: str
    stage: str

    @property
    def name(self) -> str:
        """Its name in SageMaker."""
        return endpoint_name(self.project, self.stage)

    def describe(self) -> dict[str, Any] | None:
        """What SageMaker says of it; None if there is no such endpoint."""
        try:
            answer: dict[str, Any] = client("sagemaker").describe_endpoint(EndpointName=self.name)
        except ClientError as error:
            if error_code(error) == "ValidationException":
                return None
            raise
        return answer

    def status(self) -> str | None:
        """SageMaker's word for its state; None if there is no such endpoint."""
        answer = self.describe()
        return None if answer is None else str(answer["EndpointStatus"])

    def ask(self, body: bytes, content_type: str) -> list[dict[str, Any]]:
        """Score one request; one document a row, in its order.

        Raises:
            InvalidRequest: the model cannot score these rows; the message is the model's.
            EndpointSilent: no endpoint that answers.
        """
        try:
            answer = client("sagemaker-runtime").invoke_endpoint(
                EndpointName=self.name,
                Body=body,
                ContentType=content_type,
                Accept="application/jsonlines",
            )
        except ClientError as error:
            raise self._explain(error) from error
        text = answer["Body"].read().decode()
        return [json.loads(line) for line in text.splitlines() if line]

    def ask_rows(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Score rows given as mappings from column to value."""
        remaining = iter(rows)
        while chunk := list(islice(remaining, ROWS_PER_REQUEST)):
            body = "\n".join(json.dumps(row, ensure_ascii=False) for row in chunk)
            yield from self.ask(body.encode(), "application/jsonlines")

    def ask_file(self, file: Path) -> Iterator[dict[str, Any]]:
        """Score a .csv or .jsonl file.

        Raises:
            InvalidRequest: another kind of file.
        """
        if file.suffix == ".jsonl":
            with file.open(encoding="utf-8") as stream:
                yield from self.ask_rows(json.loads(text) for text in stream if text.strip())
        elif file.suffix == ".csv":
            for body in csv_requests(file):
                yield from self.ask(body, "text/csv")
        else:
            raise InvalidRequest(
                f"{file.name} is neither .csv nor .jsonl. Nothing was sent.",
                next_command=f"dropforge drop {file} --project {self.project} (scored in batch)",
            )

    def _explain(self, error: ClientError) -> DropforgeError:
        code = error_code(error)
        said = error.response["Error"].get("Message", "")
        if code == "ModelError":
            original = _message(error.response.get("OriginalMessage") or said)
            if 400 <= int(error.response.get("OriginalStatusCode") or 500) < 500:
                return InvalidRequest(f"The model of {self.name} refused the rows: {original}")
            return EndpointSilent(
                f"The server of {self.name} broke down: {original}",
                next_command="dropforge doctor",
            )
        if code in ("ValidationError", "ValidationException"):
            return EndpointSilent(
                f"The endpoint {self.name} does not answer: {said} A project has one when it says "
                "endpoint: realtime or serverless, and a model was promoted.",
                next_command=f"dropforge runs {self.project}",
            )
        return EndpointSilent(
            f"The endpoint {self.name} does not answer: {code}: {said}",
            next_command="dropforge doctor",
        )


def _message(answer: str) -> str:
    """What the server said: its answer is {"error", "message"}."""
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return answer


def csv_requests(file: Path, rows: int = ROWS_PER_REQUEST) -> Iterator[bytes]:
    """A CSV file in parts of so many rows, each with the header."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, None)
        if header is None:
            raise InvalidRequest(f"{file.name} is empty. Nothing was sent.")
        while chunk := list(islice(reader, rows)):
            part = io.StringIO()
            csv.writer(part, lineterminator="\n").writerows([header, *chunk])
            yield part.getvalue().encode()
