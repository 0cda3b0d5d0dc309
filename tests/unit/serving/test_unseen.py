"""A text that training has not seen: what the contract says of it, and else what `encode` says."""

import json
from pathlib import Path
from typing import Any

import pytest

from sagemaker_jobs.features.rows import RowRefused
from sagemaker_jobs.serving.model import ServedModel
from tests.unit.serving.small import ROADS, small_spec, write_small

ROW: dict[str, Any] = {"income": 5e4, "amount": 2e4, "age": 40, "job": "clerk"}
SEEN, UNSEEN = ROW, ROW | {"job": "baker"}
MANY = [SEEN, UNSEEN, SEEN, UNSEEN]
ENCODINGS: list[Any] = ["native", "one_hot", "ordinal", {"ordinal": ["nurse", "clerk"]}]

CONTRACTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "allowed": {"allowed": ["clerk", "nurse", "smith", "NA", "baker", "pilot"]},
    "refused": {"allowed": ["clerk", "nurse", "smith", "NA"]},
    "counted": {"allowed": ["clerk", "nurse", "smith", "NA"], "on_break": "warn"},
}


@pytest.fixture(scope="module", params=ENCODINGS, ids=str)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, ServedModel]:
    """A model an encoding, with every contract."""
    models = {}
    for name, rules in CONTRACTS.items():
        folder = tmp_path_factory.mktemp(name)
        write_small(folder, small_spec({"job": rules}, encode={"job": request.param}))
        models[name] = ServedModel.load(folder, "1")
    return models


def ask(model: ServedModel, kind: str, rows: list[dict[str, Any]]) -> tuple[list[float], int]:
    question = model.read(kind, ROADS[kind](rows))
    answer = json.loads(model.reply(question, "application/json", None))
    return [item["score"] for item in answer["predictions"]], question.warnings


@pytest.mark.parametrize("kind", ROADS)
@pytest.mark.parametrize("contract", ["nothing", "allowed"])
def test_without_a_rule_against_it_it_is_what_encode_says(
    served: dict[str, ServedModel], contract: str, kind: str
) -> None:
    model = served[contract]
    (score,), warned = ask(model, kind, [UNSEEN])
    assert warned == 0
    (other,), _ = ask(model, kind, [ROW | {"job": "pilot"}])
    assert score == other  # one that training has not seen is like the other
    assert ask(model, kind, MANY)[0] == [*ask(model, kind, [SEEN])[0], score] * 2


@pytest.mark.parametrize("kind", ROADS)
def test_a_rule_refuses_it(served: dict[str, ServedModel], kind: str) -> None:
    for rows, row in (([UNSEEN], 1), (MANY, 2)):
        with pytest.raises(RowRefused) as caught:
            ask(served["refused"], kind, rows)
        error = caught.value
        assert (error.row, error.column, error.rule) == (row, "job", "allowed")
        assert error.value == "baker"
    assert ask(served["refused"], kind, [SEEN, ROW | {"job": None}])[1] == 0


@pytest.mark.parametrize("kind", ROADS)
def test_a_rule_that_warns_counts_it_and_it_is_what_encode_says(
    served: dict[str, ServedModel], kind: str
) -> None:
    assert ask(served["counted"], kind, [UNSEEN]) == (
        ask(served["nothing"], kind, [UNSEEN])[0],
        1,
    )
    assert ask(served["counted"], kind, MANY) == (ask(served["nothing"], kind, MANY)[0], 2)


def test_to_a_native_column_it_is_a_missing_value(tmp_path: Path) -> None:
    model = ServedModel.load(write_small(tmp_path, small_spec({})), "1")
    missing = ask(model, "text/csv", [ROW | {"job": None}])
    assert ask(model, "text/csv", [UNSEEN]) == missing
    assert ask(model, "text/csv", [ROW | {"job": "smith"}]) != missing
