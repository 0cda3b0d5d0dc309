"""The history's table: streamed in and out, a period at a time, whole or not at all."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.history.errors import HistoryConflict, UnknownVersion
from sagemaker_jobs.history.evolution import SchemaChange, evolve
from sagemaker_jobs.history.table import DROP, LINE, PERIOD, Change, History


def rows(*ids: str, **more: list[object]) -> pa.Table:
    return pa.table({"id": list(ids), "n": list(range(len(ids))), **more}).append_column(
        LINE, pa.array(range(2, len(ids) + 2), pa.int64())
    )


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "history")


def ids(history: History, *periods: str) -> list[str]:
    return history.read(["id"], periods or None).column("id").to_pylist()


def test_no_table_yet(uri: str) -> None:
    history = History(uri)
    assert (history.version, history.schema, history.periods()) == (None, None, [])
    assert history.file("202010") is None
    assert history.read(["id", LINE]).schema == pa.schema([("id", "string"), (LINE, "int64")])


def test_rows_come_back_in_time_and_file_order(uri: str) -> None:
    history = History(uri)
    history.replace("202011", rows("d", "c"), "d3")
    history.replace("initial", rows("z", "a"), "d1")
    version = history.replace("202010", rows("b"), "d2")
    assert version == history.version == History(uri).version
    assert history.periods() == ["202010", "202011", "initial"]
    assert history.in_order() == ["initial", "202010", "202011"]
    read = history.read([PERIOD, "id", DROP, LINE, "absent"])
    assert read.column("id").to_pylist() == ["z", "a", "b", "d", "c"]
    assert read.column(PERIOD).to_pylist() == ["initial"] * 2 + ["202010"] + ["202011"] * 2
    assert read.column(DROP).to_pylist() == ["d1", "d1", "d2", "d3", "d3"]
    assert read.column("absent").null_count == 5
    assert history.read([PERIOD], ["202010"]).column(PERIOD).to_pylist() == ["202010"]
    assert history.read(["id"], []).num_rows == 0
    assert history.read(["id"], ["209901"]).num_rows == 0


def test_a_period_is_one_file_replaced_whole(uri: str) -> None:
    history = History(uri)
    history.replace("202010", rows("a", "b"), "d1")
    old = history.file("202010")
    history.replace("202010", rows("c"), "d2")
    new = history.file("202010")
    assert old is not None and new is not None
    assert (new.rows, new.name[:3]) == (1, "d2-")
    path = Path(uri, new.path)
    assert (path.stat().st_size, path.parent.name) == (new.size, "_period=202010")
    assert pq.ParquetFile(path).schema_arrow.names == ["id", "n", DROP, LINE]
    assert Path(uri, old.path).exists()
    assert ids(history) == ["c"]


def test_only_a_drop_is_replaced(uri: str) -> None:
    history = History(uri)
    history.replace("202010", rows("a", "b"), "d1", only_drop=True)
    history.replace("202010", rows("c"), "d2", only_drop=True)
    history.replace("202010", rows("e"), "d1", only_drop=True)
    assert sorted(ids(history)) == ["c", "e"]


def test_batches_are_streamed_into_row_groups(uri: str) -> None:
    alive = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(60):
            alive.append(pa.total_allocated_bytes())
            yield pa.record_batch(
                {"x": pa.array(range(5_000), pa.float64()), LINE: [number] * 5000}
            )

    before = pa.total_allocated_bytes()
    history = History(uri)
    history.replace("initial", batches(), "d1")
    assert max(alive) - before < 20 << 20
    file = history.file("initial")
    assert file is not None and file.rows == 300_000
    metadata = pq.ParquetFile(Path(uri, file.path)).metadata
    groups = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert groups == [65_536] * 4 + [300_000 - 4 * 65_536]
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    lines = history.read([LINE]).column(LINE).to_pylist()
    assert lines == [number for number in range(60) for _ in range(5000)]


def test_no_rows_leave_no_period(uri: str) -> None:
    history = History(uri)
    history.replace("202010", rows("a"), "d1")
    history.replace("202010", [], "d2", schema=rows("a").schema)
    assert history.periods() == []


def test_a_commit_says_why_it_is_there(uri: str) -> None:
    history = History(uri)
    change = Change(drop="d1", key="loans/202010.csv", kind="labelled", run="r1", by="ann")
    history.replace("202010", rows("a"), "d1", change=change)
    (latest,) = History(uri)._current.history(1)
    assert {k: v for k, v in latest.items() if k.startswith("dropforge.")} == {
        "dropforge.drop": "d1",
        "dropforge.key": "loans/202010.csv",
        "dropforge.kind": "labelled",
        "dropforge.run": "r1",
        "dropforge.by": "ann",
        "dropforge.period": "202010",
        "dropforge.rows": "1",
    }


@pytest.mark.parametrize("known", [True, False], ids=["existing period", "new period"])
def test_two_writers_of_a_period_one_wins(uri: str, known: bool) -> None:
    History(uri).replace("202010" if known else "initial", rows("old"), "d0")
    first, second = History(uri), History(uri)
    first.replace("202010", rows("a", "b"), "d1")
    with pytest.raises(HistoryConflict, match="202010.*Nothing of this attempt is in the table"):
        second.replace("202010", rows("c"), "d2")
    assert ids(History(uri), "202010") == ["a", "b"]
    again = History(uri)
    again.replace("202010", rows("c"), "d2")
    assert ids(again, "202010") == ["c"]


def test_writers_of_different_periods_both_land(uri: str) -> None:
    History(uri).replace("initial", rows("old"), "d0")
    first, second = History(uri), History(uri)
    first.replace("202010", rows("a"), "d1")
    second.replace("202011", rows("b"), "d2")
    assert ids(second) == ids(History(uri)) == ["old", "a", "b"]


def test_the_table_is_created_by_many_at_once(uri: str) -> None:
    histories = [History(uri) for _ in range(8)]
    start = threading.Barrier(8)
    conflicts = []

    def write(number: int) -> None:
        start.wait()
        try:
            histories[number].replace(f"2020{number + 1:02d}", rows(str(number)), f"d{number}")
        except HistoryConflict as error:  # it was created by another, who has added a column
            conflicts.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not [c.__cause__ for c in conflicts]
    assert ids(History(uri)) == [str(n) for n in range(8)]


def test_versions_stay_readable_past_a_checkpoint(uri: str) -> None:
    history = History(uri)
    versions = [history.replace("202010", rows(str(n)), f"d{n}") for n in range(25)]
    assert [ids(History(uri, version)) for version in versions] == [[str(n)] for n in range(25)]
    with pytest.raises(UnknownVersion, match="no version 99"):
        History(uri, 99)
    with pytest.raises(ValueError, match="old version"):
        History(uri, versions[3]).replace("202010", rows("x"), "d")


def test_a_new_column_joins_in_the_same_commit(uri: str) -> None:
    history = History(uri)
    before = history.replace("202010", rows("a"), "d1")
    after = history.replace("202011", rows("b", colour=["red"]), "d2")
    assert after == before + 1
    assert history.read(["id", "colour"]).column("colour").to_pylist() == [None, "red"]
    assert "colour" not in (History(uri, before).schema or pa.schema([])).names


def test_added_columns_are_a_change_of_the_log_only(uri: str) -> None:
    history = History(uri)
    before = history.replace("202010", rows("a"), "d1")
    file = history.file("202010")
    assert history.schema is not None
    wanted = history.schema.append(pa.field("colour", pa.string()))
    evolution = evolve(history.schema, wanted)
    assert (evolution.added, evolution.widened) == (["colour"], [])
    assert history.evolve(evolution) == before + 1
    assert history.file("202010") == file
    assert History(uri).schema == wanted
    assert history.evolve(evolve(history.schema, wanted)) == before + 1


def test_a_widened_column_rewrites_every_period_once(uri: str) -> None:
    history = History(uri)
    history.replace("initial", rows("a", "b"), "d1")
    before = history.replace("202010", rows("c"), "d2")
    new = pa.table({"id": ["d"], "n": [0.5], LINE: [2]})
    history.replace("202011", new, "d3")
    assert history.version == before + 2
    read = history.read(["id", "n", DROP])
    assert read.column("n").to_pylist() == [0.0, 1.0, 0.0, 0.5]
    assert read.column(DROP).to_pylist() == ["d1", "d1", "d2", "d3"]
    for period in history.periods():
        file = history.file(period)
        assert file is not None
        assert pq.ParquetFile(Path(uri, file.path)).schema_arrow.field("n").type == pa.float64()
    old = History(uri, before).read(["n"])
    assert old.schema.field("n").type == pa.int64()
    assert old.column("n").to_pylist() == [0, 1, 0]
    history.replace("202012", rows("e"), "d4")  # integers fit into numbers
    assert history.read(["n"], ["202012"]).column("n").type == pa.float64()


def test_widening_conflicts_with_any_other_writer(uri: str) -> None:
    History(uri).replace("202010", rows("a"), "d1")
    first, second = History(uri), History(uri)
    first.replace("202010", rows("b"), "d2")
    with pytest.raises(HistoryConflict):
        second.replace("202011", pa.table({"id": ["d"], "n": [0.5], LINE: [2]}), "d3")
    assert ids(History(uri)) == ["b"]


@pytest.mark.parametrize(
    ("column", "kind", "said"),
    [
        ("id", pa.int64(), "id is text in the history, and integer in this file"),
        ("n", pa.string(), "n is integer in the history, and text in this file"),
        ("n", pa.bool_(), "n is integer in the history, and boolean in this file"),
    ],
)
def test_other_changes_of_type_are_refused(
    uri: str, column: str, kind: pa.DataType, said: str
) -> None:
    history = History(uri)
    version = history.replace("202010", rows("a"), "d1")
    other = pa.table({column: pa.array([None], kind), LINE: [2]})
    with pytest.raises(SchemaChange, match=said) as raised:
        history.replace("202011", other, "d2")
    assert raised.value.column == column
    assert History(uri).version == version
