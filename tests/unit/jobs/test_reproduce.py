"""A registered model made again: byte for byte, and what is said where it is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from dropforge.errors import ArtifactBroken
from dropforge.project import ProjectSpec
from dropforge.reproduction import Reproduction
from sagemaker_jobs.history.table import History
from sagemaker_jobs.reproduce import read_lineage, reproduce
from sagemaker_jobs.train import train
from tests.unit.jobs.conftest import make_spec
from tests.unit.jobs.test_rebuild import AGGREGATES, make

QUICK = {"trials": 2, "max_rounds": 8}
SPECS: dict[str, dict[str, Any]] = {
    "plain": {},
    "aggregates": {"features": {"keep": ["age", "amount"], "aggregates": AGGREGATES}},
    "refit": {"refit": "all", "calibration": "sigmoid"},
    "regression": {"task": "regression"},
}


def trained(folder: Path, **changes: Any) -> tuple[ProjectSpec, str, Path]:
    """A trained model, and a history that went on since; answers project, history and artifact."""
    spec = make_spec(**({"tune": QUICK} | changes))
    uri, _ = make(folder, spec)
    train(folder / "made", folder / "artifact", run="run-1")
    return spec, uri, folder / "artifact"


def again(spec: ProjectSpec, uri: str, artifact: Path, folder: Path) -> Reproduction:
    lineage = read_lineage(artifact)
    history = History(uri, lineage["lake_version"])
    return reproduce(spec, history, artifact, lineage, folder, version="3", job="again-1")


@pytest.mark.parametrize("name", list(SPECS))
def test_every_file_is_the_same_bytes(tmp_path: Path, name: str) -> None:
    spec, uri, artifact = trained(tmp_path, **SPECS[name])
    found = again(spec, uri, artifact, tmp_path / "again")
    assert found.equal, found.lines
    assert (found.other_rows, found.other_bytes, found.differences) == ([], [], [])
    assert found.max_score_difference is None
    names = {file.name for file in found.files}
    assert {"model.txt", "features.json", "contract.json", "row_keys.bin"} <= names
    assert ("aggregates.parquet" in names) == (name == "aggregates")
    assert ("judged/model.txt" in names) == (name == "refit")


def test_another_model_is_told_by_its_scores(tmp_path: Path) -> None:
    spec, uri, artifact = trained(tmp_path)
    lineage = json.loads((artifact / "lineage.json").read_text())
    lineage["rounds"] = 2
    (artifact / "lineage.json").write_text(json.dumps(lineage))
    found = again(spec, uri, artifact, tmp_path / "again")
    assert not found.equal
    assert found.max_score_difference is not None
    assert found.max_score_difference > 0
    assert found.rows_compared == lineage["split"]["summary"]["holdout_rows"]
    assert any(line.startswith("DIFFERS  model.txt") for line in found.lines)
    assert "holdout rows differ by at most" in found.lines[-1]


def test_what_is_not_as_it_was_is_named(tmp_path: Path) -> None:
    spec, uri, artifact = trained(tmp_path)
    lineage = json.loads((artifact / "lineage.json").read_text())
    lineage["architecture"] = "aarch64"
    lineage["libraries"]["lightgbm"] = "4.5.0"
    (artifact / "lineage.json").write_text(json.dumps(lineage))
    found = again(spec, uri, artifact, tmp_path / "again")
    assert {other.name: other.registered for other in found.differences} == {
        "architecture": "aarch64", "lightgbm": "4.5.0",
    }  # fmt: skip
    assert any("lightgbm is 4.7.0, was 4.5.0" in line for line in found.lines)


def test_a_file_that_was_tampered_with_is_named(tmp_path: Path) -> None:
    spec, uri, artifact = trained(tmp_path)
    contract = artifact / "contract.json"
    contract.write_text(contract.read_text().replace('"threshold": ', '"threshold": 1'))
    found = again(spec, uri, artifact, tmp_path / "again")
    assert [file.name for file in found.files if not file.equal] == ["contract.json"]


@pytest.mark.parametrize("text", ["", "{}", '{"split": {}, "snapshot": {}, "warm_start": []}'])
def test_a_lineage_that_says_too_little_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "lineage.json").write_text(text)
    with pytest.raises(ArtifactBroken, match="does not say how the model was made"):
        read_lineage(tmp_path)
