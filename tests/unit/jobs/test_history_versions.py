"""The history's versions: what they say, and which of them a vacuum leaves readable."""

from pathlib import Path

import pyarrow as pa
import pytest

from sagemaker_jobs.history import versions
from sagemaker_jobs.history.difference import PeriodDifference, diff
from sagemaker_jobs.history.errors import UnknownVersion
from sagemaker_jobs.history.table import Change, History

from .test_history import ids, rows


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """Version 1: initial; 2: October; 3: October corrected; 4: a column widened; 5: November."""
    uri = str(tmp_path / "history")
    history = History(uri)
    history.replace("initial", rows("z"), "d1", change=Change(drop="d1", kind="labelled"))
    history.replace("202010", rows("a", "b"), "d2", change=Change(key="p/202010.csv", by="ann"))
    history.replace("202010", rows("b", "c"), "d3", only_drop=True)
    history.replace("202011", pa.table({"id": ["d"], "n": [0.5]}), "d4")
    return uri


def test_log(uri: str) -> None:
    assert versions.log(uri + "-none") == []
    found = versions.log(uri)
    assert [v.version for v in found] == [5, 4, 3, 2, 1, 0]
    assert [v.kind for v in found] == [
        "write",
        "schema",
        "write",
        "write",
        "labelled",
        "create table",
    ]
    second = found[3]
    assert (second.period, second.rows, second.drop) == ("202010", 2, "d2")
    assert (second.key, second.by, second.run) == ("p/202010.csv", "ann", None)


def test_show(uri: str) -> None:
    now = versions.show(uri)
    assert [(p.period, p.rows, p.drops) for p in now] == [
        ("initial", 1, ["d1"]),
        ("202010", 4, ["d2", "d3"]),
        ("202011", 1, ["d4"]),
    ]
    assert all(p.bytes > 500 for p in now)
    assert [p.rows for p in versions.show(uri, 2)] == [1, 2]
    with pytest.raises(UnknownVersion):
        versions.show(uri, 77)


def test_diff(uri: str) -> None:
    History(uri).replace("202010", pa.table({"id": ["a", "b", "e"], "n": [0.0, 7.0, 1.0]}), "d5")
    assert diff(uri, 2, 6, "id") == [
        PeriodDifference("202010", added=1, removed=0, changed=1),
        PeriodDifference("202011", added=1, removed=0, changed=0),
    ]
    assert diff(uri, 6, 2, "id")[1] == PeriodDifference("202011", 0, 1, 0)
    assert diff(uri, 3, 4, "id") == []  # rewritten as doubles: the same values


def test_diff_reads_changed_periods_only(uri: str) -> None:
    history = History(uri)
    file = history.file("initial")
    assert file is not None
    version = history.replace("202011", pa.table({"id": ["d"], "n": [0.75]}), "d4")
    Path(uri, file.path).unlink()
    assert diff(uri, 5, version, "id") == [PeriodDifference("202011", 0, 0, 1)]


def test_restore_is_a_new_version(uri: str) -> None:
    assert versions.restore(uri, 2, by="ann", run="cli-restore-1") == 6
    history = History(uri)
    assert ids(history) == ["z", "a", "b"]
    latest = versions.log(uri)[0]
    assert (latest.kind, latest.by, latest.run) == ("restore of 2", "ann", "cli-restore-1")
    history.replace("202012", rows("e"), "d6")  # and goes on from there
    assert history.read(["n"]).column("n").to_pylist() == [0, 0, 1, 0]
    assert ids(History(uri, 5)) == ["z", "a", "b", "b", "c", "d"]
    with pytest.raises(UnknownVersion):
        versions.restore(uri, 77, by="ann", run="cli-restore-2")


def test_vacuum_leaves_what_is_kept(uri: str) -> None:
    before = {path for path in Path(uri).rglob("*.parquet")}
    Path(uri, "_period=202010", "orphan.parquet").write_bytes(b"of a killed job")
    keep = versions.versions_to_keep(uri, [2], 0)
    assert keep == [2, 5]
    listed = versions.vacuum(uri, keep)
    assert before <= set(Path(uri).rglob("*.parquet"))
    assert len(listed) == 2 and any("orphan" in path for path in listed)
    assert versions.vacuum(uri, keep, dry_run=False) == listed
    assert ids(History(uri)) == ["z", "a", "b", "b", "c", "d"]
    assert ids(History(uri, 2)) == ["z", "a", "b"]
    with pytest.raises(UnknownVersion, match="vacuumed"):
        versions.show(uri, 3)
    with pytest.raises(UnknownVersion, match="vacuumed"):
        diff(uri, 3, 5, "id")
    with pytest.raises(UnknownVersion, match="vacuumed"):
        versions.restore(uri, 3, by="ann", run="r")
    History(uri).replace("202012", rows("e"), "d6")


def test_young_versions_are_kept(uri: str) -> None:
    assert versions.versions_to_keep(uri, [], 1) == [0, 1, 2, 3, 4, 5]
    assert versions.vacuum(uri, range(6)) == []


def test_an_unknown_version_to_keep_stops_a_vacuum(uri: str) -> None:
    with pytest.raises(UnknownVersion, match="77"):
        versions.vacuum(uri, [5, 77], dry_run=False)
    assert ids(History(uri, 1)) == ["z"]
