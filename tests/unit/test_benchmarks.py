"""The benchmarks: their table, their goals, their data, and one run of the smallest size."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from benchmarks import generate
from benchmarks.data import FAILED, header, measure
from benchmarks.data_rows import Sizes, accepted
from benchmarks.generate import write_rows
from benchmarks.measure import BenchmarkFailed, Contender, environment, in_turns, run
from benchmarks.places import Places, copy_lake, digest, file_name
from benchmarks.table import Goal, Row, render
from projects.home_credit import data

TINY = Sizes(400, months=1, month=100, histories=(1, 2), ingest=500, rounds=1, warm=False)
PYTHON = [sys.executable, "-I", "-S", "-c"]


def test_the_table_says_each_thing_once() -> None:
    rows = [
        Row("a month: wall", "s", 0.25, 2.0, 0.0204, Goal(0.10)),
        Row("a large file: peak", "B", 812e6, None, 11.6e6, Goal(1e9, of="ours")),
        Row("an import", "s", note="left out: not installed"),
    ]
    assert render(rows).splitlines() == [
        "row                     ours  baseline    floor  ratio           goal",
        "------------------  --------  --------  -------  -----  -------------"
        "  -----------------------",
        "a month: wall        0.250 s   2.000 s  0.020 s  0.125        <= 0.10  not met",
        "a large file: peak  812.0 MB         -  11.6 MB      -  <= 1,000.0 MB  met",
        "an import                  -         -        -      -              -"
        "  left out: not installed",
    ]


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (Row("", "s", 1.0, 10.0, goal=Goal(0.10)), True),
        (Row("", "s", 1.1, 10.0, goal=Goal(0.10)), False),
        (Row("", "s", 5.0, 1.0, goal=Goal(5.0, of="ours")), True),
        (Row("", "s", 5.1, None, goal=Goal(5.0, of="ours")), False),
        (Row("", "s", 1.0, None, goal=Goal(0.10)), None),
        (Row("", "s", 1.0, 10.0), None),
        (Row("", "s", goal=Goal(0.10)), None),
    ],
)
def test_a_goal_is_an_upper_limit(row: Row, met: bool | None) -> None:
    assert row.met is met


def test_every_file_is_a_part_of_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "POOL", 2)
    last = 2 * data.BLOCK
    write_rows(tmp_path / "all.csv", 0, last + 20)
    write_rows(tmp_path / "again.csv", 0, last + 20)
    write_rows(tmp_path / "part.csv", data.BLOCK - 5, 20)
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    whole = _text(tmp_path / "all.csv")
    assert _text(tmp_path / "part.csv") == whole.slice(data.BLOCK - 5, 20)
    ids = whole.column("SK_ID_CURR").to_pylist()
    assert ids == [str(data.FIRST_ID + row) for row in range(last + 20)]
    values = whole.drop_columns("SK_ID_CURR")
    assert values.slice(last, 20) == values.slice(0, 20)
    assert whole.num_columns == 122


def _text(path: Path) -> pa.Table:
    kinds = {name: pa.string() for name in data.COLUMNS}
    options = pacsv.ConvertOptions(column_types=kinds, strings_can_be_null=False)
    return pacsv.read_csv(path, convert_options=options).combine_chunks()


def test_a_childs_peak_is_its_own() -> None:
    small = run([*PYTHON, "pass"])
    large = run([*PYTHON, "print(len(b'x' * 100_000_000))"])
    assert small.peak < 30e6
    assert large.peak > 100e6
    assert large.said == "100000000"


def test_a_process_that_fails_is_no_measurement() -> None:
    with pytest.raises(BenchmarkFailed, match="out of luck"):
        run([*PYTHON, "raise SystemExit('out of luck')"])
    with pytest.raises(BenchmarkFailed, match="no-such-python"):
        run(["/no-such-python"])


def test_nothing_of_the_caller_changes_a_measured_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("AWS_PROFILE", "prod")
    assert not {"PYTHONDONTWRITEBYTECODE", "AWS_PROFILE"} & set(environment())


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    turns: list[str] = []
    contenders = {
        name: Contender(
            [*PYTHON, f"print('{name}')"],
            before=lambda name=name: turns.append(name),  # type: ignore[misc]
            check=lambda said: turns.append(said.upper()),
        )
        for name in ("a", "b")
    }
    taken = in_turns(contenders, 2)
    assert turns == ["a", "A", "b", "B"] * 3
    assert all(0 < usage.wall < 60 and usage.peak for usage in taken.values())


def test_a_refused_file_is_no_measurement() -> None:
    accepted(3)('{"state": "accepted", "rows": 3, "rejected": 0}')
    with pytest.raises(BenchmarkFailed, match="quarantined"):
        accepted(3)('{"state": "quarantined", "rows": 0, "rejected": 0}')


def test_months_are_named_as_they_are_dropped() -> None:
    assert [file_name(month) for month in (0, 11, 12, 240)] == [
        "20000101.csv",
        "20001201.csv",
        "20010101.csv",
        "20200101.csv",
    ]


def test_a_run_cannot_change_the_lake_that_the_next_one_starts_from(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    (lake / "_delta_log").mkdir(parents=True)
    (lake / "_delta_log" / "0.json").write_text("first")
    (lake / "a.parquet").write_text("data")
    copy_lake(lake, tmp_path / "copy")
    (tmp_path / "copy" / "_delta_log" / "0.json").write_text("second")
    (tmp_path / "copy" / "a.parquet").unlink()
    assert (lake / "_delta_log" / "0.json").read_text() == "first"
    assert (lake / "a.parquet").read_text() == "data"


def test_changed_code_is_another_history(tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text("a = 1")
    before = digest([tmp_path])
    code.write_text("a = 2")
    assert digest([tmp_path]) != before
    (tmp_path / "code.pyc").write_text("compiled")
    code.write_text("a = 1")
    assert digest([tmp_path]) == before


def test_the_smallest_run(tmp_path: Path) -> None:
    places = Places(tmp_path, sys.executable, sys.executable)
    rows = measure(places, TINY, keep=False)
    measured = [row for row in rows if row.goal is not None]
    assert len(measured) == 4
    assert all(row.ours and row.floor and row.met is not None for row in measured)
    assert "2 months" in render(rows)
    assert "pyarrow" in header(TINY.rounds)
    assert list(tmp_path.glob("data-*/0-500.csv")) == []
    assert list(tmp_path.glob("data-*/0-400.csv"))


def test_a_part_that_fails_is_a_row_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> list[Row]:
        raise BenchmarkFailed("no luck")

    for part in ("accumulated_month", "growing_history", "large_file"):
        monkeypatch.setattr(f"benchmarks.data.{part}", fails)
    rows = measure(Places(tmp_path, sys.executable, sys.executable), TINY, keep=False)
    assert [row.note for row in rows][:3] == [FAILED] * 3
