"""Score: one row per input row, in input order, to the last bit; drops accepted last."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from dropforge.drops import ScoreResult
from dropforge.errors import ArtifactBroken
from dropforge.metrics import Task
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.frame import Frame
from sagemaker_jobs.history.table import LINE, Predictions
from sagemaker_jobs.score import Score
from sagemaker_jobs.serving.model import ServedModel
from tests.unit.jobs.conftest import SETTINGS, Made, World, as_csv, loans
from tests.unit.jobs.tasks import make_trained, task_rows, task_spec


@pytest.fixture
def rows(world: World, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files prepared to be scored."""
    monkeypatch.setenv("DROPFORGE_ML_ROOT", str(tmp_path / "ml"))
    world.spec = made.spec
    table = loans(120, 5, first_id=7000, labelled=False).sort_by([("loan_id", "descending")])
    world.drop("202011.csv", as_csv(table))
    world.drop("202012.csv", as_csv(loans(30, 6, first_id=9000, labelled=False)))
    result = world.prepare()
    assert result.scoring_uri is not None
    return world.download(result.scoring_uri.removeprefix("s3://the-lake/"), tmp_path / "rows")


def job(world: World, tmp_path: Path, version: str = "4") -> Score:
    uri = str(tmp_path / "predictions")
    return Score(SETTINGS, world.ledger, world.spec, "run-1", version, table_uri=uri)


def delivered(world: World, uri: str) -> list[dict[str, str]]:
    text = world.object(uri.removeprefix("s3://the-lake/")).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_predictions_for_people_and_machines(
    world: World, made: Made, rows: Path, tmp_path: Path
) -> None:
    pending = {drop.key: drop for drop in world.ledger.pending("loans")}
    result = job(world, tmp_path).run(made.artifact, rows, 1)
    by_name = {drop.name: drop for drop in result.drops}
    first = by_name["202011.csv"]
    drop = pending["loans/202011.csv"]
    assert (
        first.predictions_uri == f"s3://the-lake/predictions/loans/202011/202011-{drop.id[:8]}.csv"
    )
    found = delivered(world, first.predictions_uri)
    assert list(found[0]) == ["id", "score", "decision", "model_version", "scored_at"]
    assert [row["id"] for row in found] == [f"{n:07d}" for n in range(7119, 6999, -1)]
    assert {row["model_version"] for row in found} == {"4"}
    assert found[0]["scored_at"].endswith("Z")
    assert first.flagged == sum(int(row["decision"]) for row in found)
    table = Predictions(str(tmp_path / "predictions"))
    stored = table.read(["id", "score", "_period"], ["202011"]).sort_by("id")
    assert stored.column("score").to_pylist() == [float(row["score"]) for row in found][::-1]
    assert table.periods() == ["202011", "202012"]
    for record in pending.values():
        after = world.ledger.drop("loans", record.id)
        assert after is not None
        assert (after.state, after.kind, after.settled_by) == ("accepted", "unlabelled", "run-1")
        assert after.sha256
    document = ScoreResult.model_validate_json(world.object("runs/loans/run-1/score.json"))
    assert document == result


def test_a_score_read_from_the_file_is_the_endpoints(
    world: World, made: Made, rows: Path, tmp_path: Path
) -> None:
    result = job(world, tmp_path).run(made.artifact, rows, 1)
    drop = next(drop for drop in result.drops if drop.name == "202012.csv")
    scored = delivered(world, drop.predictions_uri)
    model = ServedModel.load(made.artifact, "4")
    body = as_csv(loans(30, 6, first_id=9000, labelled=False))
    answers = json.loads(model.answer("text/csv", "", body)[1])["predictions"]
    assert [answer["score"] for answer in answers] == [float(row["score"]) for row in scored]
    assert [answer["id"] for answer in answers] == [row["id"] for row in scored]
    assert [answer["decision"] for answer in answers] == [int(row["decision"]) for row in scored]


