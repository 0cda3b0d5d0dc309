"""Training: the artifact's files, and that the same snapshot gives the same bytes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dropforge.project import ProjectSpec
from sagemaker_jobs.boosting.scorer import Scorer, read_contract
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.learning.dataset import read_table, rows_of
from sagemaker_jobs.learning.parameters import FIRST_TRY, choose_threads, searched_part
from sagemaker_jobs.learning.tune import replay
from sagemaker_jobs.snapshot.keys import read_keys
from sagemaker_jobs.train import feature_names, train
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


def test_the_lineage_replays_to_the_same_bytes(made: Made) -> None:
    lineage = json.loads((made.artifact / "lineage.json").read_text())
    features = FittedFeatures.load(made.artifact)
    rows = rows_of(read_table(made.snapshot / "train.parquet"), features)
    text = replay(
        rows,
        feature_names(features.features),
        [features.features.index(name) for name in features.categorical],
        lineage["parameters"],
        lineage["rounds"],
    )
    assert text == (made.artifact / "model.txt").read_text()


def test_the_lineage_names_what_was_used(made: Made) -> None:
    lineage = json.loads((made.artifact / "lineage.json").read_text())
    assert lineage["rows"] == {"train": 1920, "validation": 480}
    assert lineage["lake_version"] == 1
    assert lineage["periods"] == {"train": ["initial"], "whole": [], "holdout": "initial"}
    assert lineage["threads"] == lineage["parameters"]["num_threads"] == 1
    assert lineage["parameters"]["bin_construct_sample_cnt"] >= 1920
    assert set(lineage["libraries"]) == {"lightgbm", "numpy", "optuna", "pyarrow"}
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


@pytest.mark.parametrize("calibration", ["none", "sigmoid"])
def test_the_threshold_reaches_the_recall_on_validation(
    made: Made, tmp_path: Path, calibration: str
) -> None:
    snapshot = with_spec(
        made, tmp_path, make_spec(calibration=calibration, threshold={"recall": 0.8})
    )
    train(snapshot, tmp_path / "artifact", run="run-1")
    scorer = Scorer.load(tmp_path / "artifact")
    rows = rows_of(read_table(snapshot / "validation.parquet"), scorer.features)
    table = read_table(snapshot / "validation.parquet")
    decisions = scorer.decisions(scorer.scores(frame_from_arrow(table, scorer.features.inputs)))
    recall = decisions[rows.labels == 1].mean()
    assert 0.8 <= recall < 0.82
    assert (read_contract(tmp_path / "artifact")["output"]["calibration"] is None) == (
        calibration == "none"
    )


@pytest.mark.parametrize("metric", ["auc", "average_precision", "log_loss", "brier"])
def test_every_metric_can_be_searched_by(made: Made, tmp_path: Path, metric: str) -> None:
    snapshot = with_spec(made, tmp_path, make_spec(metric=metric))
    tuned = train(snapshot, tmp_path / "artifact", run="run-1")
    values = [trial.value for trial in tuned.trials]
    best = max(values) if metric in ("auc", "average_precision") else min(values)
    assert tuned.best.value == best
    assert np.isfinite(values).all()


@pytest.mark.parametrize(("rows", "threads"), [(7_000, 1), (300_000, 8)])
def test_threads_where_there_is_work_for_them(rows: int, threads: int) -> None:
    assert choose_threads(rows, 20, available=8) == threads


def test_feature_names_are_what_lightgbm_takes() -> None:
    assert feature_names(["a b", "a_b", 'x"y', "日本"]) == ["a_b", "a_b_1", "x_y", "日本"]
