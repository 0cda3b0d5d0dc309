"""Request bodies to rows: where the period may stand, and what keys and raw texts they carry."""

import datetime as dt
import json
import math
from typing import Any

import pytest

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.dates import BEFORE_PERIOD, DateFeature
from sagemaker_jobs.features.frame import PERIOD, Input
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.serving.reading import Question
from sagemaker_jobs.serving.requests import RequestReader

AGE, OPENED = Input("age", "integer"), Input("opened", "date")
WITHOUT = FittedFeatures((AGE, OPENED), {}, (), ("age", "opened"))
WITH = FittedFeatures(
    (AGE, OPENED, Input(PERIOD, "date")),
    {},
    (),
    ("age", "opened_before"),
    dates=(DateFeature("opened_before", "opened", BEFORE_PERIOD),),
)
NOW = 31.0 + 28.0
"""Days from 1970-01-01 to the month of `clock`; the rows' date is three days later."""


def clock() -> dt.date:
    """The day on which the requests of these tests are read."""
    return dt.date(1970, 3, 17)


def read(features: FittedFeatures, kind: str, body: str) -> Question:
    reader = RequestReader({"id": "id", "ignored": ["y"]}, features, clock)
    return reader.read(kind, body.encode())


def before(question: Question) -> list[float]:
    """The days before the period, of every row."""
    return [float(value) for value in WITH.matrix(question.frame)[:, 1]]


def record(**more: Any) -> str:
    return json.dumps({"age": 3, "opened": "1970-01-04", **more})


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/json", record(), NOW - 3),
        ("application/json", record(_period="1970-02-01"), 28.0),
        ("application/json", record(_period=None), math.nan),
        ("application/jsonlines", record(_period="1970-02-01"), 28.0),
        ("text/csv", "3,1970-01-04", NOW - 3),
        ("text/csv", "7,3,1970-01-04", NOW - 3),
        ("text/csv", "age,opened\n3,1970-01-04", NOW - 3),
        ("text/csv", "age,_period,opened\n3,1970-02-01,1970-01-04", 28.0),
        ("text/csv", "_period,age,id,y,opened\n,3,7,,1970-01-04", math.nan),
    ],
)
def test_where_the_period_comes_from(kind: str, body: str, expected: float) -> None:
    (found,) = before(read(WITH, kind, body))
    assert found == pytest.approx(expected, abs=0, nan_ok=True)


def test_rows_of_one_request_may_differ() -> None:
    body = f"[{record(_period='1970-01-05')}, {record()}, {record(_period='1970-01-06')}]"
    assert before(read(WITH, "application/json", body)) == [1.0, NOW - 3, 2.0]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", record(_period="not even a date")),
        ("text/csv", "age,opened,_period\n3,1970-01-04,202002"),
        ("text/csv", "3,1970-01-04"),
    ],
)
def test_a_model_that_does_not_read_the_period_skips_it(kind: str, body: str) -> None:
    assert read(WITHOUT, kind, body).frame.numbers.tolist() == [[3.0, 3.0]]


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("application/json", record(_period="202002"), "Row 1, column _period: must be a date"),
        ("text/csv", "_period,age,opened\nx,3,1970-01-04", "Row 1, column _period: must be a da"),
        ("text/csv", "3,1970-01-04,1970-02-01,9", "2 are expected (age, opened), or 3 with id"),
        ("text/csv", "3", "2 are expected (age, opened), or 3 with id"),
        ("text/csv", "age,opened,period\n3,1970-01-04,1970-02-01", "unknown column period"),
    ],
)
def test_periods_that_are_refused(kind: str, body: str, says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(WITH, kind, body)
    assert says in caught.value.message