def test_scoring_twice_replaces(world: World, made: Made, rows: Path, tmp_path: Path) -> None:
    job(world, tmp_path).run(made.artifact, rows, 1)
    job(world, tmp_path, "5").run(made.artifact, rows, 1)
    stored = Predictions(str(tmp_path / "predictions")).read(["model_version"])
    assert stored.column("model_version").to_pylist() == ["5"] * 150
    assert DeltaTable(str(tmp_path / "predictions")).version() == 4


def test_the_same_bytes_scored_again_are_a_duplicate(
    world: World, made: Made, rows: Path, tmp_path: Path
) -> None:
    job(world, tmp_path).run(made.artifact, rows, 1)
    world.drop("202012.csv", as_csv(loans(30, 6, first_id=9000, labelled=False)))
    assert [drop.state for drop in world.prepare().drops] == ["duplicate"]


def test_a_model_that_wants_other_columns_leaves_the_drops_pending(
    world: World, made: Made, rows: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactBroken):
        job(world, tmp_path).run(tmp_path / "empty", rows, 1)
    assert len(world.ledger.pending("loans")) == 2


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_predictions_of_other_tasks(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: Task
) -> None:
    monkeypatch.setenv("DROPFORGE_ML_ROOT", str(tmp_path / "ml"))
    model = make_trained(tmp_path / "model", task_spec(task))
    world.spec = model.spec
    table = task_rows(60, 5, None)
    world.drop("202011.csv", as_csv(table))
    uri = world.prepare().scoring_uri
    assert uri is not None
    rows = world.download(uri.removeprefix("s3://the-lake/"), tmp_path / "rows")
    (drop,) = job(world, tmp_path).run(model.artifact, rows, 1).drops
    assert drop.flagged is None
    people = delivered(world, drop.predictions_uri)
    body = as_csv(table)
    answers = json.loads(ServedModel.load(model.artifact, "4").answer("text/csv", "", body)[1])
    for row, answer in zip(people, answers["predictions"], strict=True):
        assert float(row["score"]) == answer["score"]
        assert row["decision"] == (answer["decision"] or "")
        probabilities = answer.get("probabilities", {})
        assert {f"probability_{c}": p for c, p in probabilities.items()} == {
            name: float(value) for name, value in row.items() if name.startswith("probability_")
        }
    assert drop.mean_score == pytest.approx(np.mean([float(row["score"]) for row in people]))
    machines = Predictions(str(tmp_path / "predictions")).read([*people[0], LINE])
    assert machines.column(LINE).to_pylist() == list(range(1, 61))
    assert machines.column("score").to_pylist() == [float(row["score"]) for row in people]
    assert [d or "" for d in machines.column("decision").to_pylist()] == [
        row["decision"] for row in people
    ]


def test_rows_pass_a_row_group_at_a_time(
    world: World, made: Made, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = job(world, tmp_path).run(made.artifact, rows, 1)
    before = {drop.name: delivered(world, drop.predictions_uri) for drop in whole.drops}
    for path in rows.glob("*.parquet"):
        pq.write_table(pq.read_table(path), path, row_group_size=7)
    seen = []
    scores = Scorer.scores

    def counted(self: Scorer, frame: Frame) -> np.ndarray:
        seen.append(frame.rows)
        return scores(self, frame)

    monkeypatch.setattr(Scorer, "scores", counted)
    parts = job(world, tmp_path).run(made.artifact, rows, 1)
    assert max(seen) == 7
    assert sum(seen) == 150
    for drop, was in zip(parts.drops, whole.drops, strict=True):
        assert drop == was
        now = delivered(world, drop.predictions_uri)
        for row in [*now, *before[drop.name]]:
            row.pop("scored_at")
        assert now == before[drop.name]
    lines = Predictions(str(tmp_path / "predictions")).read([LINE], ["202011"])
    assert sorted(lines.column(LINE).to_pylist()) == list(range(1, 121))
