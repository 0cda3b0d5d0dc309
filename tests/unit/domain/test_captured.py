"""Captured answers of two variants, joined by request and compared."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.captured import Compared, compare, read_captured

JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"


def answer(*rows: tuple[float, int | None], version: str = "1") -> str:
    predictions = [{"score": s, "decision": d, "model_version": version} for s, d in rows]
    return json.dumps({"predictions": predictions})


def line(
    text: str,
    sent: str | None = "a,b\n1,2\n",
    inference_id: str | None = None,
    kind: str = JSON,
    encoding: str = "JSON",
) -> str:
    data: dict[str, Any] = {
        "endpointOutput": {"observedContentType": kind, "data": text, "encoding": encoding}
    }
    if sent is not None:
        data["endpointInput"] = {"observedContentType": CSV, "data": sent, "encoding": "CSV"}
    about = {"eventId": "x"} | ({"inferenceId": inference_id} if inference_id else {})
    return json.dumps({"captureData": data, "eventMetadata": about, "eventVersion": "0"})


def compared(production: list[str], shadow: list[str]) -> Compared:
    return compare(read_captured(production, "1"), read_captured(shadow, "2"))


def test_answers_are_joined_by_what_was_sent() -> None:
    production = [line(answer((0.5, 1)), sent="x"), line(answer((0.5, 0)), sent="y")]
    shadow = [line(answer((0.25, 0), version="2"), sent="y"), line(answer((0.9, 0), version="2"))]
    assert compared(production, shadow) == Compared(1, 1, 1, 0, 0.25)


def test_a_caller_s_id_joins_where_nothing_sent_is_captured() -> None:
    production = [line(answer((0.5, 1)), None, "id-1"), line(answer((0.5, 1)), None)]
    shadow = [line(answer((0.75, 0), version="2"), None, "id-1")]
    assert compared(production, shadow) == Compared(1, 1, 1, 1, 0.25)


def test_the_deployment_s_own_test_is_no_live_request() -> None:
    golden = "golden-v1-json"
    assert read_captured([line(answer((0.5, 1)), inference_id=golden)], "1") == []


def test_answers_of_another_version_are_left_out() -> None:
    assert read_captured([line(answer((0.5, 1), version="3"))], "1") == []


@pytest.mark.parametrize(
    ("kind", "encoding", "text"),
    [
        (JSON, "JSON", answer((0.5, 1), (0.25, None))),
        (f"{CSV}; charset=utf-8", "CSV", "0.5,1,1\nsomebody,0.25,,1\n"),
        (
            LINES,
            "JSON",
            '{"score": 0.5, "decision": 1, "model_version": "1"}\n'
            '{"score": 0.25, "decision": null, "model_version": "1"}\n',
        ),
        (JSON, "BASE64", base64.b64encode(answer((0.5, 1), (0.25, None)).encode()).decode()),
    ],
)
def test_every_kind_of_answer_is_read(kind: str, encoding: str, text: str) -> None:
    (found,) = read_captured([line(text, kind=kind, encoding=encoding)], "1")
    assert [(row.score, row.decision) for row in found.rows] == [(0.5, "1"), (0.25, None)]
    assert "a,b" not in repr(found) and "somebody" not in repr(found)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "[]",
        '{"captureData": {}, "eventMetadata": {}}',
        line("no json"),
        line("1,2", kind=CSV),
        line("0.5,2,0.1,0.2,0.7,1", kind=CSV),
        line(""),
        line("!", encoding="BASE64"),
    ],
)
def test_a_line_without_a_readable_answer_is_left_out(broken: str) -> None:
    assert read_captured([broken], "1") == []


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_no_line_breaks_the_comparison(text: str) -> None:
    read_captured([text, line(text), line(text, kind=CSV, encoding="CSV")], "1")


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), max_size=20), st.randoms())
def test_a_shadow_that_answers_alike_differs_in_nothing(
    rows: list[tuple[float, int]], order: Any
) -> None:
    """Whatever is sent, however often, in whatever order the files come."""
    production = [line(answer(row), sent=str(row)) for row in rows]
    shadow = [line(answer(row, version="2"), sent=str(row)) for row in rows]
    order.shuffle(shadow)
    found = compared(production, shadow)
    assert (found.pairs, found.rows, found.decided) == (len(rows),) * 3
    assert (found.differing, found.score_difference or 0.0) == (0, 0.0)
