"""Aggregates: what was known of a key when the row's period began, against a naive count."""

import datetime as dt
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.errors import ContractBroken, InvalidProject
from dropforge.period import Period
from dropforge.project import ProjectSpec
from sagemaker_jobs.history.table import History
from sagemaker_jobs.snapshot import aggregates as module
from sagemaker_jobs.snapshot.aggregates import Aggregates
from sagemaker_jobs.snapshot.build import build_snapshot
from sagemaker_jobs.snapshot.target import encode
from sagemaker_jobs.values import text_from_json
from tests.unit.jobs.conftest import loans, make_spec, with_lines

STATISTICS = ("count", "mean", "sum", "min", "max", "last", "target_mean")
WITHOUT_COLUMN = ("count", "target_mean")
PERIODS = ["initial", "202010", "202011", "202101"]
TODAY = dt.date(2021, 2, 15)


@dataclass(frozen=True)
class Row:
    """A row of a history: the key, the value, and the outcome (None: unlabelled)."""

    key: Any
    value: float | None
    outcome: int | None


def aggregate_spec(by: str = "branch", **changes: Any) -> ProjectSpec:
    """A project with every statistic of `amount` by a key."""
    declared = {
        name: {"by": by, "statistic": name}
        | ({} if name in WITHOUT_COLUMN else {"column": "amount"})
        for name in STATISTICS
    }
    return make_spec(features={"keep": ["age"], "aggregates": declared}, **changes)


