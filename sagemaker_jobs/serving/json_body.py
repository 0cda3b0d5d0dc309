"""JSON bodies: records, columns with data, instances, or an object a line."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.frame import Frame
from sagemaker_jobs.features.rows import RowRefused
from sagemaker_jobs.serving.fields import NotOrdinary
from sagemaker_jobs.serving.ordinary import Values
from sagemaker_jobs.serving.reading import Question, Reading, check_rows
from sagemaker_jobs.values import text_from_json

SHAPES = (
    'a record, a list of records, {"instances": [...]}, or {"columns": [names], "data": [rows]}'
)


class JsonReader:
    """Reads JSON objects, a row each. Every column of the model is there; null is missing."""

    def __init__(self, reading: Reading, max_rows: int) -> None:
        self._reading, self._max_rows = reading, max_rows
        self._width = len(reading.names)

    def read(self, body: bytes) -> Question:
        """Read one JSON document.

        Raises:
            InvalidRequest: rows that the model cannot score.
            orjson.JSONDecodeError: not JSON.
        """
        return self._rows(self._records(orjson.loads(body)))

    def read_lines(self, body: bytes) -> Question:
        """Read an object a line; empty lines are none."""
        return self._rows([orjson.loads(line) for line in body.splitlines() if line.strip()])

    def _records(self, document: Any) -> list[Any]:
        if isinstance(document, dict):
            if "instances" in document:
                document = document["instances"]
            elif document.keys() == {"columns", "data"}:
                return _of_columns(document["columns"], document["data"])
            return document if isinstance(document, list) else [document]
        if isinstance(document, list):
            return document
        raise InvalidRequest(f"The body must be {SHAPES}.")

    def _rows(self, rows: list[Any]) -> Question:
        check_rows(len(rows), self._max_rows)
        reading = self._reading
        for index, row in enumerate(rows):
            if type(row) is not dict:
                raise InvalidRequest(f"Row {index + 1} is not a JSON object.")
        found = self._ordinary(rows)
        if found is None:
            for index, row in enumerate(rows):
                if not row.keys() <= reading.known:
                    name = next(name for name in row if name not in reading.known)
                    raise RowRefused(index + 1, name, "unknown", "is unknown")
            found = reading.rows.from_objects(rows)
        ids = [row.get(reading.id) for row in rows]
        categories = reading.categories
        return Question(
            len(rows),
            found,
            ids if any(value is not None for value in ids) else None,
            lambda row, place: text_from_json(rows[row][categories[place]]) or "",
        )

    def _ordinary(self, rows: Sequence[Mapping[str, Any]]) -> Values | Frame | None:
        reading = self._reading
        if reading.columns is None:
            return None
        for row in rows:
            # As many as the model has, and all of those: none is unknown.
            if len(row) != self._width and not row.keys() <= reading.known:
                return None
        try:
            if len(rows) == 1:
                return reading.columns.row_of_object(rows[0])
            return reading.columns.rows_of_objects(rows)
        except NotOrdinary:
            return None


def _of_columns(names: Any, data: Any) -> list[Any]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidRequest('"columns" must be a list of column names.')
    if len({*names}) != len(names):
        raise InvalidRequest('"columns" names a column twice.')
    if not isinstance(data, list):
        raise InvalidRequest('"data" must be a list of rows.')
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            raise InvalidRequest(f"Row {index + 1} is not a list of {len(names)} values.")
    return [dict(zip(names, row, strict=True)) for row in data]
