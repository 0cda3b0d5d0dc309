"""The fast readers: whatever a body holds, they say what the reader of single rows says."""

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dropforge.errors import InvalidRequest
from sagemaker_jobs.features.frame import Input
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.serving.reading import Question
from sagemaker_jobs.serving.requests import CSV, JSON, JSON_LINES, RequestReader

INPUTS = (
    Input("income", "number"),
    Input("job", "string", ("clerk", "NA", "Zoë", "one_two")),
    Input("age", "integer"),
    Input("opened", "date"),
    Input("member", "boolean"),
    Input("rate", "number"),
    Input("town", "string", ("a", "1")),
)
ALL_TEXT = (Input("job", "string", ("clerk",)), Input("town", "string", ("a", "job")))
NUMBERS = (Input("income", "number"), Input("age", "integer"))
CONTRACT: dict[str, Any] = {"id": "id", "ignored": ["sex"]}


def features_of(inputs: tuple[Input, ...]) -> FittedFeatures:
    return FittedFeatures(inputs, {}, (), tuple(column.name for column in inputs))


def slow_reader(inputs: tuple[Input, ...]) -> RequestReader:
    """A reader that knows no ordinary bodies."""
    reader = RequestReader(CONTRACT, features_of(inputs))
    for read in reader._readers.values():
        owner = read.__self__  # type: ignore[attr-defined]
        owner._columns = None
        owner._reading.columns = None
    return reader


READERS: dict[tuple[Input, ...], tuple[RequestReader, RequestReader]] = {
    inputs: (RequestReader(CONTRACT, features_of(inputs)), slow_reader(inputs))
    for inputs in (INPUTS, ALL_TEXT, NUMBERS)
}

Found = tuple[Any, ...]


def found(read: Callable[[], Question]) -> Found:
    """Every bit of what was read, or the refusal's words."""
    try:
        question = read()
    except InvalidRequest as error:
        return (type(error), error.message)
    frame = question.frame
    assert question.rows == frame.rows
    texts = [
        [None if math.isnan(code) else question.text_at(row, place) for place, code in enumerate(c)]
        for row, c in enumerate(frame.codes.tolist())
    ]
    numbers, codes = (np.where(np.isnan(b), np.nan, b) for b in (frame.numbers, frame.codes))
    return (frame.numbers.shape, numbers.tobytes(), codes.tobytes(), question.ids, texts)


def both(inputs: tuple[Input, ...], kind: str, body: bytes) -> tuple[Found, Found]:
    fast, slow = READERS[inputs]
    return found(lambda: fast.read(kind, body)), found(lambda: slow.read(kind, body))


NUMBER_TEXTS = st.one_of(
    st.floats().map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        ["", "NA", "nan", "NaN", "null", "inf", "-inf", "Infinity", "1_000", "1e400", " 3 ", "+.5",
         "1.", "0x10", "٣", "1e5", "-0.0", "-0", "5.0", "\x1c7", "--1", "true", "1,5"]
    ),
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(["clerk", "NA", "Zoë", "one_two", "", "a", "1", "job", "age", " clerk"]),
    st.text(st.characters(exclude_characters='",\r\n', exclude_categories=["Cs"]), max_size=6),
)
DATES = st.one_of(
    st.dates().map(str),
    st.sampled_from(["20200101", "2020/02/03", "2020-02-30", "2020-W01-1", "", "soon", "12345"]),
)
BOOLEANS = st.sampled_from(["true", "FALSE", "1", "0", "yes", "", "maybe", "1.0"])
FIELDS = {
    "number": NUMBER_TEXTS,
    "integer": NUMBER_TEXTS,
    "string": TEXTS,
    "date": DATES,
    "boolean": BOOLEANS,
}
SANE = {
    "number": st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.just(""),
    "integer": st.integers(-(2**53), 2**53).map(str) | st.just(""),
    "string": TEXTS,
    "date": st.dates().map(str) | st.just(""),
    "boolean": st.sampled_from(["true", "false", ""]),
}


@st.composite
def csv_bodies(draw: st.DrawFn) -> tuple[tuple[Input, ...], bytes]:
    inputs = draw(st.sampled_from([INPUTS, ALL_TEXT, NUMBERS]))
    fields = draw(st.sampled_from([FIELDS, SANE, SANE]))
    columns = [(column.name, fields[column.kind]) for column in inputs]
    if draw(st.booleans()):
        columns.insert(0, ("id", TEXTS))
    header = draw(st.booleans())
    if header:
        columns = draw(st.permutations(columns))
        if draw(st.booleans()):
            columns.insert(1, ("sex", TEXTS))
    rows = [
        [draw(values) for _, values in columns]
        for _ in range(draw(st.integers(0 if header else 1, 4)))
    ]
    lines = [",".join(row) for row in rows]
    if header:
        pad = draw(st.sampled_from(["", " "]))
        lines.insert(0, ",".join(f"{pad}{name}" for name, _ in columns))
    end = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    text = draw(st.sampled_from(["", "\ufeff", "\n"])) + end.join(lines)
    return inputs, (text + draw(st.sampled_from(["", end]))).encode()