def end_of(period: str) -> dt.date:
    """The first day after a month."""
    year, month = int(period[:4]), int(period[4:])
    return dt.date(year + month // 12, month % 12 + 1, 1)


def naive(
    past: Sequence[tuple[str, list[Row]]], key: str | None, days: int, on: dt.date
) -> dict[str, float | None]:
    """Every statistic of a key, from earlier periods' rows, one at a time."""
    rows = [(period, row) for period, rows in past for row in rows if key and text(row) == key]
    values = [row.value for _, row in rows if row.value is not None]
    outcomes = [
        row.outcome
        for period, row in rows
        if row.outcome is not None
        and (period == "initial" or days == 0 or (on - end_of(period)).days >= days)
    ]
    found: dict[str, float | None] = dict.fromkeys(STATISTICS)
    if rows:
        found["count"] = float(len(rows))
    if values:
        found["sum"], found["mean"] = math.fsum(values), math.fsum(values) / len(values)
        found["min"], found["max"], found["last"] = min(values), max(values), values[-1]
    if outcomes:
        found["target_mean"] = sum(outcomes) / len(outcomes)
    return found


def text(row: Row) -> str | None:
    """A key as the server understands it in a request."""
    return text_from_json(row.key)


def batches(rows: list[Row], sizes: Iterator[int], keys: pa.DataType) -> Iterator[pa.RecordBatch]:
    start = 0
    while start < len(rows):
        part = rows[start : (start := start + next(sizes))]
        yield pa.record_batch(
            {
                "branch": pa.array([row.key for row in part], keys),
                "amount": pa.array([row.value for row in part], pa.float64()),
                "default": pa.array(
                    [None if row.outcome is None else str(row.outcome) for row in part],
                    pa.string(),
                ),
            }
        )


def equal(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-9)


TEXTS = st.sampled_from([None, "", "a", "b", "NA", "\u00fc"])
NUMBERS = st.sampled_from([None, 1.0, 2.5, -0.0, 1e20])


def histories(keys: st.SearchStrategy[Any]) -> st.SearchStrategy[list[list[Row]]]:
    values = st.none() | st.floats(-1e6, 1e6) | st.just(0.0)
    row = st.builds(Row, keys, values, st.none() | st.integers(0, 1))
    each = st.lists(row, max_size=12)
    return st.lists(each, min_size=len(PERIODS), max_size=len(PERIODS))


@pytest.mark.parametrize(("keys", "kind"), [(TEXTS, pa.string()), (NUMBERS, pa.float64())])
@given(data=st.data(), days=st.sampled_from([0, 20, 45, 100]))
def test_every_statistic_is_of_earlier_periods_rows(
    keys: st.SearchStrategy[Any], kind: pa.DataType, data: st.DataObject, days: int
) -> None:
    drawn = data.draw(histories(keys))
    sizes = iter(lambda: data.draw(st.integers(1, 5)), 0)
    spec = aggregate_spec(label_maturity=f"{days}d")
    aggregates = Aggregates(spec, TODAY)
    past: list[tuple[str, list[Row]]] = []
    for period, rows in zip(PERIODS, drawn, strict=True):
        aggregates.begin(period)
        columns: dict[str, list[Any]] = {name: [] for name in STATISTICS}
        for batch in batches(rows, sizes, kind):
            for name, column in zip(
                aggregates.names,
                aggregates.take(batch, encode(batch.column("default"), spec)),
                strict=True,
            ):
                columns[name] += column.to_pylist()
        on = Period.from_canonical(period).start or dt.date.min
        for place, row in enumerate(rows):
            expected = naive(past, text(row), days, on)
            for name in STATISTICS:
                assert equal(columns[name][place], expected[name]), (period, place, name)
        past.append((period, rows))
    table = aggregates.finish()
    distinct = sorted({key for rows in drawn for row in rows if (key := text(row))})
    assert table.column("key").to_pylist() == distinct
    assert set(table.column("by").to_pylist()) <= {"branch"}
    for row in table.to_pylist():
        expected = naive(past, row["key"], days, TODAY)
        for name in STATISTICS:
            assert equal(row[name], expected[name]), (row["key"], name)


@given(
    values=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=40),
    cuts=st.lists(st.integers(1, 39), max_size=4),
)
def test_the_bits_do_not_depend_on_how_rows_are_batched(
    values: list[float], cuts: list[int]
) -> None:
    def total(edges: list[int]) -> bytes:
        spec = aggregate_spec()
        aggregates = Aggregates(spec, TODAY)
        aggregates.begin("initial")
        rows = [Row("a", value, 1) for value in values]
        sizes = np.diff([0, *sorted(edge for edge in set(edges) if edge < len(rows)), len(rows)])
        for batch in batches(rows, iter(sizes.tolist()), pa.string()):
            aggregates.take(batch, encode(batch.column("default"), spec))
        table = aggregates.finish()
        return repr(table.to_pylist()).encode()

    assert total(cuts) == total([])


def history(folder: Path, tables: dict[str, pa.Table]) -> History:
    made = History(str(folder / "history"))
    for number, (period, table) in enumerate(tables.items()):
        place = table.schema.get_field_index("default")
        outcomes = table.column("default").cast(pa.string())
        made.replace(
            period, with_lines(table.set_column(place, "default", outcomes)), f"drop-{number}"
        )
    return made


def some(rows: int, seed: int) -> pa.Table:
    """Loans of eight branches; some have no branch, some no amount, some no outcome."""
    rng = np.random.default_rng(seed)
    table = loans(rows, seed, first_id=1 + 10_000 * seed)
    branches = pa.array(rng.integers(0, 8, rows), mask=rng.uniform(size=rows) < 0.1)
    amounts = pa.array(table.column("amount").to_numpy(), mask=rng.uniform(size=rows) < 0.1)
    outcomes = pa.array(table.column("default").to_numpy(), mask=rng.uniform(size=rows) < 0.1)
    table = table.append_column("branch", branches)
    for name, column in {"amount": amounts, "default": outcomes}.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def rows_of(table: pa.Table) -> list[Row]:
    names = ("branch", "amount", "default")
    columns = (table.column(name).to_pylist() for name in names)
    return [Row(*values) for values in zip(*columns, strict=True)]


