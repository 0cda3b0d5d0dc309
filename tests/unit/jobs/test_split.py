"""Which rows teach, choose and judge."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dropforge.errors import ContractBroken, NoTrainingData
from sagemaker_jobs.history.table import History
from sagemaker_jobs.snapshot.build import build_snapshot
from sagemaker_jobs.snapshot.champion import ChampionFacts
from sagemaker_jobs.snapshot.keys import digest, read_keys, row_keys, uniform, write_keys
from sagemaker_jobs.snapshot.maturity import mature_periods
from sagemaker_jobs.snapshot.rows import KEY, LABEL
from sagemaker_jobs.snapshot.split import choose_holdout, split_rows
from tests.unit.jobs.conftest import loans, make_spec, with_lines


@pytest.mark.parametrize(
    ("periods", "used", "holdout"),
    [
        (["initial"], [], None),
        (["202010"], [], None),
        (["initial", "202010"], [], "202010"),
        (["initial", "202010", "202011"], ["initial", "202010"], "202011"),
        (["initial", "202010", "202011"], ["initial", "202011"], "202010"),
        (["initial", "202010"], ["initial", "202010"], None),
    ],
)
def test_the_newest_period_judges_that_the_champion_was_not_made_from(
    periods: list[str], used: list[str], holdout: str | None
) -> None:
    assert choose_holdout(periods, used) == holdout


def split(rows: int = 5000, *, grouped: bool = False, holdout_period: str | None = None):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    labels = (rng.uniform(size=rows) < 0.1).astype(np.int8)
    groups = [str(group) for group in rng.integers(0, 500, rows)]
    units = groups if grouped else [str(row) for row in range(rows)]
    periods = ["initial"] * (rows // 2) + ["202010"] * (rows - rows // 2)
    found = split_rows(
        periods=periods,
        strata=labels.astype(np.int16),
        draw=uniform(units, "validation"),
        holdout_draw=uniform(units, "holdout"),
        grouped=grouped,
        holdout_period=holdout_period,
        holdout_share=0.2,
        validation_share=0.25,
    )
    return found, labels, np.array(groups), np.array(periods)


def test_splits_are_disjoint_complete_and_stratified() -> None:
    found, labels, _, _ = split()
    parts = np.stack([found.train, found.validation, found.holdout])
    assert (parts.sum(axis=0) == 1).all()
    assert [part.sum() for part in parts] == pytest.approx([3000, 1000, 1000], abs=2)
    assert [labels[part].sum() for part in parts] == pytest.approx(
        labels.sum() * np.array([0.6, 0.2, 0.2]), abs=1
    )


def test_a_group_lies_on_one_side() -> None:
    found, _, groups, _ = split(grouped=True)
    sides = [set(groups[part]) for part in (found.train, found.validation, found.holdout)]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert all(len(side) > 50 for side in sides)


def test_a_period_judges_whole() -> None:
    found, _, _, periods = split(holdout_period="202010")
    assert (found.holdout == (periods == "202010")).all()


def test_every_class_has_its_share() -> None:
    strata = np.repeat(np.arange(4, dtype=np.int16), [700, 200, 80, 20])
    found = split_rows(
        periods=["initial"] * 1000,
        strata=strata,
        draw=uniform(map(str, range(1000)), "validation"),
        holdout_draw=uniform(map(str, range(1000)), "holdout"),
        grouped=False,
        holdout_period=None,
        holdout_share=0.2,
        validation_share=0.25,
    )
    counts = [np.bincount(strata[part]).tolist() for part in (found.holdout, found.validation)]
    assert counts == [[140, 40, 16, 4], [140, 40, 16, 4]]


def test_the_same_row_falls_on_the_same_side_after_a_correction() -> None:
    draws = uniform(["a", "b", "c"], "salt")
    assert uniform(["c", "a"], "salt").tolist() == [draws[2], draws[0]]
    assert ((draws >= 0) & (draws < 1)).all()


def test_keys_are_of_id_period_and_project(tmp_path: Path) -> None:
    ids, periods = ["1", "1", "2"], ["a", "b", "a"]
    keys = row_keys(ids, periods, "loans")
    assert len(set(keys.tolist())) == 3
    assert not set(keys.tolist()) & set(row_keys(ids, periods, "other").tolist())
    write_keys(tmp_path, keys)
    assert read_keys(tmp_path).tolist() == sorted(keys.tolist())
    assert digest(keys) == digest(keys[::-1])
    assert len(read_keys(tmp_path / "nothing")) == 0


@pytest.mark.parametrize(
    ("days", "today", "mature"),
    [
        (0, dt.date(2020, 10, 15), ["initial", "202009", "202010"]),
        (0, dt.date(2020, 9, 30), ["initial", "202009", "202010"]),
        (30, dt.date(2020, 10, 30), ["initial"]),
        (30, dt.date(2020, 10, 31), ["initial", "202009"]),
        (30, dt.date(2020, 12, 1), ["initial", "202009", "202010"]),
    ],
)
def test_periods_ripen(days: int, today: dt.date, mature: list[str]) -> None:
    assert mature_periods(["initial", "202009", "202010"], days, today) == mature


def history(folder: Path, **periods: pa.Table) -> History:
    made = History(str(folder / "history"))
    for period, table in periods.items():
        place = table.schema.get_field_index("default")
        table = table.set_column(place, "default", table.column("default").cast(pa.string()))
        made.replace(period, with_lines(table), f"drop-{period}")
    return made


TODAY = dt.date(2022, 1, 1)


def test_a_snapshot_holds_the_rows_in_order(tmp_path: Path) -> None:
    table = history(tmp_path, **{"202010": loans(200, 2), "initial": loans(1000, 1)})
    champion = ChampionFacts("3", used_periods=["initial"])
    made = build_snapshot(
        make_spec(),
        table,
        champion,
        tmp_path / "s",
        "s3://x/",
        judged_before={"202010": 2}.__getitem__,
        warm_start=[{"num_leaves": 7}],
        today=TODAY,
    )
    document = json.loads((tmp_path / "s" / "snapshot.json").read_text())
    train = pq.ParquetFile(tmp_path / "s" / "train.parquet").read()
    holdout = pq.ParquetFile(tmp_path / "s" / "holdout.parquet").read()
    assert made.summary.holdout_period == "202010"
    assert (train.num_rows, holdout.num_rows) == (800, 200)
    assert train.column("_line").to_pylist() == sorted(train.column("_line").to_pylist())
    assert set(train.column(LABEL).to_pylist()) == {0, 1}
    assert len(set(train.column(KEY).to_pylist())) == 800
    assert "sex" in train.schema.names
    assert set(train.column("_period").to_pylist()) == {None}
    assert set(holdout.column("_period").to_pylist()) == {dt.date(2020, 10, 1)}
    assert document["split"] == {
        "today": "2022-01-01",
        "mature": ["initial", "202010"],
        "holdout_period": "202010",
        "champion_used": ["initial"],
        "seed": 42,
    }
    assert (document["task"], document["classes"]) == ("binary", [])
    assert document["aggregates"] == {"names": [], "as_of": None}
    assert made.summary.holdout_positives == sum(holdout.column(LABEL).to_pylist())
    assert document["whole_periods"] == ["initial"]
    assert document["champion"] == "3"
    assert document["judged_before"] == 2
    assert document["warm_start"] == [{"num_leaves": 7}]
    assert (tmp_path / "s" / "spec.json").exists()


def test_the_same_history_gives_the_same_bytes(tmp_path: Path) -> None:
    table = history(tmp_path, initial=loans(500, 1), **{"202010": loans(100, 2)})
    for name in ("one", "two"):
        build_snapshot(make_spec(), table, None, tmp_path / name, "s3://x/", today=TODAY)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_a_share_of_the_history_judges_the_first_model(tmp_path: Path) -> None:
    table = history(tmp_path, initial=loans(1000, 1))
    made = build_snapshot(make_spec(), table, None, tmp_path / "s", "s3://x/", today=TODAY)
    assert (made.summary.holdout_period, made.summary.holdout_rows) == ("initial", 200)
    assert json.loads((tmp_path / "s" / "snapshot.json").read_text())["whole_periods"] == []


def test_nothing_to_learn_from_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoTrainingData, match="nothing was dropped"):
        build_snapshot(make_spec(), History(str(tmp_path / "h")), None, tmp_path / "s", "s3://x/")
    unripe = history(tmp_path, **{"202110": loans(100, 1)})
    spec = make_spec(label_maturity="90d")
    with pytest.raises(NoTrainingData, match="older than 90 days"):
        build_snapshot(spec, unripe, None, tmp_path / "s", "s3://x/", today=dt.date(2021, 12, 1))
    with pytest.raises(NoTrainingData, match="one outcome"):
        build_snapshot(make_spec(positive="no such"), unripe, None, tmp_path / "s", "s3://x/")
    few = history(tmp_path / "few", initial=loans(2, 1))
    with pytest.raises(NoTrainingData, match="none are left for validation"):
        build_snapshot(make_spec(), few, None, tmp_path / "s", "s3://x/", today=TODAY)
    assert not (tmp_path / "s").exists()


def test_ids_that_come_each_month_are_counted(tmp_path: Path) -> None:
    """Of the newest month's 200 loans 150 are in the history, and 100 of these in October too."""
    months = {
        "202010": loans(100, 3, first_id=851),
        "202011": loans(200, 2, first_id=851),
    }
    table = history(tmp_path, initial=loans(1000, 1), **months)
    build_snapshot(make_spec(), table, None, tmp_path / "s", "s3://x/", today=TODAY)
    document = json.loads((tmp_path / "s" / "snapshot.json").read_text())
    assert document["shared_ids"] == {"train_holdout": 150}


