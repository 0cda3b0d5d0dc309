"""What a body's readers share: the model's columns, and the rows that they found."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.frame import PERIOD, Frame
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.rows import RowReader
from sagemaker_jobs.serving.ordinary import Columns, Values, frame_of
from sagemaker_jobs.serving.refusals import BodyTooLarge
from sagemaker_jobs.serving.rules import TextAt

MAX_ROWS = 100_000
"""Rows of one request. More are for batch scoring, which has no 60 seconds to keep."""


class Question:
    """The rows asked about, and their ids where the request gave them.

    A single ordinary row has its `values`; its frame is made if somebody asks for it. `text_at`
    gives a category's text, `warnings` is how many values break rules that only warn.
    """

    __slots__ = ("_frame", "ids", "rows", "text_at", "values", "warnings")

    def __init__(
        self, rows: int, found: Frame | Values, ids: list[Any] | None, text_at: TextAt
    ) -> None:
        self.rows, self.ids, self.text_at = rows, ids, text_at
        self._frame = found if isinstance(found, Frame) else None
        self.values = None if isinstance(found, Frame) else found
        self.warnings = 0

    @property
    def frame(self) -> Frame:
        """The rows."""
        if self._frame is None:
            assert self.values is not None  # it has either
            self._frame = frame_of(self.values)
        return self._frame


class Reading:
    """The columns that a body may carry, and both roads from values to frames."""

    def __init__(
        self,
        contract: Mapping[str, Any],
        features: FittedFeatures,
        clock: Callable[[], dt.date],
    ) -> None:
        self.id: str = contract["id"]
        self.rows = RowReader(features, clock)
        self.names = self.rows.names
        self.known = frozenset({*self.names, self.id, *contract["ignored"], PERIOD})
        self.categories = [c.name for c in features.inputs if c.is_category]
        # Keys, raw texts and periods are looked up by value: the reader of single rows does that.
        looked_up = features.aggregates or features.raw_texts or features.reads_period
        self.columns = None if looked_up else Columns(features)


def check_rows(rows: int, limit: int) -> None:
    """Refuse a body of no rows, or of more than the limit."""
    if not rows:
        raise InvalidRequest("The body holds no rows.")
    if rows > limit:
        raise BodyTooLarge(f"The body holds {rows:,} rows: send at most {limit:,} at a time.")