def test_a_snapshot_has_the_columns_as_of_the_period_and_the_table_of_now(tmp_path: Path) -> None:
    """With a correction of a month that is in the middle, and a month whose labels are not ripe."""
    tables = {"initial": some(300, 1), "202010": some(80, 2), "202101": some(60, 3)}
    made = history(tmp_path, tables)
    corrected, newest = some(90, 4), some(50, 5)
    history(tmp_path, {"202010": corrected, "202012": some(70, 6), "202102": newest})
    made = History(str(tmp_path / "history"))
    spec = aggregate_spec(label_maturity="14d")
    snapshot = build_snapshot(spec, made, None, tmp_path / "s", "s3://x/", today=TODAY)
    assert snapshot.summary.holdout_period == "202101"
    past = [
        ("initial", rows_of(tables["initial"])),
        ("202010", rows_of(corrected)),
        ("202012", rows_of(some(70, 6))),
        ("202101", rows_of(tables["202101"])),
        ("202102", rows_of(newest)),
    ]
    seen = 0
    for name in ("train", "validation", "holdout"):
        for row in pq.ParquetFile(tmp_path / "s" / f"{name}.parquet").read().to_pylist():
            start = row["_period"]
            before = [(p, r) for p, r in past if start and (p == "initial" or p < f"{start:%Y%m}")]
            key = None if row["branch"] is None else str(row["branch"])
            expected = naive(before, key, 14, start or dt.date.min)
            assert all(equal(row[n], expected[n]) for n in STATISTICS), row
            seen += expected["count"] is not None
    assert seen > 150
    table = pq.ParquetFile(tmp_path / "s" / "aggregates.parquet").read()
    assert table.schema.names == ["by", "key", *STATISTICS]
    assert table.column("key").to_pylist() == [str(n) for n in range(8)]
    for row in table.to_pylist():
        expected = naive(past, row["key"], 14, TODAY)
        assert all(equal(row[n], expected[n]) for n in STATISTICS), row
    document = json.loads((tmp_path / "s" / "snapshot.json").read_text())
    assert document["aggregates"] == {"names": list(STATISTICS), "as_of": "202102"}
    assert set(document["files_sha256"]) == {"train", "validation", "holdout", "aggregates"}


def test_keys_of_two_columns_share_the_table(tmp_path: Path) -> None:
    made = history(tmp_path, {"initial": some(200, 1), "202010": some(100, 2)})
    declared = {
        "branch_loans": {"by": "branch", "statistic": "count"},
        "job_income": {"by": "job", "statistic": "mean", "column": "income"},
    }
    spec = make_spec(features={"keep": ["age"], "aggregates": declared})
    build_snapshot(spec, made, None, tmp_path / "s", "s3://x/", today=TODAY)
    rows = pq.ParquetFile(tmp_path / "s" / "aggregates.parquet").read().to_pylist()
    assert [row["key"] for row in rows if row["by"] == "job"] == ["NA", "clerk", "nurse", "smith"]
    assert {row["by"] for row in rows} == {"branch", "job"}
    for row in rows:
        assert (row["branch_loans"] is None) == (row["by"] == "job")
        assert (row["job_income"] is None) == (row["by"] == "branch")


def test_what_a_contract_clamps_counts_as_the_bound(tmp_path: Path) -> None:
    ages = pa.array([20, 30, 400, -7] * 25)
    first = loans(100, 1).append_column("branch", pa.array(["n", "n", "n", "s"] * 25))
    first = first.set_column(first.schema.get_field_index("age"), "age", ages)
    second = loans(50, 2, first_id=5000).append_column("branch", pa.array(["n"] * 50))
    made = history(tmp_path, {"initial": first, "202010": second})
    declared = {"years": {"by": "branch", "statistic": "mean", "column": "age"}}
    columns: dict[str, Any] = {
        name: {"type": "string"} for name in (*first.schema.names, "loan_id", "default")
    }
    columns |= {name: {"type": "number"} for name in ("income", "amount")}
    columns["age"] = {"type": "integer", "min": 0, "max": 100, "clamp": True}
    spec = make_spec(
        features={"keep": ["income"], "aggregates": declared}, contract={"columns": columns}
    )
    build_snapshot(spec, made, None, tmp_path / "s", "s3://x/", today=TODAY)
    holdout = pq.ParquetFile(tmp_path / "s" / "holdout.parquet").read()
    assert set(holdout.column("years").to_pylist()) == {50.0}
    stored = pq.ParquetFile(tmp_path / "s" / "aggregates.parquet").read().to_pylist()
    assert [row["years"] for row in stored if row["key"] == "s"] == [0.0]


