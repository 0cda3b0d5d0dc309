"""Training: the artifact's files, and that the same snapshot gives the same bytes."""

import hashlib
import json
import shutil
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from dropforge.metrics import HIGHER_IS_BETTER, TASK_METRICS, Metric
from dropforge.project import ProjectSpec
from sagemaker_jobs.boosting.scorer import Scorer, read_contract
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.learning.dataset import read_table
from sagemaker_jobs.learning.parameters import (
    FIRST_TRY,
    SPACE,
    choose_threads,
    patience,
    searched_part,
)
from sagemaker_jobs.learning.replay import replay
from sagemaker_jobs.learning.tune import Search
from sagemaker_jobs.snapshot.columns import LABEL
from sagemaker_jobs.snapshot.keys import read_keys
from sagemaker_jobs.train import train
from tests.unit.jobs.conftest import Made, make_spec


def with_spec(made: Made, folder: Path, spec: ProjectSpec) -> Path:
    """The made snapshot under another project file."""
    snapshot = Path(shutil.copytree(made.snapshot, folder / "snapshot"))
    (snapshot / "spec.json").write_text(spec.canonical_json())
    return snapshot


def test_the_artifact_is_plain_files(made: Made) -> None:
    names = {path.name for path in made.artifact.iterdir()}
    assert names == {
        "model.txt", "features.json", "contract.json", "lineage.json", "row_keys.bin",
        "baseline.json", "golden.jsonl", "card.md",
    }  # fmt: skip
    for path in made.artifact.iterdir():
        body = path.read_bytes()
        if path.suffix != ".bin":
            body.decode("utf-8")
        assert not body.startswith(b"\x80"), f"{path.name} begins like a pickle"
    assert len(read_keys(made.artifact)) * 8 == (made.artifact / "row_keys.bin").stat().st_size


def test_no_row_of_a_person_is_in_the_artifact(made: Made) -> None:
    train_rows = read_table(made.snapshot / "train.parquet")
    incomes = {repr(v) for v in train_rows.column("income").to_pylist() if v is not None}
    golden = (made.artifact / "golden.jsonl").read_text()
    assert not [income for income in incomes if f": {income}," in golden]
    ids = {f'"{identity}"' for identity in train_rows.column("loan_id").to_pylist()}
    for path in made.artifact.glob("*.json*"):
        assert not [identity for identity in ids if identity in path.read_text()], path.name


def test_training_again_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    train(made.snapshot, tmp_path / "again", run="run-1")
    for name in ("model.txt", "features.json", "contract.json", "lineage.json", "row_keys.bin"):
        assert (tmp_path / "again" / name).read_bytes() == (made.artifact / name).read_bytes(), name


def test_the_lineage_replays_to_the_same_bytes(made: Made, tmp_path: Path) -> None:
    lineage = json.loads((made.artifact / "lineage.json").read_text())
    replay(made.snapshot, lineage, tmp_path)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"model.txt", "features.json", "contract.json", "row_keys.bin"}
    for name in written:
        assert (tmp_path / name).read_bytes() == (made.artifact / name).read_bytes(), name


def test_the_lineage_names_what_was_used(made: Made) -> None:
    lineage = json.loads((made.artifact / "lineage.json").read_text())
    assert lineage["rows"] == {"train": 1920, "validation": 480}
    assert lineage["lake_version"] == 1
    assert lineage["periods"] == {"train": ["initial"], "whole": [], "holdout": "initial"}
    assert lineage["threads"] == lineage["parameters"]["num_threads"] == 1
    assert lineage["parameters"]["bin_construct_sample_cnt"] >= 1920
    assert set(lineage["libraries"]) == {"lightgbm", "numpy", "optuna", "pyarrow"}
    assert lineage["code"]["version"] == version("dropforge")
    lock = Path(__file__).resolve().parents[3] / "requirements" / "jobs.txt"
    assert lineage["lock_sha256"] == hashlib.sha256(lock.read_bytes()).hexdigest()
    document = json.loads((made.snapshot / "snapshot.json").read_text())
    assert lineage["split"].items() <= document.items()
    assert lineage["snapshot"] == document["files_sha256"]
    assert len(lineage["trials"]) == 2
    best = max(lineage["trials"], key=lambda trial: trial["value"])
    assert best["value"] == lineage["validation"]["value"]
    assert best["rounds"] == lineage["rounds"]


