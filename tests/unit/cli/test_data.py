"""`data`: the history's versions on the command line; the table is on disk, the rest in moto."""

import json
import os
import sys
import time
from pathlib import Path

import boto3
import pyarrow as pa
import pytest

from dropforge.cli import data
from dropforge.cli.session import Session
from sagemaker_jobs.history.table import Change, History

from .conftest import Dropforge
from .test_models import register


@pytest.fixture
def uri(
    session: Session, dropforge: Dropforge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Version 1: initial; 2: October; 3: October corrected."""
    dropforge("push", "churn")
    uri = str(tmp_path / "history")
    monkeypatch.setattr(data, "history_uri", lambda session, project: uri)
    return uri


@pytest.fixture
def history(session: Session, uri: str) -> History:
    from dropforge.aws.projects import fetch_project

    spec = fetch_project("lake", "churn", session.pushed("churn").version)
    history = History(uri)
    change = Change(drop="d1", key="churn/initial.csv", kind="labelled", run="r1", by="ann")
    history.replace("initial", pa.table({spec.id: ["a"], "x": [1.0]}), "d1", change=change)
    history.replace("202010", pa.table({spec.id: ["b", "c"], "x": [1.0, 2.0]}), "d2")
    history.replace("202010", pa.table({spec.id: ["c", "d"], "x": [2.5, 3.0]}), "d3")
    return history


def test_without_a_history(uri: str, dropforge: Dropforge) -> None:
    result = dropforge("data", "log", "churn")
    assert result.exit_code == 0, result.stderr
    assert "churn has no history yet. Next: dropforge drop FILE" in result.stdout
    assert dropforge("data", "restore", "churn", "1").exit_code == 1
    assert dropforge("data", "log", "other").exit_code == 1


def test_log_says_what_changed(history: History, dropforge: Dropforge) -> None:
    result = dropforge("data", "log", "churn")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    first = next(text for text in lines if "initial" in text)
    assert first.split()[0] == "1"
    assert first.split()[3:] == ["labelled", "initial", "1", "churn/initial.csv", "ann", "r1"]
    newest = json.loads(dropforge("data", "log", "churn", "--json", "--limit", "1").stdout)
    assert [(v["version"], v["period"], v["rows"]) for v in newest] == [(3, "202010", 2)]


def test_show_and_diff(history: History, dropforge: Dropforge) -> None:
    result = dropforge("data", "show", "churn", "--version", "2")
    assert result.exit_code == 0, result.stderr
    assert "3 rows in 2 periods." in result.stdout
    shown = json.loads(dropforge("data", "show", "churn", "--json").stdout)
    assert [(p["period"], p["rows"], p["drops"]) for p in shown] == [
        ("initial", 1, ["d1"]),
        ("202010", 2, ["d3"]),
    ]
    changes = json.loads(dropforge("data", "diff", "churn", "2", "3", "--json").stdout)
    assert changes == [{"period": "202010", "added": 1, "removed": 1, "changed": 1}]
    assert "+1" in dropforge("data", "diff", "churn", "2", "3").stdout
    assert "the same rows" in dropforge("data", "diff", "churn", "3", "3").stdout
    missing = dropforge("data", "diff", "churn", "2", "33")
    assert missing.exit_code == 1 and "no version 33" in missing.stderr


def test_restore_makes_training_due(
    history: History, session: Session, dropforge: Dropforge
) -> None:
    result = dropforge("data", "restore", "churn", "2")
    assert result.exit_code == 0, result.stderr
    assert "as it was at version 2: that is version 4 now" in result.stdout
    assert "dropforge train churn" in result.stdout
    assert History(history.uri).read(["x"]).column("x").to_pylist() == [1.0, 1.0, 2.0]
    due = session.ledger.training_due("churn")
    assert due is not None and due.lake_version == 4 and due.run.startswith("cli-restore-")
    assert session.ledger.lock("churn", "pipeline") is None
    newest = json.loads(dropforge("data", "log", "churn", "--json", "--limit", "1").stdout)[0]
    assert newest["kind"] == "restore of 2"
    assert newest["by"].startswith("arn:aws:")


@pytest.mark.parametrize("command", [("restore", "churn", "2"), ("vacuum", "churn", "--yes")])
def test_nothing_is_changed_under_a_run(
    history: History, session: Session, dropforge: Dropforge, command: tuple[str, ...]
) -> None:
    session.ledger.acquire("churn", "pipeline", "arn:aws:states:execution:pipeline:churn-1")
    result = dropforge("data", *command)
    assert result.exit_code == 1
    assert "but churn-1 works on the project. Nothing was changed." in result.stderr
    assert History(history.uri).version == 3
    assert session.ledger.training_due("churn") is None


def lineage(model: str, body: bytes) -> None:
    boto3.client("s3").put_object(
        Bucket="lake", Key=f"models/churn/r{model}/lineage.json", Body=body
    )


def age(uri: str, days: int) -> None:
    """Make the table's versions and files so old."""
    then = time.time() - days * 86_400
    for path in Path(uri).rglob("*"):
        if path.suffix == ".json":
            entries = [json.loads(text) for text in path.read_text().splitlines()]
            for entry in entries:
                for name in ("commitInfo", "remove"):
                    key = {"commitInfo": "timestamp", "remove": "deletionTimestamp"}[name]
                    if name in entry:
                        entry[name][key] = int(then * 1000)
            path.write_text("\n".join(map(json.dumps, entries)))
        os.utime(path, (then, then))


def files(uri: str) -> set[str]:
    return {str(path) for path in Path(uri).glob("_period=*/*.parquet")}


@pytest.mark.parametrize("named", [[], ["2"]], ids=["no models", "a model of version 2"])
def test_vacuum_keeps_what_models_need(
    history: History, session: Session, dropforge: Dropforge, named: list[str]
) -> None:
    if named:
        register(session, "1", "Rejected")
        lineage("1", b'{"lake_version": 2}')
    age(history.uri, 400)
    before = files(history.uri)
    dry = dropforge("data", "vacuum", "churn")
    assert dry.exit_code == 0, dry.stderr
    gone = 0 if named else 1
    assert f"{gone} data files would be deleted (nothing was; delete with --yes)." in dry.stdout
    assert files(history.uri) == before
    result = dropforge("data", "vacuum", "churn", "--yes")
    assert result.exit_code == 0, result.stderr
    assert len(before - files(history.uri)) == gone
    assert History(history.uri).read(["x"]).column("x").to_pylist() == [1.0, 2.5, 3.0]
    assert session.ledger.lock("churn", "pipeline") is None
    if named:
        assert History(history.uri, 2).read(["x"]).column("x").to_pylist() == [1.0, 1.0, 2.0]


def test_vacuum_keeps_young_versions(history: History, dropforge: Dropforge) -> None:
    age(history.uri, 10)
    kept = json.loads(dropforge("data", "vacuum", "churn", "--retention", "11", "--json").stdout)
    assert kept == {"deleted": False, "files": [], "kept_versions": [0, 1, 2, 3]}
    old = json.loads(dropforge("data", "vacuum", "churn", "--retention", "9", "--json").stdout)
    assert len(old["files"]) == 1 and old["kept_versions"] == [3]


@pytest.mark.parametrize("body", [None, b"{}", b"[", b'{"lake_version": null}', b"[]"])
def test_an_unreadable_lineage_refuses_the_vacuum(
    history: History, session: Session, dropforge: Dropforge, body: bytes | None
) -> None:
    register(session, "1", "Approved")
    if body is not None:
        lineage("1", body)
    age(history.uri, 400)
    before = files(history.uri)
    result = dropforge("data", "vacuum", "churn", "--yes")
    assert result.exit_code == 1
    assert "Model v1 is registered, but s3://lake/models/churn/r1/lineage.json" in result.stderr
    assert files(history.uri) == before


def test_without_the_lakes_packages(
    uri: str, dropforge: Dropforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.startswith("sagemaker_jobs.history")]:
        monkeypatch.delitem(sys.modules, name)
    package = sys.modules["sagemaker_jobs"]
    monkeypatch.delattr(package, "history", raising=False)
    monkeypatch.setitem(sys.modules, "deltalake", None)
    result = dropforge("data", "log", "churn")
    assert result.exit_code == 1
    assert "the module deltalake that reads it is not installed here" in result.stderr
    assert "make setup" in result.stderr