def test_the_mean_of_a_value_to_be_predicted(tmp_path: Path) -> None:
    first = loans(100, 1).append_column("branch", pa.array(["n", "s"] * 50))
    second = loans(50, 2, first_id=5000).append_column("branch", pa.array(["n"] * 50))
    made = history(tmp_path, {"initial": first, "202010": second})
    declared = {"usual": {"by": "branch", "statistic": "target_mean"}}
    features = {"keep": ["age"], "aggregates": declared}
    spec = make_spec(task="regression", features=features)
    build_snapshot(spec, made, None, tmp_path / "s", "s3://x/", today=TODAY)
    holdout = pq.ParquetFile(tmp_path / "s" / "holdout.parquet").read()
    expected = sum(first.column("default").to_pylist()[::2]) / 50
    assert set(holdout.column("usual").to_pylist()) == {expected}


@pytest.mark.parametrize(
    ("declared", "changes", "error", "says"),
    [
        ({"x": {"by": "absent", "statistic": "count"}}, {}, ContractBroken, "lacks .* absent"),
        ({"income": {"by": "job", "statistic": "count"}}, {}, InvalidProject, "aggregates.income"),
        ({"key": {"by": "job", "statistic": "count"}}, {}, InvalidProject, "aggregates.key"),
        (
            {"x": {"by": "job", "statistic": "sum", "column": "sex"}},
            {},
            ContractBroken,
            "sex holds string",
        ),
        (
            {"x": {"by": "job", "statistic": "target_mean"}},
            {"task": "multiclass", "classes": [0, 1, 2]},
            InvalidProject,
            "classes have no mean",
        ),
    ],
)
def test_what_cannot_be_aggregated_is_said(
    tmp_path: Path,
    declared: dict[str, Any],
    changes: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    made = history(tmp_path, {"initial": loans(100, 1)})
    with pytest.raises(error, match=says):
        spec = make_spec(features={"keep": ["age"], "aggregates": declared}, **changes)
        build_snapshot(spec, made, None, tmp_path / "s", "s3://x/", today=TODAY)


def test_too_many_keys_for_an_artifact_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = history(tmp_path, {"initial": loans(2000, 1)})
    declared = {
        "by_job": {"by": "job", "statistic": "count"},
        "per_loan": {"by": "loan_id", "statistic": "count"},
    }
    spec = make_spec(features={"keep": ["age"], "aggregates": declared})
    texts = 2000 * len("0000001") + len("NA" + "clerk" + "nurse" + "smith")
    enough = texts + (2000 + 4) * 8 * (1 + len(declared))
    monkeypatch.setattr(module, "AGGREGATES_MAX_BYTES", enough)
    build_snapshot(spec, made, None, tmp_path / "s", "s3://x/", today=TODAY)
    assert (tmp_path / "s" / "aggregates.parquet").stat().st_size < module.AGGREGATES_MAX_BYTES
    monkeypatch.setattr(module, "AGGREGATES_MAX_BYTES", enough - 1)
    with pytest.raises(InvalidProject, match=r"per_loan by loan_id have 2,000 keys"):
        build_snapshot(spec, made, None, tmp_path / "s", "s3://x/", today=TODAY)
