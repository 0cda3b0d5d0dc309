"""Evaluate: champion and challenger on the same new rows, and an artifact that serves."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from dropforge.errors import ArtifactBroken, NoTrainingData
from dropforge.evaluation import Evaluation
from dropforge.verdict import decide
from sagemaker_jobs.artifact.golden import read_golden
from sagemaker_jobs.artifact.synthetic import UNSEEN
from sagemaker_jobs.evaluate import evaluate
from sagemaker_jobs.judging.finish import check_served
from sagemaker_jobs.snapshot.keys import write_keys
from sagemaker_jobs.snapshot.rows import KEY, LABEL
from tests.unit.jobs.conftest import Made


def copy(folder: Path, name: str) -> Path:
    return Path(
        shutil.copytree(folder, folder.parent / f"{folder.name}-{name}", dirs_exist_ok=True)
    )


def run(made: Made, out: Path, **changes: Any) -> Evaluation:
    arguments: dict[str, Any] = {
        "snapshot": made.snapshot,
        "artifact": copy(made.artifact, out.name),
        "champion": None,
        "champion_version": None,
        "out": out,
        "run": "run-2",
        "artifact_uri": "s3://the-lake/models/loans/run-2/",
        "report_uri": "s3://the-lake/runs/loans/run-2/report.html",
    }
    evaluate(**(arguments | changes))
    return Evaluation.model_validate_json((out / "evaluation.json").read_text())


@pytest.fixture
def champion(made: Made, tmp_path: Path) -> Path:
    """A champion of the same bytes that was made from no row of the holdout."""
    return Path(shutil.copytree(made.artifact, tmp_path / "champion"))


def test_the_first_model(made: Made) -> None:
    found = Evaluation.model_validate_json((made.evaluation / "evaluation.json").read_text())
    assert found.champion is None
    assert found.comparison is None
    assert found.holdout.period == "initial"
    assert found.holdout.rows == 600
    assert found.challenger.metrics["auc"].value > 0.75
    assert found.golden_rows == 32
    assert found.importance[0].feature == "burden"
    assert sum(item.share for item in found.importance) == pytest.approx(1)
    assert [item.column for item in found.fairness] == ["sex"]
    assert 0 < found.row_latency_ms < 5
    assert decide(made.spec, found).verdict == "PROMOTE"


def test_equal_models_differ_by_nothing(made: Made, champion: Path, tmp_path: Path) -> None:
    found = run(made, tmp_path / "out", champion=champion, champion_version="3")
    assert found.comparison is not None
    assert found.comparison.lower == 0
    assert found.comparison.decisions_changed == 0
    assert found.champion is not None
    assert found.champion.version == "3"
    assert found.champion.metrics == found.challenger.metrics
    assert decide(made.spec, found).verdict == "HOLD"
    assert not [item for item in found.drift if item.alarm]


def test_rows_that_the_champion_has_seen_are_left_out(
    made: Made, champion: Path, tmp_path: Path
) -> None:
    holdout = pq.read_table(made.snapshot / "holdout.parquet")
    keys = holdout.column(KEY).to_numpy()
    write_keys(champion, keys[:250])
    found = run(made, tmp_path / "out", champion=champion, champion_version="3")
    assert (found.holdout.seen_rows, found.holdout.rows) == (250, 350)
    assert found.holdout.positives == int(holdout.column(LABEL).to_numpy()[250:].sum())
    assert found.comparison is not None
    assert found.comparison.rows == 350


def test_a_champion_that_has_seen_everything_is_no_comparison(
    made: Made, champion: Path, tmp_path: Path
) -> None:
    write_keys(champion, pq.read_table(made.snapshot / "holdout.parquet").column(KEY).to_numpy())
    found = run(made, tmp_path / "out", champion=champion, champion_version="3")
    assert found.comparison is None
    assert found.champion_problem is not None
    assert found.holdout.seen_rows == 600
    assert decide(made.spec, found).verdict == "HOLD"


@pytest.mark.parametrize("missing", ["model.txt", "features.json", "contract.json"])
def test_a_champion_that_cannot_be_loaded_holds(
    made: Made, champion: Path, tmp_path: Path, missing: str
) -> None:
    (champion / missing).unlink()
    found = run(made, tmp_path / "out", champion=champion, champion_version="3")
    assert found.champion is None
    assert found.champion_problem is not None
    assert missing in found.champion_problem
    assert decide(made.spec, found).verdict == "HOLD"


def test_a_champion_that_wants_other_columns_holds(
    made: Made, champion: Path, tmp_path: Path
) -> None:
    features = json.loads((champion / "features.json").read_text())
    features["inputs"][0]["name"] = "gone"
    features["features"] = ["gone", *features["features"][1:]]
    features["derive"][0]["expression"] = "amount / gone"
    (champion / "features.json").write_text(json.dumps(features))
    found = run(made, tmp_path / "out", champion=champion, champion_version="3")
    assert found.champion_problem is not None
    assert "gone" in found.champion_problem


def test_a_worse_challenger_is_seen_to_be_worse(made: Made, champion: Path, tmp_path: Path) -> None:
    artifact = copy(made.artifact, "worse")
    model = (artifact / "model.txt").read_text().split("\nTree=")
    # Only the first tree is left: LightGBM checks the sizes of trees by their list.
    sizes = [line for line in model[0].splitlines() if line.startswith("tree_sizes=")][0]
    head = model[0].replace(sizes, " ".join(sizes.split(" ")[:1]))
    tail = model[-1][model[-1].index("end of trees") :]
    (artifact / "model.txt").write_text(head + "\nTree=" + model[1] + "\n" + tail)
    found = run(made, tmp_path / "out", artifact=artifact, champion=champion, champion_version="3")
    assert found.comparison is not None
    assert found.comparison.differences["auc"].high < 0
    assert found.comparison.lower < 0
    assert found.comparison.decisions_changed


def test_the_report_is_one_file_without_network(made: Made, champion: Path, tmp_path: Path) -> None:
    run(made, tmp_path / "out", champion=champion, champion_version="3")
    text = (tmp_path / "out" / "report.html").read_text()
    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text
    for word in (
        "HOLD",
        "ROC curve",
        "Calibration",
        "sex",
        "burden",
        "Model SHA-256",
        "Champion v3",
    ):
        assert word in text, word
    assert text.count("<svg") == text.count("</svg>") > 3


def test_the_card_says_what_the_model_is_for(made: Made) -> None:
    card = (made.artifact / "card.md").read_text()
    assert "Predicts `default` = `1`" in card
    assert "demographic parity ratio" in card


def test_golden_rows_cover_the_corners(made: Made) -> None:
    golden = read_golden(made.artifact)
    inputs = [row.input for row in golden]
    assert [row.inference_id for row in golden][:2] == ["golden-1", "golden-2"]
    assert all(value is None for value in inputs[0].values())
    assert inputs[1]["job"] == UNSEEN
    assert inputs[2]["income"] == -inputs[3]["income"] > 1e9
    assert len({row.score for row in golden}) > 10


def test_an_artifact_that_answers_otherwise_is_refused(made: Made) -> None:
    artifact = copy(made.artifact, "wrong")
    lines = (artifact / "golden.jsonl").read_text().splitlines()
    wrong = json.loads(lines[4])
    wrong["score"] = float(np.nextafter(wrong["score"], 1.0))
    (artifact / "golden.jsonl").write_text("\n".join([*lines[:4], json.dumps(wrong)]))
    with pytest.raises(ArtifactBroken, match="golden-5 must score"):
        check_served(artifact)


def test_a_holdout_of_one_outcome_judges_nothing(made: Made, tmp_path: Path) -> None:
    snapshot = Path(shutil.copytree(made.snapshot, tmp_path / "snapshot"))
    table = pq.read_table(snapshot / "holdout.parquet")
    mask = np.asarray(table.column(LABEL).to_numpy()) == 0
    pq.write_table(table.filter(mask), snapshot / "holdout.parquet")
    with pytest.raises(NoTrainingData, match="one outcome of default only"):
        run(made, tmp_path / "out", snapshot=snapshot)
