"""From contract.yml to contract.json to golden rows that the endpoint lets pass."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_jobs.artifact.conforming import conforming
from sagemaker_jobs.artifact.contract import write_contract
from sagemaker_jobs.boosting.scorer import Output
from sagemaker_jobs.features.frame import Input
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.rows import RowRefused
from sagemaker_jobs.serving.requests import JSON, RequestReader
from tests.unit.jobs.conftest import Made, loans, make_model, make_spec

COLUMNS: dict[str, Any] = {
    "loan_id": {"type": "string", "role": "id", "nullable": False},
    "income": {"type": "number", "min": 0, "max": 1e6},
    "amount": {"type": "number", "nullable": False, "min": 0},
    "age": {"type": "integer", "min": 18, "max": 100, "personal": True},
    "job": {"type": "string", "allowed": ["clerk", "nurse", "smith", "NA"], "on_break": "warn"},
    "sex": {"type": "string", "role": "protected"},
    "default": {"type": "string", "role": "target"},
}
SPEC = make_spec(contract={"columns": COLUMNS})
INPUTS = (
    Input("income", "number"),
    Input("amount", "number"),
    Input("age", "integer"),
    Input("job", "string", ("clerk", "nurse")),
)


def written(folder: Path, inputs: tuple[Input, ...] = INPUTS) -> list[dict[str, Any]]:
    features = FittedFeatures(inputs, {}, (), tuple(column.name for column in inputs))
    write_contract(folder, SPEC, features, Output("binary", threshold=0.5))
    columns: list[dict[str, Any]] = json.loads((folder / "contract.json").read_text())["columns"]
    return columns


def test_the_columns_carry_the_rules_in_the_words_of_the_contract(tmp_path: Path) -> None:
    income, amount, age, job = written(tmp_path)
    assert income == {
        "name": "income", "type": "number", "min": 0, "max": 1e6, "on_break": "reject_row",
        "personal": False,
    }  # fmt: skip
    assert (amount["nullable"], amount["min"]) == (False, 0)
    assert age["personal"] is True
    assert (job["allowed"][-1], job["on_break"]) == ("NA", "warn")


def test_a_clamp_is_what_the_features_clamp(tmp_path: Path) -> None:
    bounds = (float("-inf"), 1e6)
    income, *_ = written(tmp_path, (Input("income", "number", clamp=bounds), *INPUTS[1:]))
    assert income["clamp"] is True
    assert (income["min"], income["max"]) == (0, 1e6)


def test_rules_of_another_type_than_the_models_are_left_out(tmp_path: Path) -> None:
    (age,) = written(tmp_path, (Input("age", "string", ("18",)),))
    assert age == {"name": "age", "type": "string", "personal": True}


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_model(tmp_path_factory.mktemp("ruled"), SPEC, {"initial": loans(1500, 3)})


def test_a_trained_models_golden_rows_keep_its_contract(ruled: Made) -> None:
    lines = (ruled.artifact / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line)["input"] for line in lines]
    assert {row["amount"] is None for row in rows} == {False}
    assert {row["age"] for row in rows} >= {None, 18, 100}
    assert max(row["income"] for row in rows if row["income"] is not None) == 1e6
    assert any(row["job"] not in (None, *COLUMNS["job"]["allowed"]) for row in rows)


RULES = st.fixed_dictionaries(
    {"on_break": st.sampled_from(["reject_row", "refuse_file"])},
    optional={"nullable": st.just(False), "min": st.integers(-5, 5), "max": st.integers(5, 9)},
)
VALUE = st.none() | st.integers(-20, 20)
TEXT_RULES = st.fixed_dictionaries(
    {"on_break": st.just("reject_row")},
    optional={
        "nullable": st.just(False),
        "allowed": st.lists(st.sampled_from(["clerk", "nurse", "smith"]), min_size=1, unique=True),
    },
)
DAYS = st.none() | st.dates().map(str)


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "n": VALUE,
                "x": VALUE | st.floats(-99, 99),
                "job": st.sampled_from([None, "clerk", "z"]),
                "day": DAYS,
                "free": VALUE,
            }
        ),
        min_size=1,
        max_size=6,
    ),
    rules=st.tuples(RULES, RULES, TEXT_RULES),
    bounds=st.tuples(st.dates(), st.dates()).map(sorted),
)
def test_conforming_rows_are_never_refused(
    rows: list[dict[str, Any]], rules: tuple[dict[str, Any], ...], bounds: list[Any]
) -> None:
    kinds: dict[str, Any] = {"n": "integer", "x": "number", "job": "string"}
    columns = [
        {"name": name, "type": kinds[name], **rule} for name, rule in zip(kinds, rules, strict=True)
    ]
    low, high = map(str, bounds)
    columns.append(
        {"name": "day", "type": "date", "nullable": False, "on_break": "reject_row", "min": low}
        | {"max": high}
    )
    inputs = [
        Input(name, kind, ("clerk",) if kind == "string" else ()) for name, kind in kinds.items()
    ]
    inputs += [Input("day", "date"), Input("free", "integer")]
    features = FittedFeatures(tuple(inputs), {}, (), tuple(c.name for c in inputs))
    reader = RequestReader({"id": "id", "ignored": [], "columns": columns}, features)
    changed = conforming(rows, columns)
    assert reader.read(JSON, json.dumps(changed).encode()).warnings == 0
    for before, after in zip(rows, changed, strict=True):
        assert after["free"] == before["free"]
        try:
            reader.read(JSON, json.dumps(before).encode())
        except RowRefused:
            continue
        assert after == before  # what was allowed is as it was


def test_a_pattern_is_kept_by_the_values_that_others_have() -> None:
    columns = [{"name": "zip", "type": "string", "pattern": r"\d+", "on_break": "reject_row"}]
    rows: list[dict[str, Any]] = [{"zip": "unseen"}, {"zip": "12"}, {"zip": None}]
    assert conforming(rows, columns) == [{"zip": "12"}, {"zip": "12"}, {"zip": None}]


def test_rules_that_warn_are_left_to_be_broken() -> None:
    columns = [{"name": "n", "type": "integer", "min": 3, "on_break": "warn"}]
    assert conforming([{"n": 1}], columns) == [{"n": 1}]