@settings(max_examples=600, deadline=None)
@given(asked=csv_bodies())
@example((ALL_TEXT, b"job,town"))
@example((ALL_TEXT, b" job ,town"))
@example((NUMBERS, b"1,2\n3,4,5"))
@example((NUMBERS, b"7,1,2\n8,3,4"))
@example((NUMBERS, b"1,2\xff"))
@example((NUMBERS, b""))
@example((INPUTS, "1,Zoë,2,2020-01-01,true,1_0,a".encode()))
@example((INPUTS, b"1,one_two,2,2020-01-01,true,10,a"))
def test_csv_is_read_as_the_reader_of_rows_reads_it(asked: tuple[tuple[Input, ...], bytes]) -> None:
    fast, slow = both(asked[0], CSV, asked[1])
    assert fast == slow


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=40)
    | st.text('0123456789.,eE+-_naif \n\r"', max_size=30).map(str.encode)
)
def test_any_bytes_are_read_alike(body: bytes) -> None:
    fast, slow = both(NUMBERS, CSV, body)
    assert fast == slow


FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": FINITE | st.integers(-(2**63), 2**64 - 1) | NUMBER_TEXTS | st.none() | st.booleans(),
    "integer": st.integers(-(2**63), 2**64 - 1) | FINITE | NUMBER_TEXTS | st.none() | st.booleans(),
    "string": TEXTS | st.none() | st.integers(-3, 3) | st.booleans() | st.just(1.0) | st.just([]),
    "date": DATES | st.none() | st.integers(0, 3),
    "boolean": st.booleans() | st.none() | BOOLEANS | st.sampled_from([0, 1, 2]),
}
SANE_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": FINITE | st.integers(-9, 9) | st.none(),
    "integer": st.integers(-(2**53), 2**53) | st.none(),
    "string": TEXTS | st.none(),
    "date": st.dates().map(str) | st.none(),
    "boolean": st.booleans() | st.none(),
}


@st.composite
def json_rows(draw: st.DrawFn) -> tuple[tuple[Input, ...], list[dict[str, Any]]]:
    inputs = draw(st.sampled_from([INPUTS, ALL_TEXT, NUMBERS]))
    values = draw(st.sampled_from([VALUES, SANE_VALUES, SANE_VALUES]))
    rows = [
        {column.name: draw(values[column.kind]) for column in inputs}
        for _ in range(draw(st.integers(1, 4)))
    ]
    for row in rows:
        match draw(st.integers(0, 9)):
            case 0:
                row["id"] = draw(TEXTS | st.integers(0, 9))
            case 1:
                row["sex"] = "f"
            case 2:
                row["unknown"] = 1
            case 3:
                row.pop(draw(st.sampled_from(sorted(row))))
    return inputs, rows


@settings(max_examples=500, deadline=None)
@given(asked=json_rows())
def test_json_is_read_as_the_reader_of_rows_reads_it(
    asked: tuple[tuple[Input, ...], list[dict[str, Any]]],
) -> None:
    inputs, rows = asked
    body = json.dumps(rows).encode()
    fast, slow = both(inputs, JSON, body)
    assert fast == slow
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    assert both(inputs, JSON_LINES, lines) == (fast, slow)


@settings(max_examples=100, deadline=None)
@given(asked=json_rows())
def test_columns_with_data_are_the_records_that_they_make(
    asked: tuple[tuple[Input, ...], list[dict[str, Any]]],
) -> None:
    inputs, rows = asked
    names = list(rows[0])
    rows = [row for row in rows if set(row) == set(names)]
    body = {"columns": names, "data": [[row[name] for name in names] for row in rows]}
    reader, _ = READERS[inputs]
    records = found(lambda: reader.read(JSON, json.dumps(rows).encode()))
    assert found(lambda: reader.read(JSON, json.dumps(body).encode())) == records


def test_ordinary_bodies_do_not_reach_the_reader_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, _ = READERS[INPUTS]

    def never(self: object, rows: object) -> None:
        raise AssertionError("read row by row")

    monkeypatch.setattr("sagemaker_jobs.features.rows.RowReader.from_text", never)
    monkeypatch.setattr("sagemaker_jobs.features.rows.RowReader.from_objects", never)
    row = ["1.5", "clerk", "", "2020-01-31", "true", "1e3", "elsewhere"]
    names = [column.name for column in INPUTS]
    out = io.StringIO()
    csv.writer(out).writerows([["id", *names], ["7", *row], ["8", *row]])
    for body in (",".join(row), f"{','.join(row)}\n" * 3, out.getvalue()):
        reader.read(CSV, body.encode())
    values = [1.5, "clerk", None, "2020-01-31", True, 1000, "elsewhere"]
    record = dict(zip(names, values, strict=True))
    for rows in ([record], [record, record]):
        question = reader.read(JSON, json.dumps(rows).encode())
        assert question.frame.numbers[0].tolist()[0] == 1.5
        days = float((dt.date(2020, 1, 31) - dt.date(1970, 1, 1)).days)
        assert question.frame.numbers[0].tolist()[2:] == [days, 1.0, 1000.0]


def test_so_many_rows_are_too_many() -> None:
    reader = RequestReader(CONTRACT, features_of(NUMBERS), max_rows=2)
    bodies = {
        CSV: b"1,2\n" * 3,
        JSON: json.dumps([{"income": 1, "age": 2}] * 3).encode(),
        JSON_LINES: b'{"income": 1, "age": 2}\n' * 3,
    }
    for kind, body in bodies.items():
        with pytest.raises(InvalidRequest, match="3 rows: send at most 2 at a time"):
            reader.read(kind, body)
    assert reader.read(CSV, b"income,age\n1,2\n3,4").rows == 2
    with pytest.raises(InvalidRequest, match="3 rows"):
        reader.read(CSV, b'income,age\n"1",2\n3,4\n5,6')
