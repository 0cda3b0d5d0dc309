"""Profiles: merging, cutting into blocks, what is kept of personal columns; leakage."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.profile.ids import SIZE, IdSample
from sagemaker_jobs.profile.leakage import leaks
from sagemaker_jobs.profile.numbers import K, NumberProfile
from sagemaker_jobs.profile.profile import Profile
from sagemaker_jobs.profile.texts import LONGEST_LEVEL, MAX_LEVELS, PersonalProfile, TextProfile
from sagemaker_jobs.profile.totals import Totals, advance, total
from sagemaker_jobs.values import Kind

KINDS: dict[str, Kind] = {
    "id": "string",
    "x": "number",
    "n": "integer",
    "b": "boolean",
    "d": "date",
    "c": "string",
    "name": "string",
    "y": "string",
}
TYPES = {
    "string": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}
SCHEMA = pa.schema([(name, TYPES[kind]) for name, kind in KINDS.items()])

ROW = st.tuples(
    st.text("abc", max_size=3),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.integers(-(2**53), 2**53),
    st.none() | st.booleans(),
    st.none() | st.dates(),
    st.none() | st.sampled_from(["NA", "red", "blue", "", "\u00e9"]),
    st.none() | st.sampled_from(["Ann", "Bob"]),
    st.none() | st.sampled_from(["0", "1", "1.0"]),
)
ROWS = st.lists(ROW, max_size=30)


def batch(rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SCHEMA)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def empty() -> Profile:
    return Profile.new(KINDS, id="id", target="y", positive=1, project="p", personal=["name"])


def profile(*parts: Sequence[tuple[Any, ...]]) -> Profile:
    made = empty()
    for part in parts:
        made.update(batch(part))
    return made


def exact(found: Profile) -> dict[str, Any]:
    """All that does not depend on the order of additions."""
    document = orjson.loads(found.to_json())
    for column in document["columns"].values():
        for rounded in ("mean", "m2", "kll"):
            column.pop(rounded, None)
        if column.get("levels"):
            column["levels"] = dict(sorted(column["levels"].items()))
    return dict(document)


def numbers(found: Profile) -> list[NumberProfile]:
    return [column for column in found.columns.values() if isinstance(column, NumberProfile)]


def assert_same(one: Profile, other: Profile) -> None:
    assert exact(one) == exact(other)
    for mine, theirs in zip(numbers(one), numbers(other), strict=True):
        size = max(abs(mine.min or 0.0), abs(mine.max or 0.0), 1e-300)
        assert mine.mean == pytest.approx(theirs.mean, rel=1e-9, abs=1e-12 * size)
        assert mine.m2 == pytest.approx(theirs.m2, rel=1e-9, abs=1e-12 * size * size)
        # Fewer values than K: the sketch holds all of them, in whatever order.
        assert mine.sketch.n == theirs.sketch.n
        if mine.present:
            ranks = [0.0, 0.25, 0.5, 0.9, 1.0]
            assert mine.sketch.get_quantiles(ranks) == theirs.sketch.get_quantiles(ranks)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.lists(st.integers(0, 30), max_size=4))
def test_a_profile_does_not_depend_on_how_rows_were_cut(
    rows: list[tuple[Any, ...]], cuts: list[int]
) -> None:
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [rows[a:b] for a, b in itertools.pairwise(edges)]
    whole = profile(rows)
    assert_same(profile(*parts), whole)
    merged = empty()
    for part in parts:
        merged = merged.merge(profile(part))
    assert_same(merged, whole)


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS)
def test_merging_is_commutative_and_changes_neither(
    first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]
) -> None:
    one, other = profile(first), profile(second)
    before = (exact(one), exact(other))
    merged = one.merge(other)
    assert_same(merged, other.merge(one))
    merged.update(batch(first))
    assert (exact(one), exact(other)) == before


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_json_loses_nothing(rows: list[tuple[Any, ...]]) -> None:
    made = profile(rows)
    made.repeated = 0.25
    read = Profile.from_json(made.to_json())
    assert read.to_json() == made.to_json()
    assert_same(read, made)
    read.update(batch(rows))
    made.update(batch(rows))
    assert_same(read, made)


@pytest.mark.parametrize("size", [1e308, -1.7e308, 1e200])
def test_huge_values_survive(size: float) -> None:
    rows = [("a", size, None, None, None, None, None, "1")] * 4
    made = profile(rows, rows)
    found = Profile.from_json(made.to_json()).columns["x"]
    assert isinstance(found, NumberProfile)
    assert (found.min, found.max) == (size, size)
    assert found.mean == pytest.approx(size)
    spread = profile(rows, [("a", -size, None, None, None, None, None, "1")])
    wide = Profile.from_json(spread.to_json()).columns["x"]
    assert isinstance(wide, NumberProfile)
    assert wide.m2 == math.inf


def test_outcomes_are_counted_in_every_spelling() -> None:
    rows = [("a", *[None] * 6, y) for y in ("1", "1.0", "0", None)]
    made = profile(rows)
    assert (made.rows, made.labelled, made.positives) == (4, 3, 2)
    assert "y" not in made.columns


def test_quantiles_of_many_periods_stay_within_the_sketchs_error() -> None:
    rng = np.random.default_rng(0)
    months = [rng.lognormal(m / 10, 1, 5000) for m in range(40)]
    merged = NumberProfile("number")
    for values in months:
        month = NumberProfile("number")
        month.update(pa.array(values), "x")
        merged = merged.merge(month)
    every = np.sort(np.concatenate(months))
    assert merged.sketch.k == K
    error = merged.sketch.normalized_rank_error(False)
    assert error < 0.0068
    for rank in np.linspace(0.01, 0.99, 50):
        value = merged.sketch.get_quantile(rank)
        true = np.searchsorted(every, value, side="right") / len(every)
        assert abs(true - rank) < 2 * error  # 99 % of them within 1: the sketch draws by chance
    assert merged.mean == pytest.approx(every.mean(), rel=1e-9)
    assert merged.m2 / merged.present == pytest.approx(every.var(), rel=1e-9)


def test_no_value_is_kept_of_ids_personal_texts_and_columns_of_many_levels() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f"customer{i}", 1.0, 1, True, None, f"text{i}", f"Person{i % 7}", "1")
        for i in rng.permutation(MAX_LEVELS + 1)
    ]
    made = profile(rows[:600], rows[600:])
    text = made.to_json().decode()
    for value in ("customer", "Person", "text5"):
        assert value not in text
    name, levels, ids = (made.columns[n] for n in ("name", "c", "id"))
    assert isinstance(name, PersonalProfile)
    assert isinstance(levels, TextProfile)
    assert isinstance(ids, PersonalProfile)
    assert (name.distinct, levels.distinct, ids.distinct) == (7, None, None)
    long = TextProfile()
    long.update(pa.array(["x" * (LONGEST_LEVEL + 1)]), "c")
    assert long.levels is None
    assert long.count == 1


def test_a_column_that_became_personal_loses_its_values() -> None:
    rows = [("a", 1.0, 1, True, None, "red", "Ann", "1")]
    open_ = Profile.new(KINDS, id="id", target="y", positive=1, project="p")
    open_.update(batch(rows))
    assert b"Ann" in open_.to_json()
    for merged in (open_.merge(profile(rows)), profile(rows).merge(open_)):
        assert b"Ann" not in merged.to_json()
        assert merged.columns["name"].count == 2


def test_texts_and_numbers_do_not_merge() -> None:
    other = Profile.new({**KINDS, "x": "string"}, id="id", target="y", positive=1, project="p")
    with pytest.raises(ValueError, match="column x is a number in one profile and a text"):
        profile([]).merge(other)


def test_a_column_counts_only_where_it_is() -> None:
    made = profile([("a", 1.0, 1, True, None, "red", "Ann", "1")])
    made.update(batch([("b", 1.0, 1, True, None, "red", "Ann", "1")]).select(["id", "y"]))
    assert (made.rows, made.columns["x"].count, made.labelled) == (2, 1, 2)


def ids(values: Sequence[int], project: str = "p", size: int = 64) -> IdSample:
    made = IdSample(project, size=size)
    made.update(pa.array([str(v) for v in values]))
    return made


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(0, 60), min_size=1), st.sets(st.integers(0, 60)))
def test_repeated_ids_are_exact_while_they_are_few(mine: set[int], before: set[int]) -> None:
    share = ids(sorted(mine)).repeated_share(ids(sorted(before)))
    assert share == len(mine & before) / len(mine)


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)))
def test_the_sample_of_a_union_is_the_union_of_samples(one: set[int], other: set[int]) -> None:
    merged = ids(sorted(one)).merge(ids(sorted(other)))
    assert merged.hashes.tolist() == ids(sorted(one | other)).hashes.tolist()
    assert merged.hashes.tolist() == ids(sorted(other)).merge(ids(sorted(one))).hashes.tolist()


def test_shares_of_large_sets_are_estimated() -> None:
    before = ids(range(40_000), size=2048)
    assert before.distinct == pytest.approx(40_000, rel=0.1)
    mine = ids(range(30_000, 50_000), size=2048)
    assert mine.repeated_share(before) == pytest.approx(0.5, abs=0.06)
    assert ids(range(40_000, 50_000), size=2048).repeated_share(before) == 0.0
    assert math.isnan(ids([]).repeated_share(before))


def test_a_sample_stored_when_samples_were_larger_is_still_right() -> None:
    older = IdSample.from_text("p", ids(range(100_000), size=2**18).to_text())
    assert len(older.hashes) == 100_000 > SIZE
    newer = ids(range(90_000, 110_000), size=SIZE)
    assert newer.repeated_share(older) == pytest.approx(0.5, abs=0.03)
    merged = older.merge(newer)
    assert len(merged.hashes) == SIZE
    assert merged.distinct == pytest.approx(110_000, rel=0.02)


def test_ids_of_two_projects_cannot_be_matched() -> None:
    assert ids(range(50)).repeated_share(ids(range(50), "other")) == 0.0


def test_totals_advance_and_are_made_anew() -> None:
    parts = [profile([(str(i), i, i, True, None, "red", "Ann", "1")]) for i in range(3)]
    totals: Totals | None = None
    for version, part in enumerate(parts):
        totals = advance(totals, version, part)
    assert totals is not None
    assert (totals.lake_version, totals.profile.rows) == (2, 3)
    read = Totals.from_json(totals.to_json())
    assert read.to_json() == totals.to_json()
    anew = total(2, parts)
    assert anew is not None
    assert_same(anew.profile, read.profile)
    assert total(0, []) is None


def leaky(**columns: Any) -> list[str]:
    rng = np.random.default_rng(0)
    outcomes = np.array([1, 0, 0, 0] * 2000, dtype=np.int8)
    positive = outcomes == 1
    made = {name: make(rng, positive) for name, make in columns.items()}
    return leaks(pa.table(made), outcomes, list(made))


def test_a_column_that_tells_the_outcome_is_named() -> None:
    def some(mask: Any, values: Any) -> pa.Array:
        return pa.array(values, mask=~mask)

    found = leaky(
        honest=lambda r, y: pa.array(y + r.normal(size=len(y))),
        copied=lambda r, y: pa.array(y.astype(float)),
        reversed=lambda r, y: pa.array(~y + r.uniform(size=len(y)) * 0.9),
        strong=lambda r, y: pa.array(2.0 * y + r.normal(size=len(y))),  # AUC 0.92
        closed=lambda r, y: some(y, r.normal(size=len(y))),
        sometimes=lambda r, y: some(y & (r.uniform(size=len(y)) < 0.2), r.normal(size=len(y))),
        gaps=lambda r, y: some(r.uniform(size=len(y)) < 0.5, y.astype(float)),
        missing=lambda r, y: some(r.uniform(size=len(y)) < 0.5, r.normal(size=len(y))),
        status=lambda r, y: pa.array(
            np.where(y, "gone", np.where(r.uniform(size=len(y)) < 0.5, "a", "b"))
        ),
        town=lambda r, y: pa.array([f"town{i}" for i in r.integers(0, 50, len(y))]),
        number=lambda r, y: pa.array([f"{i}" for i in range(len(y))]),
        empty=lambda r, y: pa.nulls(len(y)),
        flag=lambda r, y: pa.array(y),
    )
    assert found == ["copied", "reversed", "closed", "sometimes", "gaps", "status", "flag"]


def test_leakage_is_not_judged_by_few_rows() -> None:
    outcomes = np.array([1] * 19 + [0] * 500 + [-1] * 100, dtype=np.int8)
    assert leaks(pa.table({"x": outcomes}), outcomes, ["x"]) == []
    outcomes[-1] = 1
    assert leaks(pa.table({"x": outcomes}), outcomes, ["x"]) == ["x"]