def test_the_first_trial_is_the_champions(made: Made, tmp_path: Path) -> None:
    snapshot = Path(shutil.copytree(made.snapshot, tmp_path / "snapshot"))
    document = json.loads((snapshot / "snapshot.json").read_text())
    earlier = {**FIRST_TRY, "num_leaves": 11, "num_threads": 4}
    document["warm_start"] = [earlier, {"num_leaves": 3}]
    (snapshot / "snapshot.json").write_text(json.dumps(document))
    tuned = train(snapshot, tmp_path / "artifact", run="run-2")
    assert tuned.trials[0].chosen == searched_part(earlier)
    assert tuned.trials[1].chosen == FIRST_TRY


def test_the_lineage_names_code_and_image_where_they_are_known(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPFORGE_COMMIT", "0123abc")
    monkeypatch.setenv("DROPFORGE_IMAGE", "sha256:beef")
    train(made.snapshot, tmp_path, run="run-1")
    lineage = json.loads((tmp_path / "lineage.json").read_text())
    assert (lineage["code"]["commit"], lineage["image"]) == ("0123abc", "sha256:beef")


def test_no_more_than_five_earlier_parameter_sets_are_tried(made: Made, tmp_path: Path) -> None:
    snapshot = with_spec(made, tmp_path, make_spec(tune={"trials": 6, "max_rounds": 3}))
    document = json.loads((snapshot / "snapshot.json").read_text())
    earlier = [{**FIRST_TRY, "num_leaves": leaves} for leaves in range(20, 27)]
    document["warm_start"] = [*earlier[:2], {"num_leaves": 3}, *earlier[2:]]
    (snapshot / "snapshot.json").write_text(json.dumps(document))
    tuned = train(snapshot, tmp_path / "artifact", run="run-2")
    assert [trial.chosen for trial in tuned.trials] == [*earlier[:5], FIRST_TRY]


def test_earlier_parameters_are_brought_within_bounds() -> None:
    assert searched_part(dict.fromkeys(SPACE, 1e9)) == {n: s.high for n, s in SPACE.items()}
    assert searched_part(dict.fromkeys(SPACE, 0.0)) == {n: s.low for n, s in SPACE.items()}
    assert searched_part({"num_leaves": 3}) is None
    assert searched_part(FIRST_TRY) == FIRST_TRY


def test_a_time_budget_ends_the_search_after_the_trial_under_way(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune = {"trials": 50, "max_rounds": 5, "time_budget_seconds": 1}
    snapshot = with_spec(made, tmp_path, make_spec(tune=tune))
    fit, ends = Search.fit, []

    def slow(self: Search, chosen):  # type: ignore[no-untyped-def]
        time.sleep(1.1)
        ends.append(chosen)
        return fit(self, chosen)

    monkeypatch.setattr(Search, "fit", slow)
    tuned = train(snapshot, tmp_path / "artifact", run="run-1")
    assert len(tuned.trials) == len(ends) == 1
    assert (tmp_path / "artifact" / "model.txt").exists()


@pytest.mark.parametrize("calibration", ["none", "sigmoid"])
def test_the_threshold_reaches_the_recall_on_validation(
    made: Made, tmp_path: Path, calibration: str
) -> None:
    snapshot = with_spec(
        made, tmp_path, make_spec(calibration=calibration, threshold={"recall": 0.8})
    )
    train(snapshot, tmp_path / "artifact", run="run-1")
    scorer = Scorer.load(tmp_path / "artifact")
    table = read_table(snapshot / "validation.parquet")
    decisions = scorer.decisions(scorer.scores(frame_from_arrow(table, scorer.features)))
    assert decisions is not None
    recall = decisions[table.column(LABEL).to_numpy() == 1].mean()
    assert 0.8 <= recall < 0.82
    assert (read_contract(tmp_path / "artifact")["output"]["calibration"] is None) == (
        calibration == "none"
    )


@pytest.mark.parametrize("metric", TASK_METRICS["binary"])
def test_every_metric_can_be_searched_by(made: Made, tmp_path: Path, metric: Metric) -> None:
    snapshot = with_spec(made, tmp_path, make_spec(metric=metric))
    tuned = train(snapshot, tmp_path / "artifact", run="run-1")
    values = [trial.value for trial in tuned.trials]
    best = max(values) if HIGHER_IS_BETTER[metric] else min(values)
    assert tuned.best.value == best
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("rounds", "learning_rate", "waits"),
    [(50, 0.01, 50), (50, 0.05, 50), (50, 0.1, 25), (50, 0.2, 13), (30, 0.2, 10), (5, 0.2, 5)],
)
def test_fast_learners_are_waited_for_fewer_rounds(
    rounds: int, learning_rate: float, waits: int
) -> None:
    assert patience(rounds, learning_rate) == waits


@pytest.mark.parametrize(("rows", "threads"), [(7_000, 1), (300_000, 8)])
def test_threads_where_there_is_work_for_them(rows: int, threads: int) -> None:
    assert choose_threads(rows, 20, available=8) == threads