def test_rows_without_a_group_are_groups_of_their_own(tmp_path: Path) -> None:
    rows = loans(1000, 1)
    groups = pa.array([None if n % 2 else f"{n % 20}" for n in range(1000)])
    table = history(tmp_path, initial=rows.append_column("branch", groups))
    spec = make_spec(group="branch", slices=["branch"])
    made = build_snapshot(spec, table, None, tmp_path / "s", "s3://x/", today=TODAY)
    sides: list[set[str]] = []
    alone = 0
    for name in ("train", "validation", "holdout"):
        branches = pq.ParquetFile(made.folder / f"{name}.parquet").read().column("branch")
        sides.append(set(branches.drop_null().to_pylist()))
        alone += bool(branches.null_count)
    assert alone == 3
    assert sum(map(len, sides)) == len(set.union(*sides)) == 10


def test_a_group_that_the_history_lacks_is_said(tmp_path: Path) -> None:
    table = history(tmp_path, initial=loans(100, 1))
    with pytest.raises(ContractBroken, match="no column branch"):
        build_snapshot(make_spec(group="branch"), table, None, tmp_path / "s", "s3://x/")


def test_what_judging_looks_at_is_there(tmp_path: Path) -> None:
    rows = loans(300, 1).append_column("seen_on", pa.array([dt.date(2020, 1, 1)] * 300))
    rows = rows.append_column("region", pa.array(["n", "s", "e"] * 100))
    rows = rows.append_column("secret", pa.array(["x"] * 300))
    table = history(tmp_path, initial=rows)
    spec = make_spec(
        slices=["region"],
        contract={"columns": {"seen_on": {"type": "date", "role": "time"}}},
    )
    made = build_snapshot(spec, table, None, tmp_path / "s", "s3://x/", today=TODAY)
    names = pq.read_schema(made.folder / "train.parquet").names
    assert {"sex", "region", "seen_on", "loan_id", "default"} <= set(names)
    assert "secret" not in names
