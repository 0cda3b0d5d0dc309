"""The data chapter's counts, against slow references; and what it may not show."""

import datetime as dt
import math
from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.report.axis import nice_ticks
from sagemaker_jobs.report.curves import auc, calibration, confusion, precision_recall, roc, wilson
from sagemaker_jobs.report.data import describe
from sagemaker_jobs.report.data_page import data_chapter
from sagemaker_jobs.report.document import Column
from sagemaker_jobs.report.html import page
from sagemaker_jobs.report.numbers import number, tick
from sagemaker_jobs.report.relation import Target

from .examples import loans
from .pages import check, shown

VALUES = st.one_of(
    st.none(),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.integers(-3, 3).map(float),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
ROWS = st.lists(st.tuples(VALUES, st.sampled_from([0.0, 1.0, math.nan])), max_size=120)


def column_of(values: pa.Array | pa.ChunkedArray, target: Target | None = None) -> Column:
    return describe(pa.table({"it": values}), target).columns[0]


@given(ROWS)
def test_numbers_are_all_counted(rows: list[tuple[float | None, float]]) -> None:
    values = [value for value, _ in rows]
    flags = np.array([flag for _, flag in rows])
    found = column_of(pa.array(values, pa.float64()), Target.of_flags("t", "1", flags))
    present = [v for v in values if v is not None and math.isfinite(v)]
    assert found.rows == len(rows)
    assert found.missing == len(rows) - len(present)
    assert found.distinct == len(set(present))
    assert sum(found.counts) + found.merged_rows == len(present)
    if found.edges:
        assert list(found.edges) == sorted(found.edges)
        assert len(found.counts) == len(found.edges) - 1
    if found.relation is not None:
        assert 0.0 <= found.relation.explained <= 1.0
        assert found.relation.counts.sum() <= np.isfinite(flags).sum()


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "", None]), st.sampled_from([0.0, 1.0])),
        min_size=1,
        max_size=80,
    )
)
def test_a_levels_mean_is_the_mean_of_its_rows(rows: list[tuple[str | None, float]]) -> None:
    flags = np.array([flag for _, flag in rows])
    found = column_of(pa.array([v for v, _ in rows], pa.string()), Target.of_flags("t", "1", flags))
    outcomes = defaultdict(list)
    for value, flag in rows:
        outcomes[value].append(flag)
    counts = Counter(value for value, _ in rows if value is not None)
    assert found.relation is not None
    assert dict(zip(found.labels, found.counts, strict=True)) == {
        value: count for value, count in counts.items() if count >= 5
    }
    for place, label in enumerate(found.labels):
        assert found.relation.means[place, 0] == pytest.approx(np.mean(outcomes[label]))
    missing = outcomes[None]
    if len(missing) >= 5:
        assert found.relation.missing == pytest.approx([np.mean(missing)])
    else:
        assert found.relation.missing is None


def test_the_relation_is_the_share_of_variance_between_the_bins() -> None:
    texts = ["a"] * 50 + ["b"] * 50
    exact = Target.of_numbers("t", np.array([1.0] * 50 + [3.0] * 50))
    none = Target.of_numbers("t", np.array([1.0, 3.0] * 50))
    for target, explained in ((exact, 1.0), (none, 0.0)):
        found = column_of(pa.array(texts), target).relation
        assert found is not None
        assert found.explained == pytest.approx(explained)
    places = np.array([0.0] * 50 + [1.0] * 49 + [math.nan])
    classes = column_of(pa.array(texts), Target.of_classes("t", ["x", "y", "z"], places)).relation
    assert classes is not None
    assert classes.explained == pytest.approx(1.0)
    assert classes.means[:2, :2].tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_whole_numbers_get_bins_of_as_many_values_each() -> None:
    found = column_of(pa.array(list(range(100)) * 5))
    widths = np.diff(found.edges)
    assert set(widths) == {5.0}
    assert set(found.counts) == {25}


def test_deciles_lie_where_their_rows_do() -> None:
    values = np.arange(1000.0)
    found = column_of(
        pa.array(values), Target.of_flags("t", "1", (values >= 500).astype(np.float64))
    )
    assert found.at == pytest.approx([49.5 + 100 * n for n in range(10)])
    assert found.relation is not None
    assert found.relation.means[:, 0].tolist() == [0.0] * 5 + [1.0] * 5


