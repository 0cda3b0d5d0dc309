"""Every task: scores, decisions and contributions; the same answers alone, in bulk, and served."""

import csv
import io
import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropforge.errors import ArtifactBroken, NoTrainingData
from dropforge.metrics import HIGHER_IS_BETTER, TASK_METRICS, Metric, Task
from sagemaker_jobs.artifact.baseline import read_baseline
from sagemaker_jobs.artifact.golden import read_golden
from sagemaker_jobs.boosting.scorer import Scorer, read_contract
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.rows import RowReader
from sagemaker_jobs.learning import tune
from sagemaker_jobs.learning.dataset import read_table
from sagemaker_jobs.learning.replay import replay
from sagemaker_jobs.serving.model import ServedModel
from sagemaker_jobs.snapshot.columns import KEY, LABEL
from sagemaker_jobs.snapshot.keys import read_keys
from sagemaker_jobs.train import train
from tests.unit.jobs.tasks import CLASSES, Trained, make_trained, task_rows, task_spec

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Trained]:
    """A model of each task."""
    folder = tmp_path_factory.mktemp("tasks")
    return {task: make_trained(folder / task, task_spec(task)) for task in TASKS}


@pytest.fixture(params=TASKS)
def model(request: pytest.FixtureRequest, models: dict[Task, Trained]) -> Trained:
    return models[request.param]


def holdout_scores(model: Trained, name: str = "model.txt") -> tuple[np.ndarray, np.ndarray]:
    """A model's scores of the holdout, and its labels."""
    table = read_table(model.snapshot / "holdout.parquet")
    scorer = Scorer.load(model.artifact, model=name)
    scores = scorer.scores(frame_from_arrow(table, scorer.features))
    return scores, table.column(LABEL).to_numpy()


def test_a_model_learns_its_target(models: dict[Task, Trained]) -> None:
    scores, labels = holdout_scores(models["multiclass"])
    assert scores.shape == (180, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0)
    decided = models["multiclass"].scorer.decisions(scores)
    assert decided is not None
    assert decided.dtype == np.int16
    assert (decided == labels).mean() > 0.6
    scores, labels = holdout_scores(models["regression"])
    assert scores.shape == (180,)
    assert np.sqrt(np.mean((scores - labels) ** 2)) < 0.75 * labels.std()
    assert models["regression"].scorer.decisions(scores) is None
    assert models["regression"].scorer.threshold is None


def test_the_first_of_equal_classes_wins(models: dict[Task, Trained]) -> None:
    scorer = models["multiclass"].scorer
    scores = np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [1 / 3, 1 / 3, 1 / 3]])
    outcome = scorer.outcome(scores)
    assert outcome.decisions == ["low", "middle", "low"]
    np.testing.assert_array_equal(outcome.scores, [0.4, 0.4, 1 / 3])


def test_contributions_add_up_to_the_raw_score(model: Trained) -> None:
    scorer = model.scorer
    table = read_table(model.snapshot / "holdout.parquet")
    frame = frame_from_arrow(table, scorer.features)
    found = scorer.contributions(frame)
    width = len(scorer.features.features) + 1
    assert found.shape == ((180, 3, width) if scorer.classes else (180, width))
    raw = scorer.booster.scores(scorer.features.matrix(frame), raw=True)
    np.testing.assert_allclose(found.sum(axis=-1), raw, rtol=1e-9, atol=1e-9)
    expected = found[..., -1]
    assert (expected == expected[0]).all()
    assert (found[..., :-1] != 0).any()


VALUES = st.fixed_dictionaries(
    {
        "income": st.none() | st.floats(-1e12, 1e12) | st.sampled_from([0.0, 20_000.0]),
        "amount": st.none() | st.floats(1e-3, 1e9),
        "age": st.none() | st.integers(-(10**9), 10**9),
        "job": st.none() | st.text(max_size=5) | st.sampled_from(["clerk", "nurse", "smith"]),
    }
)


@cache
def loaded(artifact: Path) -> tuple[Scorer, ServedModel]:
    return Scorer.load(artifact), ServedModel.load(artifact, "7")


@settings(deadline=None)
@given(rows=st.lists(VALUES, min_size=1, max_size=20))
@pytest.mark.parametrize("task", TASKS)
def test_a_row_alone_is_the_row_in_bulk(
    task: Task, rows: list[dict[str, Any]], models: dict[Task, Trained]
) -> None:
    scorer, served = loaded(models[task].artifact)
    reader = RowReader(scorer.features)
    bulk = scorer.scores(reader.from_objects(rows))
    alone = np.concatenate([scorer.scores(reader.from_objects([row])) for row in rows])
    assert bulk.tobytes() == alone.tobytes()
    many = served.answer("application/json", "", json.dumps(rows).encode())[1]
    singles = [served.answer("application/json", "", json.dumps([row]).encode())[1] for row in rows]
    answers = [json.loads(body)["predictions"][0] for body in singles]
    assert json.loads(many)["predictions"] == answers


