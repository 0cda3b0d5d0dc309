"""A number beyond a clamp is the bound: in training, in batches, on every road of the endpoint."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.serving.model import ServedModel
from tests.unit.jobs.conftest import Made, loans, make_model
from tests.unit.serving.small import ROADS, small_spec, write_small

CLAMPED = {
    "income": {"min": 0, "max": 1e5, "clamp": True},
    "age": {"min": 20, "max": 60, "clamp": True, "on_break": "refuse_file", "nullable": False},
}
# To trees a value beyond the largest is like the largest: these make a middling one of it.
DERIVE = {"burden": "amount / income", "folded": "abs(abs(age - 40) - 25)",
          "turned": "abs(income - 1.1e5)"}  # fmt: skip
KEEP = ["income", "amount", "job"]
SPEC = small_spec(CLAMPED, keep=KEEP, derive=DERIVE, impute={"income": "mean"})
BEYOND: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"age": 99}, {"age": 60}),
    ({"age": -30}, {"age": 20}),
    ({"income": 1.8e5}, {"income": 1e5}),
]
ROW: dict[str, Any] = {"income": 5e4, "amount": 2e4, "age": 40, "job": "clerk"}
SCHEMA = pa.schema(
    [("income", pa.float64()), ("amount", pa.float64()), ("age", pa.int64()), ("job", pa.string())]
)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("clamped"), SPEC)


@pytest.fixture(scope="module")
def model(artifact: Path) -> ServedModel:
    return ServedModel.load(artifact, "1")


def ask(model: ServedModel, kind: str, rows: list[dict[str, Any]]) -> tuple[list[float], int]:
    """The scores, and how much was counted."""
    question = model.read(kind, ROADS[kind](rows))
    answer = json.loads(model.reply(question, "application/json", None))
    assert answer.get("warnings", 0) == question.warnings
    return [item["score"] for item in answer["predictions"]], question.warnings


@pytest.mark.parametrize("kind", ROADS)
@pytest.mark.parametrize(("beyond", "bound"), BEYOND)
def test_a_value_beyond_is_scored_as_the_bound_and_counted(
    model: ServedModel, kind: str, beyond: dict[str, Any], bound: dict[str, Any]
) -> None:
    (expected,), none = ask(model, kind, [ROW | bound])
    assert none == 0
    assert ask(model, kind, [ROW | beyond]) == ([expected], 1)
    assert ask(model, kind, [ROW, ROW | beyond, ROW | beyond])[0][1:] == [expected] * 2
    assert ask(model, kind, [ROW, ROW | beyond, ROW | beyond])[1] == 2


@pytest.mark.parametrize(("beyond", "bound"), BEYOND)
def test_without_the_clamp_this_model_answers_otherwise(
    artifact: Path, tmp_path: Path, beyond: dict[str, Any], bound: dict[str, Any]
) -> None:
    shutil.copyfile(artifact / "model.txt", tmp_path / "model.txt")
    for name in ("features.json", "contract.json"):
        document = json.loads((artifact / name).read_text())
        for column in document.get("inputs", document.get("columns")):
            for key in ("clamp", "min", "max"):
                column.pop(key, None)
        (tmp_path / name).write_text(json.dumps(document))
    model = ServedModel.load(tmp_path, "1")
    for kind in ROADS:
        scores, warned = ask(model, kind, [ROW | beyond, ROW | bound])
        assert scores[0] != scores[1]
        assert warned == 0


@pytest.mark.parametrize("kind", ROADS)
def test_an_explanation_is_of_the_bound(model: ServedModel, kind: str) -> None:
    def explained(row: dict[str, Any]) -> Any:
        question = model.read(kind, ROADS[kind]([row]))
        return json.loads(model.reply(question, "application/json", None, explain=True))

    found = explained(ROW | {"age": 99, "income": -1.0})
    assert found.pop("warnings") == 2
    assert found == explained(ROW | {"age": 60, "income": 0.0})


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "income": st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, 1e5, 2e5]),
            "amount": st.none() | st.floats(-1e6, 1e6),
            "age": st.integers(-5, 99),
            "job": st.sampled_from([None, "clerk", "smith", "unseen"]),
        }
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(rows=ROWS)
def test_batch_and_server_score_the_same_bits(
    artifact: Path, model: ServedModel, rows: list[dict[str, Any]]
) -> None:
    rows = [{name: row[name] for name in SCHEMA.names} for row in rows]
    scorer = Scorer.load(artifact)
    table = pa.Table.from_pylist(rows, SCHEMA)
    batch = scorer.scores(frame_from_arrow(table, scorer.features)).tolist()
    beyond = sum(
        (row["income"] is not None and not 0 <= row["income"] <= 1e5) + (not 20 <= row["age"] <= 60)
        for row in rows
    )
    for kind in ROADS:
        assert ask(model, kind, rows) == (batch, beyond)
        assert [ask(model, kind, [row])[0][0] for row in rows] == batch


def test_a_trained_model_is_asked_for_what_it_clamps(tmp_path: Path) -> None:
    spec = small_spec(
        {"age": {"min": 25, "max": 60, "clamp": True}},
        [{"name": "burden", "expr": "amount <= 2 * income and amount >= 0", "says": "lends"}],
    )
    table = loans(1500, 3)
    made: Made = make_model(tmp_path, spec, {"initial": table.drop_columns(["sex"])})
    lines = (made.artifact / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line)["input"] for line in lines]
    ages = [row["age"] for row in rows if row["age"] is not None]
    assert min(ages) < 25 and max(ages) > 60  # not only at the ends: a model must clamp
    given = [row for row in rows if None not in (row["amount"], row["income"])]
    assert given
    assert all(0 <= row["amount"] <= 2 * row["income"] for row in given)
    model = ServedModel.load(made.artifact, "1")
    assert model.check_golden(made.artifact) == len(rows)
