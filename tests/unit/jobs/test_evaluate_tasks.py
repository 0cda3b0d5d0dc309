"""Models of several classes and of values are judged as yes-or-no ones are."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dropforge.errors import NoTrainingData
from dropforge.evaluation import Evaluation
from dropforge.metrics import TASK_METRICS, Task
from dropforge.verdict import decide
from sagemaker_jobs.evaluate import evaluate
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.snapshot.columns import KEY, LABEL
from sagemaker_jobs.snapshot.keys import write_keys
from tests.unit.jobs.tasks import Trained, make_trained, task_rows, task_spec

TASKS: tuple[Task, ...] = ("multiclass", "regression")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Trained]:
    return {
        task: make_trained(
            tmp_path_factory.mktemp(task),
            task_spec(task, slices=["job"], group="age"),
            {"initial": task_rows(3000, 1, task)},
        )
        for task in TASKS
    }


def run(made: Trained, folder: Path, **changes: Any) -> Evaluation:
    out = folder / "out"
    options: dict[str, Any] = {
        "snapshot": made.snapshot,
        "artifact": Path(shutil.copytree(made.artifact, folder / "challenger")),
        "champion": made.artifact,
        "champion_version": "3",
        "out": out,
        "run": "run-2",
        "artifact_uri": "s3://the-lake/models/loans/run-2/",
        "report_uri": "s3://the-lake/runs/loans/run-2/report.html",
    }
    evaluate(**(options | changes))
    return Evaluation.model_validate_json((out / "evaluation.json").read_text())


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_of_the_task(trained: dict[Task, Trained], task: Task, tmp_path: Path) -> None:
    made = trained[task]
    found = run(made, tmp_path)
    assert found.task == task
    assert tuple(found.challenger.metrics) == TASK_METRICS[task]
    assert all(i.low <= i.value <= i.high for i in found.challenger.metrics.values())
    assert found.challenger.flagged is None
    assert found.challenger.calibration_error is None
    assert found.holdout.positives is None
    assert found.fairness == []
    assert found.comparison is not None
    assert found.comparison.lower == 0
    assert found.comparison.swap is None
    assert found.comparison.decisions_changed == (0 if task == "multiclass" else None)
    assert {item.column for item in found.slices if item.declared} == {"job"}
    assert all(item.positives is None for item in found.slices)
    assert max(found.importance, key=lambda item: item.shap or 0).feature == "burden"
    assert max(found.importance, key=lambda item: item.permutation or 0).feature == "burden"
    assert found.leakage == []
    assert decide(made.spec, found).verdict == "HOLD"
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("task", TASKS)
def test_the_scores_are_those_of_the_rows(
    trained: dict[Task, Trained], task: Task, tmp_path: Path
) -> None:
    made = trained[task]
    table = pq.read_table(made.snapshot / "holdout.parquet")
    labels = table.column(LABEL).to_numpy()
    scores = made.scorer.scores(frame_from_arrow(table, made.scorer.features))
    found = run(made, tmp_path).challenger.metrics
    if task == "multiclass":
        expected = float((scores.argmax(axis=1) == labels).mean())
        assert found["accuracy"].value == pytest.approx(expected)
    else:
        assert found["mae"].value == pytest.approx(float(np.abs(scores - labels).mean()))


@pytest.mark.parametrize("task", TASKS)
def test_a_holdout_all_seen(trained: dict[Task, Trained], task: Task, tmp_path: Path) -> None:
    made = trained[task]
    champion = Path(shutil.copytree(made.artifact, tmp_path / "champion"))
    write_keys(champion, pq.read_table(made.snapshot / "holdout.parquet").column(KEY).to_numpy())
    found = run(made, tmp_path, champion=champion)
    assert found.champion_problem is not None
    assert decide(made.spec, found).verdict == "HOLD"


def test_classes_in_another_order_are_not_compared(
    trained: dict[Task, Trained], tmp_path: Path
) -> None:
    made = trained["multiclass"]
    champion = Path(shutil.copytree(made.artifact, tmp_path / "champion"))
    contract = json.loads((champion / "contract.json").read_text())
    contract["output"]["classes"].reverse()
    (champion / "contract.json").write_text(json.dumps(contract))
    found = run(made, tmp_path, champion=champion)
    assert found.champion_problem is not None
    assert "another order" in found.champion_problem


def test_a_metric_that_the_rows_leave_undefined_judges_nothing(
    trained: dict[Task, Trained], tmp_path: Path
) -> None:
    made = trained["regression"]
    snapshot = Path(shutil.copytree(made.snapshot, tmp_path / "snapshot"))
    table = pq.read_table(snapshot / "holdout.parquet")
    place = table.schema.get_field_index(LABEL)
    zeros = pa.array(np.zeros(table.num_rows))
    pq.write_table(table.set_column(place, LABEL, zeros), snapshot / "holdout.parquet")
    found = run(made, tmp_path, snapshot=snapshot)
    assert "mape" not in found.challenger.metrics
    spec = made.spec.model_copy(update={"metric": "mape"})
    (snapshot / "spec.json").write_text(spec.canonical_json())
    with pytest.raises(NoTrainingData, match="MAPE is undefined on the holdout of loans"):
        run(made, tmp_path / "again", snapshot=snapshot)