def test_the_contract_says_what_comes_out(models: dict[Task, Trained]) -> None:
    outputs = {task: read_contract(models[task].artifact)["output"] for task in TASKS}
    assert outputs["binary"].keys() == {"task", "target", "positive", "threshold", "calibration"}
    assert outputs["multiclass"] == {
        "task": "multiclass", "target": "risk", "classes": CLASSES,
        "threshold": None, "calibration": None,
    }  # fmt: skip
    assert outputs["regression"] == {
        "task": "regression", "target": "loss", "threshold": None, "calibration": None
    }  # fmt: skip


def test_a_contract_without_a_task_is_of_a_binary_model(
    models: dict[Task, Trained], tmp_path: Path
) -> None:
    artifact = Path(shutil.copytree(models["binary"].artifact, tmp_path / "old"))
    document = read_contract(artifact)
    del document["output"]["task"]
    (artifact / "contract.json").write_text(json.dumps(document))
    assert Scorer.load(artifact).task == "binary"


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"classes": ["low", "high"]}, "2 classes"), ({"threshold": 0.5}, "threshold")],
)
def test_a_contract_of_another_model_is_refused(
    models: dict[Task, Trained], tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    artifact = Path(shutil.copytree(models["multiclass"].artifact, tmp_path / "other"))
    document = read_contract(artifact)
    document["output"] |= change
    (artifact / "contract.json").write_text(json.dumps(document))
    with pytest.raises(ArtifactBroken, match=problem):
        Scorer.load(artifact)


def test_the_server_answers_the_golden_rows(model: Trained, tmp_path: Path) -> None:
    served = ServedModel.load(model.artifact, "7")
    assert served.check_golden(model.artifact) == len(read_golden(model.artifact)) >= 32
    lines = (model.artifact / "golden.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    worse = [2.0, 0.0, 0.0] if model.spec.task == "multiclass" else first["score"] + 1e-12
    lines[0] = json.dumps({**first, "score": worse})
    (tmp_path / "golden.jsonl").write_text("\n".join(lines))
    with pytest.raises(ArtifactBroken, match="golden-1 must score"):
        served.check_golden(tmp_path)


ROW = {"income": 1000.0, "amount": 2500.0, "age": 30, "job": "smith"}


def test_answers_of_a_multiclass_model(models: dict[Task, Trained]) -> None:
    served = ServedModel.load(models["multiclass"].artifact, "7")
    body = json.dumps({"loan_id": "x", **ROW}).encode()
    (answer,) = json.loads(served.answer("application/json", "", body)[1])["predictions"]
    assert answer.keys() == {"score", "decision", "probabilities", "model_version", "id"}
    assert list(answer["probabilities"]) == CLASSES
    assert answer["score"] == max(answer["probabilities"].values())
    assert answer["probabilities"][answer["decision"]] == answer["score"]
    (row,) = csv.reader(
        io.StringIO(served.answer("application/json", "text/csv", body)[1].decode())
    )
    assert row[:3] == ["x", repr(answer["score"]), answer["decision"]]
    assert [float(value) for value in row[3:6]] == list(answer["probabilities"].values())
    assert row[6:] == ["7"]


def test_answers_of_a_regression(models: dict[Task, Trained]) -> None:
    served = ServedModel.load(models["regression"].artifact, "7")
    body = json.dumps(ROW).encode()
    (answer,) = json.loads(served.answer("application/json", "", body)[1])["predictions"]
    assert answer.keys() == {"score", "decision", "model_version"}
    assert answer["decision"] is None
    text = served.answer("application/json", "text/csv", body)[1].decode()
    assert text == f"{answer['score']!r},,7\n"


def test_the_baseline_holds_the_scores_distributions(models: dict[Task, Trained]) -> None:
    found = {task: read_baseline(models[task].artifact) or {} for task in TASKS}
    rows = {task: baseline["rows"] for task, baseline in found.items()}
    assert sum(found["binary"]["score"]["counts"]) == rows["binary"]
    assert 0 < found["binary"]["positive_share"] < 1
    assert list(found["multiclass"]["scores"]) == CLASSES
    for profile in found["multiclass"]["scores"].values():
        assert sum(profile["counts"]) == rows["multiclass"]
    assert sum(found["multiclass"]["class_shares"].values()) == pytest.approx(1.0)
    assert sum(found["regression"]["label"]["counts"]) == rows["regression"]
    for baseline in found.values():
        assert set(baseline["columns"]) == {"income", "amount", "age", "job"}


@pytest.mark.parametrize(
    ("task", "metric"),
    [(task, metric) for task in ("multiclass", "regression") for metric in TASK_METRICS[task]],
)
def test_every_metric_can_be_searched_by(
    models: dict[Task, Trained], tmp_path: Path, task: Task, metric: Metric
) -> None:
    snapshot = Path(shutil.copytree(models[task].snapshot, tmp_path / "snapshot"))
    (snapshot / "spec.json").write_text(task_spec(task, metric=metric).canonical_json())
    tuned = train(snapshot, tmp_path / "artifact", run="run-1")
    values = [trial.value for trial in tuned.trials]
    assert tuned.best.value == (max(values) if HIGHER_IS_BETTER[metric] else min(values))
    assert np.isfinite(values).all()
    model = (tmp_path / "artifact" / "model.txt").read_text()
    assert f"objective={tuned.parameters['objective']}" in model


def test_a_metric_that_is_not_defined_ends_the_training(
    models: dict[Task, Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "metric", lambda *_, **__: float("nan"))
    with pytest.raises(NoTrainingData, match="auc, which is not defined on its 144 validation"):
        train(models["binary"].snapshot, tmp_path / "artifact", run="run-1")


@pytest.mark.parametrize("task", TASKS)
def test_a_model_fitted_again_on_all_rows_keeps_its_judged_twin(tmp_path: Path, task: Task) -> None:
    tables = {
        "202010": task_rows(500, 1, task),
        "202011": task_rows(300, 2, task, first_id=5000),
    }
    again = make_trained(tmp_path / "all", task_spec(task, refit="all"), tables)
    lineage = json.loads((again.artifact / "lineage.json").read_text())
    none = make_trained(tmp_path / "none", task_spec(task), tables)
    judged, shipped = again.artifact / "judged", again.artifact
    assert (judged / "model.txt").read_bytes() == (none.artifact / "model.txt").read_bytes()
    assert (judged / "row_keys.bin").read_bytes() == (none.artifact / "row_keys.bin").read_bytes()
    assert (shipped / "model.txt").read_bytes() != (judged / "model.txt").read_bytes()
    for name in ("contract.json", "features.json"):
        assert (shipped / name).read_bytes() == (none.artifact / name).read_bytes()
    holdout = read_table(again.snapshot / "holdout.parquet").column(KEY).to_numpy()
    assert np.isin(holdout, read_keys(shipped)).all()
    assert not np.isin(holdout, read_keys(judged)).any()
    assert lineage["periods"]["whole"] == ["202010", "202011"]
    assert lineage["rows"]["holdout"] == len(holdout)
    assert lineage["judged"]["rows"] + len(holdout) == len(read_keys(shipped)) == 800
    scores, _ = holdout_scores(again)
    twins, _ = holdout_scores(again, "judged/model.txt")
    np.testing.assert_array_equal(twins, holdout_scores(none)[0])
    assert not np.array_equal(scores, twins)


@pytest.mark.parametrize("refit", ["none", "all"])
@pytest.mark.parametrize("task", TASKS)
def test_a_lineage_replays_to_the_same_bytes(tmp_path: Path, task: Task, refit: str) -> None:
    model = make_trained(tmp_path, task_spec(task, refit=refit))
    lineage = json.loads((model.artifact / "lineage.json").read_text())
    replay(model.snapshot, lineage, tmp_path / "again")
    written = [path for path in (tmp_path / "again").rglob("*") if path.is_file()]
    assert len(written) == (6 if refit == "all" else 4)
    for path in written:
        name = path.relative_to(tmp_path / "again")
        assert path.read_bytes() == (model.artifact / name).read_bytes(), name


@pytest.mark.parametrize("task", TASKS)
def test_aggregates_travel_in_the_artifact(tmp_path: Path, task: Task) -> None:
    features = {
        "keep": ["income", "amount", "age"],
        "aggregates": {
            "usual": {"by": "job", "statistic": "mean", "column": "amount"},
            "often": {"by": "job", "statistic": "count"},
        },
    }
    tables = {f"20201{n}": task_rows(300, n, task, first_id=1000 * n + 1) for n in range(3)}
    model = make_trained(tmp_path, task_spec(task, features=features), tables)
    stored = (model.artifact / "aggregates.parquet").read_bytes()
    assert stored == (model.snapshot / "aggregates.parquet").read_bytes()
    golden = read_golden(model.artifact)
    assert {"clerk", "nurse", "smith", None} <= {row.input["job"] for row in golden}
    assert ServedModel.load(model.artifact, "7").check_golden(model.artifact) == len(golden)
    lineage = json.loads((model.artifact / "lineage.json").read_text())
    replay(model.snapshot, lineage, tmp_path / "again")
    assert (tmp_path / "again" / "model.txt").read_bytes() == (
        model.artifact / "model.txt"
    ).read_bytes()
