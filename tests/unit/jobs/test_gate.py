"""The statistical gate: drift from profiles and tables, each warning, and when there is none."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sagemaker_jobs.judging.drift import (
    category_profile,
    drift,
    js_distance,
    number_profile,
    period_drift,
    profile_drift,
)
from sagemaker_jobs.profile.gate import findings
from sagemaker_jobs.profile.profile import Profile
from sagemaker_jobs.values import Kind

ROWS = 4000
KINDS: dict[str, Kind] = {"id": "string", "x": "number", "f": "boolean", "c": "string"}


def month(seed: int, rows: int = ROWS, positive: float = 0.1, **columns: Any) -> pa.RecordBatch:
    rng = np.random.default_rng(seed)
    made = {
        "id": pa.array([f"{seed}-{i}" for i in range(rows)]),
        "x": pa.array(rng.normal(size=rows)),
        "f": pa.array(rng.uniform(size=rows) < 0.3),
        "c": pa.array(rng.choice(["red", "blue"], rows)),
        "y": pa.array((np.arange(rows) < positive * rows).astype(int).astype(str)),
    }
    return pa.RecordBatch.from_pydict({**made, **columns})


def profiled(batch: pa.RecordBatch, kinds: dict[str, Kind] = KINDS) -> Profile:
    made = Profile.new(kinds, id="id", target="y", positive=1, project="p", personal=["name"])
    made.update(batch)
    return made


def baseline(batch: pa.RecordBatch) -> dict[str, Any]:
    table = pa.Table.from_batches([batch])
    return {
        "rows": len(table),
        "positive_share": 0.1,
        "columns": {
            "x": number_profile(table.column("x").to_numpy()),
            "c": category_profile(table.column("c")),
        },
    }


def test_drift_of_a_profile_is_that_of_its_table() -> None:
    frozen = baseline(month(1))
    moved = {
        "x": pa.array(np.random.default_rng(3).normal(0.8, 1, ROWS), mask=np.arange(ROWS) < 400)
    }
    for batch in (month(2), month(3, **moved), month(4, c=pa.array(["red", "green"] * 2000))):
        exact = drift(pa.Table.from_batches([batch]), frozen)
        found = profile_drift(profiled(batch), frozen)
        assert [(d.column, d.alarm) for d in found] == [(d.column, d.alarm) for d in exact]
        for mine, theirs in zip(found, exact, strict=True):
            assert mine.psi == pytest.approx(theirs.psi, abs=0.02)
            assert mine.js == pytest.approx(theirs.js, abs=0.02)
            assert mine.against == "champion"


def test_up_to_400_values_are_compared_exactly() -> None:
    frozen = baseline(month(1))
    values = np.random.default_rng(2).normal(0.3, 1, 700)
    batch = month(2, rows=700, x=pa.array(values, mask=np.arange(700) >= 400))
    (exact,) = (d for d in drift(pa.Table.from_batches([batch]), frozen) if d.column == "x")
    (found,) = (d for d in profile_drift(profiled(batch), frozen) if d.column == "x")
    assert found == exact


def test_what_a_profile_does_not_keep_is_not_assessed() -> None:
    frozen = {"columns": {n: category_profile(pa.chunked_array([["a", "b"] * 500])) for n in "cx"}}
    frozen["columns"]["name"] = frozen["columns"]["c"]
    names = pa.array([f"name{i}" for i in range(ROWS)])
    found = profile_drift(
        profiled(month(1, c=names, name=names), {**KINDS, "name": "string"}), frozen
    )
    notes = {d.column: d.note for d in found}
    assert notes == {
        "c": "not assessed: its values are not kept, there are too many or long ones",
        "x": "not assessed: its type changed",
        "name": "not assessed: its values are personal",
    }
    assert not [d for d in found if d.alarm]


def test_drift_against_the_previous_period() -> None:
    before = profiled(month(1))
    assert not [d for d in period_drift(profiled(month(2)), before) if d.alarm]
    shifted = month(2, x=pa.array(np.random.default_rng(2).normal(1, 1, ROWS)))
    found = period_drift(profiled(shifted), before)
    assert (found[0].column, found[0].alarm, found[0].against) == ("x", True, "previous")
    assert {d.column for d in found} == {"x", "f", "c"}


def test_false_alarms_are_rare_for_profiles() -> None:
    frozen = profiled(month(1, rows=600))
    alarms = sum(
        d.alarm
        for seed in range(2, 152)
        for d in period_drift(profiled(month(seed, rows=500)), frozen, limit=0.0)
    )
    assert alarms <= 15  # of 450


def test_the_distance_is_from_0_to_1() -> None:
    same, other = np.array([1e6, 0.0]), np.array([0.0, 1e6])
    assert js_distance(same, same) == 0.0
    assert js_distance(same, other) == pytest.approx(1.0, abs=0.001)
    assert js_distance(same, other) == js_distance(other, same)


def test_an_ordinary_month_is_not_warned_of() -> None:
    previous, now = profiled(month(1)), profiled(month(2))
    found = findings(now, baseline=baseline(month(1)), previous=previous, before=previous)
    assert found.warnings == []
    assert {d.against for d in found.drift} == {"champion", "previous"}
    assert found.repeated == 0.0
    assert findings(now).warnings == []
    assert findings(profiled(month(3, rows=0)), previous=previous, before=previous).warnings == []


def test_a_shift_of_the_label_rate() -> None:
    previous, now = profiled(month(1, positive=0.091)), profiled(month(2, positive=0.172))
    assert findings(now, previous=previous, previous_period="202009").warnings == [
        "17.2% of the rows are positive, it was 9.1% in 202009: check the labels"
    ]
    both = findings(now, previous=previous, previous_period="202009", baseline=baseline(month(1)))
    assert both.warnings == [
        "17.2% of the rows are positive, it was 9.1% in 202009 and 10.0% in the champion's "
        "training rows: check the labels"
    ]


@pytest.mark.parametrize(
    ("rows", "before", "now"),
    [
        (ROWS, 0.10, 0.115),  # significant it may be, but under a fifth
        (100, 0.10, 0.16),  # more than a fifth, but chance
        (100, 0.0, 0.01),
    ],
)
def test_small_or_chance_shifts_are_not_told(rows: int, before: float, now: float) -> None:
    previous = profiled(month(1, rows=rows, positive=before))
    found = findings(profiled(month(2, rows=rows, positive=now)), previous=previous)
    assert found.warnings == []


def test_ids_are_told_only_if_they_behave_in_a_new_way() -> None:
    first, second = profiled(month(1)), profiled(month(2))
    again = profiled(month(1))
    usual_new = findings(second, previous=first, before=first)
    second.repeated = usual_new.repeated
    before = first.merge(second)
    assert findings(again, previous=second, before=before).warnings == [
        "100% of the ids came in earlier periods too, of the period before it were 0%: is it an "
        "extract of rows that were there before?"
    ]
    assert findings(again, previous=first, before=first).warnings == []  # nothing is usual yet
    second.repeated = 0.9
    assert findings(again, previous=second, before=before).warnings == []
    assert findings(profiled(month(3)), previous=second, before=before).warnings == [
        "0% of the ids came in earlier periods too, of the period before it were 90%: are ids "
        "written in another way?"
    ]


def test_unlabelled_rows_are_compared_by_their_ids_and_columns_alone() -> None:
    previous = profiled(month(1))
    found = findings(profiled(month(2, y=pa.nulls(ROWS, pa.string()))), previous=previous)
    assert found.warnings == []


def test_columns_that_emptied_or_stand_still() -> None:
    previous = profiled(month(1))
    emptied = {"x": pa.nulls(ROWS, pa.float64()), "f": pa.nulls(ROWS, pa.bool_())}
    found = findings(profiled(month(2, **emptied)), previous=previous, previous_period="202009")
    assert found.warnings == [
        "columns x and f are empty in more than half of the rows, in 202009 in fewer than 5%: "
        "check the export"
    ]
    still = {"x": pa.array([3.25] * ROWS), "c": pa.array(["red"] * ROWS)}
    found = findings(profiled(month(2, **still)), previous=previous, previous_period="202009")
    assert found.warnings == [
        "columns x and c have one value only, in 202009 several: check the export"
    ]
    assert (
        findings(profiled(month(2, **still)), previous=previous, ignore=["x", "c"]).warnings == []
    )
    assert (
        findings(profiled(month(3, **still)), previous=profiled(month(2, **still))).warnings == []
    )


def test_a_rare_value_may_be_absent() -> None:
    rare = np.arange(ROWS) < 8
    previous = profiled(month(1, f=pa.array(rare)))
    found = findings(profiled(month(2, rows=600, f=pa.array([False] * 600))), previous=previous)
    assert found.warnings == []


def test_leaks_are_named_without_values() -> None:
    now = profiled(month(1))
    assert findings(now, leaks=["x"]).warnings == [
        "column x alone tells the outcome: was it known at that time?"
    ]
    assert findings(now, leaks=["x", "c"]).warnings == [
        "columns x and c each tell the outcome alone: were they known at that time?"
    ]
    assert findings(now, leaks=list("abcdefg")).warnings == [
        "7 columns (a, b, c, d, e and others) each tell the outcome alone: were they known at "
        "that time?"
    ]