def test_dates_are_counted_by_month_or_by_year() -> None:
    days = [dt.date(2024, 1, 5)] * 6 + [dt.date(2024, 3, 9)] * 7 + [None]
    found = column_of(pa.array(days))
    assert (found.labels, found.counts, found.missing) == (("2024-01", "2024-03"), (6, 7), 1)
    found = column_of(pa.array([dt.date(1990 + n % 20, 5, 1) for n in range(200)]))
    assert found.labels == tuple(str(1990 + n) for n in range(20))


@pytest.mark.parametrize(
    "array",
    [
        pa.array([], pa.float64()),
        pa.array([None, None], pa.string()),
        pa.array([None] * 9, pa.date32()),
        pa.array([None] * 9),
        pa.array([[1], [2]]),
        pa.array(["a", "b"] * 9).dictionary_encode(),
        pa.array([True, None, False] * 9),
        pa.array([2**62] * 9),
        pa.array([1e300, -1e300] * 40 + list(map(float, range(30)))),
        pa.array([dt.datetime(2024, 1, 1, n) for n in range(9)]),
    ],
)
def test_every_type_is_drawn(array: pa.Array) -> None:
    table = pa.table({"it": array})
    target = Target.of_flags("t", "1", np.zeros(len(array)))
    for document in (describe(table), describe(table, target)):
        check(page("t", "", "", [data_chapter(document)]))


def test_personal_columns_and_rare_values_are_not_shown() -> None:
    table = loans("binary").append_column(
        "note", pa.array(["rare-remark" if n < 4 else "common" for n in range(4000)])
    )
    document = describe(table, personal=["person", "loan_id"])
    text = shown(page("t", "", "", [data_chapter(document)]))
    for hidden in ("Zebulon", "L0000", "rare-remark"):
        assert hidden not in text
    assert "common" in text
    kinds = {column.name: column.kind for column in document.columns}
    assert kinds["person"] == kinds["loan_id"] == "personal"


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9]), st.integers(0, 1)), min_size=2),
)
def test_curves_agree_with_slow_ones(rows: list[tuple[float, int]]) -> None:
    scores = np.array([score for score, _ in rows])
    labels = np.array([float(label) for _, label in rows])
    hits, misses = scores[labels == 1], scores[labels == 0]
    if len(hits) and len(misses):
        pairs = [(h > m) + 0.5 * (h == m) for h in hits for m in misses]
        assert auc(scores, labels) == pytest.approx(np.mean(pairs))
        points = roc(scores, labels)
        assert (points[0], points[-1]) == ((0.0, 0.0), (1.0, 1.0))
        for recall, precision in precision_recall(scores, labels):
            assert any(
                recall == pytest.approx((hits >= at).mean())
                and precision == pytest.approx(labels[scores >= at].mean())
                for at in set(scores)
            )
    else:
        assert math.isnan(auc(scores, labels))
    binned = calibration(scores, labels)
    assert len(binned) == min(10, len(rows))
    flagged = (scores >= 0.5).astype(int)
    counts = confusion(flagged, labels, 2)
    assert counts.sum() == len(rows)
    assert counts[1, 1] == int(labels[flagged == 1].sum())


@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilsons_interval_is_where_the_score_test_turns(rows: int, part: float) -> None:
    hits = round(part * rows)
    for bound in wilson(hits, rows):  # (p^ - p)^2 = z^2 p (1 - p) / n at both ends
        left, right = (hits / rows - bound) ** 2, 1.645**2 * bound * (1 - bound) / rows
        assert left == pytest.approx(right, abs=1e-9)
    low, high = wilson(hits, rows)
    assert 0.0 <= low <= hits / rows + 1e-12 and hits / rows <= high + 1e-12 and high <= 1.0


@given(st.floats(-1e4, 1e4), st.floats(1e-6, 1e9))
def test_ticks_are_few_round_and_inside(spans: float, span: float) -> None:
    low = spans * span
    ticks = nice_ticks(low, low + span)
    assert len(ticks) <= 7
    assert all(low - 1e-6 * span <= value <= low + span * (1 + 1e-6) for value in ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (0.012345, "0.01235"),
        (1234567.8, "1,234,568"),
        (-12.3456, "-12.35"),
        (1e20, "1.000e+20"),
        (1e-9, "1.000e-09"),
        (None, "n/a"),
        (math.nan, "n/a"),
        (math.inf, "n/a"),
    ],
)
def test_numbers_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


def test_ticks_are_short() -> None:
    assert [tick(v) for v in (0.25, 950, 9_999, 40_000, 1_500_000, 2e9)] == [
        "0.25", "950", "9,999", "40k", "1.5M", "2G",
    ]  # fmt: skip
