"""Golden rows: synthetic, and every way in which a row can be unusual is among them."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.artifact.golden import Golden, check_golden
from sagemaker_jobs.artifact.synthetic import MAX_LEVELS, ROWS, UNSEEN, make_rows
from sagemaker_jobs.features.frame import PERIOD, Input

NUMBER = {"kind": "number", "edges": [2.0, 5.0], "low": 1.0, "high": 9.0}
EMPTY = {"kind": "number", "edges": []}
TEXT: dict[str, Any] = {"kind": "category", "levels": []}


def baseline(**columns: Any) -> dict[str, Any]:
    return {"columns": columns}


def test_missing_unseen_and_extreme_values_come_first() -> None:
    inputs = [Input("x", "number"), Input("job", "string", ("clerk", "smith"))]
    rows = make_rows(inputs, baseline(x=NUMBER, job=TEXT), 42)
    assert len(rows) == ROWS
    assert rows[0] == {"x": None, "job": None}
    assert rows[1]["job"] == UNSEEN
    assert (rows[2]["x"], rows[3]["x"]) == (9e6, -9e6)
    assert rows == make_rows(inputs, baseline(x=NUMBER, job=TEXT), 42)


@pytest.mark.parametrize("count", [1, 3, ROWS, 50, MAX_LEVELS])
def test_every_level_is_asked_for(count: int) -> None:
    levels = tuple(f"level {n}" for n in range(count))
    inputs = [Input("job", "string", levels), Input("town", "string", ("a",))]
    rows = make_rows(inputs, baseline(job=TEXT, town=TEXT), 1)
    assert set(levels) <= {row["job"] for row in rows}
    assert len(rows) == max(ROWS, count + 4)


def test_of_very_many_levels_some_are_asked_for() -> None:
    levels = tuple(f"{n:05d}" for n in range(5000))
    rows = make_rows([Input("job", "string", levels)], baseline(job=TEXT), 1)
    asked = {row["job"] for row in rows} & set(levels)
    assert len(asked) == MAX_LEVELS
    assert {levels[0], levels[-1]} <= asked


def test_keys_of_aggregates_are_asked_for_in_their_columns_kind() -> None:
    inputs = [Input("shop", "string"), Input("branch", "integer")]
    keys: dict[str, list[str | float]] = {"shop": ["north", "south"], "branch": [3.0, 11.0]}
    rows = make_rows(inputs, baseline(shop=TEXT, branch=EMPTY), 1, keys=keys)
    assert {"north", "south", UNSEEN, None} <= {row["shop"] for row in rows}
    branches = {row["branch"] for row in rows[4:]} - {None}
    assert branches == {3, 11}
    assert all(isinstance(branch, int) for branch in branches)


def test_golden_rows_carry_their_period() -> None:
    inputs = [Input("x", "number"), Input(PERIOD, "date")]
    rows = make_rows(inputs, baseline(x=NUMBER), 1, period="2020-11-01")
    assert {row[PERIOD] for row in rows} == {"2020-11-01"}
    without = make_rows(inputs[:1], baseline(x=NUMBER), 1, period="2020-11-01")
    assert PERIOD not in without[0]


@given(seed=st.integers(0, 2**31), low=st.floats(-1e6, 1e6), width=st.floats(0, 1e6))
def test_ordinary_values_lie_within_the_baseline(seed: int, low: float, width: float) -> None:
    profile = {"kind": "number", "edges": [], "low": low, "high": low + width}
    inputs = [Input("x", "number"), Input("n", "integer"), Input("day", "date")]
    rows = make_rows(inputs, baseline(x=profile, n=profile, day=profile), seed)
    for row in rows[4:]:
        if row["x"] is not None:
            assert low <= row["x"] <= low + width
        assert row["n"] is None or isinstance(row["n"], int)
        assert row["day"] is None or dt.date.fromisoformat(row["day"])


@pytest.mark.parametrize(
    ("score", "decision", "answer"),
    [
        (0.5, 1, (0.5000000000000001, 1)),
        (0.5, 1, (0.5, 0)),
        ([0.25, 0.75], "b", ([0.75, 0.25], "b")),
        ([0.25, 0.75], "b", ([0.25, 0.75], "a")),
        (3.5, None, (3.5, 0)),
    ],
)
def test_any_other_answer_is_refused(score: Any, decision: Any, answer: Any) -> None:
    golden = [Golden("golden-1", {}, score, decision)]
    check_golden(golden, [(score, decision)])
    with pytest.raises(ArtifactBroken, match="golden-1 must score"):
        check_golden(golden, [answer])
    with pytest.raises(ArtifactBroken, match="0 were answered"):
        check_golden(golden, [])
