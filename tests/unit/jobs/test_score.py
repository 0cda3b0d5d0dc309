"""Score: one row per input row, in input order, to the last bit; drops accepted last."""

import csv
import io
import json
from pathlib import Path

import pytest
from deltalake import DeltaTable

from dropforge.drops import ScoreResult
from dropforge.errors import ArtifactBroken
from sagemaker_jobs.history.table import Predictions
from sagemaker_jobs.score import Score
from sagemaker_jobs.serving.model import ServedModel
from tests.unit.jobs.conftest import SETTINGS, Made, World, as_csv, loans


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
