"""Request bodies to rows: text/csv, application/json, application/jsonlines."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import orjson

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.rows import utc_today
from sagemaker_jobs.serving.csv_body import CsvReader
from sagemaker_jobs.serving.json_body import JsonReader
from sagemaker_jobs.serving.reading import MAX_ROWS, Question, Reading
from sagemaker_jobs.serving.refusals import UnsupportedContentType
from sagemaker_jobs.serving.rules import Rules

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
CONTENT_TYPES = (CSV, JSON, JSON_LINES)


class RequestReader:
    """Reads bodies by the artifact's contract.

    CSV without a header carries the contract's columns in its order, optionally behind the id; with
    a header any order. Columns that the model does not know are an error, known ones that it does
    not read (the id, the target, protected columns) are skipped. Then the contract's rules are
    asked: a value that breaks one is an error, or is counted if the rule only warns. Of a single
    row's values, those beyond a clamp become the bound; of many the features do that.

    `_period`, the first day of a row's period, may stand in JSON and in CSV with a header; it is
    the current period's where it does not, and skipped if no feature depends on it.
    """

    def __init__(
        self,
        contract: dict[str, Any],
        features: FittedFeatures,
        clock: Callable[[], dt.date] = utc_today,
        max_rows: int = MAX_ROWS,
    ) -> None:
        reading = Reading(contract, features, clock)
        csv, json = CsvReader(reading, max_rows), JsonReader(reading, max_rows)
        self._readers: dict[str, Callable[[bytes], Question]] = {
            CSV: csv.read,
            JSON: json.read,
            JSON_LINES: json.read_lines,
            "application/x-jsonlines": json.read_lines,
            "application/x-ndjson": json.read_lines,
        }
        rules = contract.get("rules", ())
        self._rules = Rules(contract.get("columns", ()), features.inputs, rules)

    def read(self, content_type: str, body: bytes) -> Question:
        """Read a body.

        Raises:
            UnsupportedContentType: none of the three types.
            InvalidRequest: rows that break the contract, by row and column.
        """
        read = self._readers.get(content_type) or self._readers.get(_kind(content_type))
        if read is None:
            raise UnsupportedContentType(
                f"Content type {_kind(content_type) or 'absent'} is not supported: "
                f"send {', '.join(CONTENT_TYPES)}."
            )
        try:
            question = read(body)
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"The body is not UTF-8 at byte {error.start + 1}.") from error
        except orjson.JSONDecodeError as error:
            raise InvalidRequest(
                f"The body is not JSON: line {error.lineno}, column {error.colno}."
            ) from error
        question.warnings = self._check(question)
        return question

    def _check(self, question: Question) -> int:
        rules, values = self._rules, question.values
        if values is None:
            return rules.check(question.frame, question.text_at)
        if not rules.suspect(*values):
            return 0
        warned = rules.check(question.frame, question.text_at)
        rules.clamp(values.numbers)
        return warned


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
