"""Request bodies to rows: text/csv, application/json, application/jsonlines."""

import csv
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.frame import PERIOD, Frame
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.rows import RowReader, utc_today

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
CONTENT_TYPES = (CSV, JSON, JSON_LINES)


class UnsupportedContentType(InvalidRequest):
    """A body that is none of the three types."""


@dataclass(frozen=True)
class Question:
    """The rows asked about, and their ids where the request gave them."""

    frame: Frame
    ids: list[Any] | None


class RequestReader:
    """Reads bodies by the artifact's contract.

    CSV without a header carries the contract's columns in its order, optionally behind the id; with
    a header any order. Columns that the model does not know are an error, known ones that it does
    not read (the id, the target, protected columns) are skipped.

    `_period`, the first day of a row's period, may stand in JSON and in CSV with a header; it is
    the current period's where it does not, and skipped if no feature depends on it.
    """

    def __init__(
        self,
        contract: dict[str, Any],
        features: FittedFeatures,
        clock: Callable[[], dt.date] = utc_today,
    ) -> None:
        self._id: str = contract["id"]
        self._rows = RowReader(features, clock)
        self._names = self._rows.names
        self._known = {*self._names, self._id, *contract["ignored"], PERIOD}

    def read(self, content_type: str, body: bytes) -> Question:
        """Read a body.

        Raises:
            UnsupportedContentType: none of the three types.
            InvalidRequest: rows that break the contract, by row and column.
        """
        kind = content_type.partition(";")[0].strip().lower()
        try:
            if kind == CSV:
                return self._csv(body.decode("utf-8-sig"))
            if kind == JSON:
                return self._objects(_records(orjson.loads(body)))
            if kind in (JSON_LINES, "application/x-jsonlines", "application/x-ndjson"):
                return self._objects(
                    [orjson.loads(line) for line in body.splitlines() if line.strip()]
                )
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"The body is not UTF-8 at byte {error.start + 1}.") from error
        except orjson.JSONDecodeError as error:
            raise InvalidRequest(
                f"The body is not JSON: line {error.lineno}, column {error.colno}."
            ) from error
        raise UnsupportedContentType(
            f"Content type {kind or 'absent'} is not supported: send {', '.join(CONTENT_TYPES)}."
        )

    def _objects(self, rows: list[Any]) -> Question:
        if not rows:
            raise InvalidRequest("The body holds no rows.")
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                raise InvalidRequest(f"Row {index + 1} is not a JSON object.")
            if not row.keys() <= self._known:
                raise InvalidRequest(f"Row {index + 1}: {self._unknown(row)}")
        frame = self._rows.from_objects(rows)
        ids = [row.get(self._id) for row in rows]
        return Question(frame, ids if any(value is not None for value in ids) else None)

    def _csv(self, text: str) -> Question:
        rows = _csv_rows(text)
        if rows and self._is_header(rows[0]):
            return self._with_header([name.strip() for name in rows[0]], rows[1:])
        if not rows:
            raise InvalidRequest("The body holds no rows.")
        width, given = len(self._names), len(rows[0])
        if given not in (width, width + 1):
            raise InvalidRequest(
                f"Row 1 has {given} fields; without a header {width} are expected "
                f"({', '.join(self._names)}), or {width + 1} with {self._id} before them."
            )
        _check_widths(rows, given, first=1)
        if given == width:
            return Question(self._rows.from_text(rows), None)
        return Question(self._rows.from_text([row[1:] for row in rows]), [row[0] for row in rows])

    def _with_header(self, header: list[str], rows: list[list[str]]) -> Question:
        if not rows:
            raise InvalidRequest("The body holds a header and no rows.")
        if unknown := [name for name in header if name not in self._known]:
            raise InvalidRequest(f"The header has the unknown column {unknown[0]}.")
        if absent := [name for name in self._names if name not in header]:
            raise InvalidRequest(f"The header lacks the column {absent[0]}.")
        _check_widths(rows, len(header), first=1)
        places = [header.index(name) for name in self._names]
        if self._rows.reads_period and PERIOD in header:
            places.append(header.index(PERIOD))
        frame = self._rows.from_text([[row[place] for place in places] for row in rows])
        if self._id not in header:
            return Question(frame, None)
        place = header.index(self._id)
        return Question(frame, [row[place] for row in rows])

    def _is_header(self, fields: list[str]) -> bool:
        """Whether the first row names columns: most of its fields are column names."""
        known = sum(field.strip() in self._known for field in fields)
        return known * 2 > len(fields)

    def _unknown(self, row: dict[str, Any]) -> str:
        names = [name for name in row if name not in self._known]
        return f"column {names[0]} is unknown."


def _records(body: Any) -> list[Any]:
    if isinstance(body, dict):
        body = body.get("instances", body)
        return body if isinstance(body, list) else [body]
    if isinstance(body, list):
        return body
    raise InvalidRequest('The body must be a record, a list of records, or {"instances": [...]}.')


def _csv_rows(text: str) -> list[list[str]]:
    if '"' not in text:
        return [line.split(",") for line in text.splitlines() if line]
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise InvalidRequest("The body is not CSV: a quote is never closed.") from error


def _check_widths(rows: list[list[str]], width: int, *, first: int) -> None:
    for index, row in enumerate(rows):
        if len(row) != width:
            raise InvalidRequest(f"Row {index + first} has {len(row)} fields, expected {width}.")
