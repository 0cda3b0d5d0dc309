"""A snapshot made again from its record has the same bytes, whatever came to the history since."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dropforge.project import ProjectSpec
from sagemaker_jobs.history.errors import UnknownVersion
from sagemaker_jobs.history.table import History
from sagemaker_jobs.history.versions import vacuum
from sagemaker_jobs.snapshot.build import build_snapshot
from sagemaker_jobs.snapshot.champion import ChampionFacts
from sagemaker_jobs.snapshot.rebuild import rebuild_snapshot, recorded
from sagemaker_jobs.train import train
from tests.unit.jobs.conftest import loans, make_spec, with_lines

TODAY = dt.date(2021, 1, 20)
AGGREGATES = {
    "job_rate": {"by": "job", "statistic": "target_mean"},
    "job_last": {"by": "job", "statistic": "last", "column": "amount"},
}
SPECS: dict[str, dict[str, Any]] = {
    "plain": {},
    "aggregates": {
        "features": {"keep": ["age"], "aggregates": AGGREGATES},
        "label_maturity": "30d",
    },
    "groups": {"group": "job"},
    "regression": {"task": "regression"},
}


def add(uri: str, period: str, rows: int, seed: int) -> int:
    table = loans(rows, seed, first_id=1000 * seed)
    outcomes = table.column("default").cast(pa.string())
    table = table.set_column(table.schema.get_field_index("default"), "default", outcomes)
    return History(uri).replace(period, with_lines(table), f"drop-{seed}")


def make(folder: Path, spec: ProjectSpec) -> tuple[str, dict[str, Any]]:
    """A snapshot, and a history that went on since; answers its URI and the record."""
    uri = str(folder / "history")
    for seed, period in enumerate(["initial", "202010", "202011", "202012"], start=1):
        add(uri, period, 300, seed)
    champion = ChampionFacts("1", used_periods=["202011"])
    build_snapshot(spec, History(uri), champion, folder / "made", "s3://x/", today=TODAY)
    add(uri, "202010", 280, 7)
    add(uri, "202101", 300, 8)
    return uri, json.loads((folder / "made" / "snapshot.json").read_text())


@pytest.mark.parametrize("name", list(SPECS))
def test_the_files_are_the_same_bytes(tmp_path: Path, name: str) -> None:
    spec = make_spec(**SPECS[name])
    uri, document = make(tmp_path, spec)
    history = History(uri, document["summary"]["lake_version"])
    rebuilt = rebuild_snapshot(spec, history, document, tmp_path / "again")
    assert rebuilt.equal
    assert rebuilt.other_rows == []
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert ("aggregates.parquet" in names) == (name == "aggregates")
    for file in names:
        before, after = (tmp_path / folder / file for folder in ("made", "again"))
        assert before.read_bytes() == after.read_bytes(), file


def test_a_models_lineage_is_record_enough(tmp_path: Path) -> None:
    spec = make_spec(tune={"trials": 1, "max_rounds": 3})
    uri, document = make(tmp_path, spec)
    train(tmp_path / "made", tmp_path / "artifact", run="run-1")
    record = recorded(json.loads((tmp_path / "artifact" / "lineage.json").read_text()))
    assert record == document
    history = History(uri, record["summary"]["lake_version"])
    assert rebuild_snapshot(spec, history, record, tmp_path / "again").equal


def test_another_version_of_the_history_is_told_apart(tmp_path: Path) -> None:
    spec = make_spec(**SPECS["aggregates"])
    uri, document = make(tmp_path, spec)
    rebuilt = rebuild_snapshot(spec, History(uri), document, tmp_path / "again")
    assert not rebuilt.equal
    # October, which judges, was corrected; later months' rows are the same but for what they
    # aggregate.
    assert document["summary"]["holdout_period"] == "202010"
    assert rebuilt.other_rows == ["holdout"]
    assert rebuilt.other_bytes == ["train", "validation", "holdout", "aggregates"]
    again = json.loads((tmp_path / "again" / "snapshot.json").read_text())
    assert again["keys_sha256"]["train"] == document["keys_sha256"]["train"]
    assert again["files_sha256"]["train"] != document["files_sha256"]["train"]


def test_vacuumed_rows_are_said(tmp_path: Path) -> None:
    spec = make_spec()
    uri, document = make(tmp_path, spec)
    version = document["summary"]["lake_version"]
    current = History(uri).version
    assert current is not None
    assert vacuum(uri, [current], dry_run=False)
    with pytest.raises(UnknownVersion, match=f"Version {version} .* vacuumed"):
        rebuild_snapshot(spec, History(uri, version), document, tmp_path / "again")
