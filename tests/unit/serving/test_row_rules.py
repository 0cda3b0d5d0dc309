"""Rules over rows at the endpoint: which are asked, what is refused, what is said of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.artifact.contract import write_contract
from sagemaker_jobs.boosting.scorer import Output
from sagemaker_jobs.features.frame import PERIOD, Input
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.serving.reading import Question
from sagemaker_jobs.serving.refusals import RuleBroken, document_of
from sagemaker_jobs.serving.requests import CSV, JSON, JSON_LINES, RequestReader
from tests.unit.jobs.conftest import make_spec

COLUMNS: dict[str, Any] = {
    "loan_id": {"type": "string", "role": "id"},
    "income": {"type": "number"},
    "amount": {"type": "number", "max": 1000, "clamp": True},
    "age": {"type": "integer", "personal": True},
    "job": {"type": "string"},
    "opened": {"type": "date"},
    "member": {"type": "boolean"},
    "sex": {"type": "string", "role": "protected"},
    "default": {"type": "string", "role": "target"},
}
RULES = [
    {"name": "burden", "expr": "amount <= 3 * income", "says": "lends too much"},
    {"name": "grown", "expr": "age >= 18 or job == 'pupil'"},
    {"name": "new", "expr": "not member or opened >= '2020-01-01'", "on_break": "refuse_file"},
    {"name": "odd", "expr": "length(job) < 9", "on_break": "warn"},
    {"name": "lucky", "expr": "default == '0' or age > 20"},
    {"name": "fair", "expr": "not is_missing(sex)"},
]
INPUTS = (
    Input("income", "number"),
    Input("job", "string", ("clerk", "nurse")),
    Input("amount", "number", clamp=(float("-inf"), 1000.0)),
    Input("age", "integer"),
    Input("opened", "date"),
    Input("member", "boolean"),
)
ROW: dict[str, Any] = {
    "income": 500.0, "job": "clerk", "amount": 900.0, "age": 30, "opened": "2021-05-01",
    "member": True,
}  # fmt: skip


def written(
    folder: Path, inputs: tuple[Input, ...] = INPUTS, rules: list[dict[str, Any]] = RULES
) -> dict[str, Any]:
    spec = make_spec(contract={"columns": COLUMNS, "rules": rules})
    features = FittedFeatures(inputs, {}, (), tuple(column.name for column in inputs))
    write_contract(folder, spec, features, Output("binary", threshold=0.5))
    document: dict[str, Any] = json.loads((folder / "contract.json").read_text())
    return document


@pytest.fixture
def reader(tmp_path: Path) -> RequestReader:
    features = FittedFeatures(INPUTS, {}, (), tuple(column.name for column in INPUTS))
    return RequestReader(written(tmp_path), features)


def as_json(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows).encode()


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows)


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    lines = [",".join("" if v is None else str(v) for v in row.values()) for row in rows]
    return "\n".join([",".join(rows[0]), *lines]).encode()


ROADS = [(JSON, as_json), (JSON_LINES, as_lines), (CSV, as_csv)]


def ask(reader: RequestReader, *rows: dict[str, Any], road: int = 0) -> Question:
    kind, body = ROADS[road]
    return reader.read(kind, body([ROW | row for row in rows]))


BROKEN: list[tuple[dict[str, Any], str, str, dict[str, Any]]] = [
    (
        {"amount": 950.0, "income": 300},
        "burden",
        "columns amount, income: lends too much",
        {"amount": 950.0, "income": 300.0},
    ),
    (
        {"age": 17},
        "grown",
        "columns age, job: breaks the rule grown: age >= 18 or job == 'pupil'",
        {"age": 17, "job": "clerk"},
    ),
    (
        {"age": 17, "job": "baker"},
        "grown",
        "columns age, job: breaks the rule grown: age >= 18 or job == 'pupil'",
        {"age": 17, "job": "baker"},
    ),
    (
        {"opened": "2019-12-31"},
        "new",
        "columns member, opened: breaks the rule new: not member or opened >= '2020-01-01'",
        {"member": True, "opened": "2019-12-31"},
    ),
]


@pytest.mark.parametrize(("change", "rule", "says", "values"), BROKEN)
@pytest.mark.parametrize("road", range(3))
@pytest.mark.parametrize("before", [0, 2])
def test_a_broken_rule_names_row_rule_and_columns(
    reader: RequestReader,
    change: dict[str, Any],
    rule: str,
    says: str,
    values: dict[str, Any],
    road: int,
    before: int,
) -> None:
    with pytest.raises(RuleBroken) as caught:
        ask(reader, *[{}] * before, change, change, road=road)
    error = caught.value
    assert (error.row, error.rule, error.values) == (before + 1, rule, values)
    assert error.message == f"Row {before + 1}, {says}."


def test_values_are_shown_of_columns_that_are_not_personal(reader: RequestReader) -> None:
    with pytest.raises(RuleBroken) as caught:
        ask(reader, {"age": 17, "job": "b" * 80})
    document = document_of(caught.value, frozenset({"income", "job"}))
    assert document == {
        "error": "RuleBroken",
        "message": caught.value.message,
        "row": 1,
        "columns": ["age", "job"],
        "rule": "grown",
        "values": {"job": "b" * 50},
    }
    assert "17" not in document["message"]
    assert "values" not in document_of(caught.value, frozenset())


KEPT: list[dict[str, Any]] = [
    {},
    {"age": 17, "job": "pupil"},
    {"income": None},
    {"age": None},
    {"member": None, "opened": "2000-01-01"},
    {"member": False, "opened": "2000-01-01"},
    {"job": None},
]


@pytest.mark.parametrize("change", KEPT)
@pytest.mark.parametrize("road", range(3))
def test_what_keeps_the_rules_is_read(
    reader: RequestReader, change: dict[str, Any], road: int
) -> None:
    assert ask(reader, change, road=road).warnings == 0
    assert ask(reader, change, change, road=road).warnings == 0


@pytest.mark.parametrize("road", range(3))
def test_rows_that_break_a_rule_that_warns_are_counted(reader: RequestReader, road: int) -> None:
    long = {"job": "astronaut"}
    assert ask(reader, long, road=road).warnings == 1
    assert ask(reader, long, {}, long, road=road).warnings == 2


def test_a_value_before_a_row_and_the_first_row_first(reader: RequestReader) -> None:
    with pytest.raises(RuleBroken, match="Row 1") as caught:
        ask(reader, {"age": 17, "opened": "2001-01-01"}, {"amount": 990.0, "income": 1})
    assert caught.value.rule == "grown"


def test_a_rule_looks_at_what_came_and_not_at_the_bound(reader: RequestReader) -> None:
    assert ask(reader, {"amount": 1400.0}).warnings == 1  # clamped to 1000
    with pytest.raises(RuleBroken) as caught:
        ask(reader, {"amount": 1600.0})
    assert caught.value.values == {"amount": 1600.0, "income": 500.0}


def test_a_rule_is_asked_if_requests_carry_its_columns(tmp_path: Path) -> None:
    rules = {rule["name"]: rule for rule in written(tmp_path)["rules"]}
    assert {name: rule["asked"] for name, rule in rules.items()} == {
        "burden": True, "grown": True, "new": True, "odd": True, "lucky": False, "fair": False,
    }  # fmt: skip
    assert rules["burden"] == {
        "name": "burden", "expr": "amount <= 3 * income", "says": "lends too much",
        "on_break": "reject_row", "columns": ["amount", "income"], "asked": True,
    }  # fmt: skip
    assert rules["lucky"]["columns"] == ["default", "age"]


def test_a_rule_over_another_type_than_the_models_is_not_asked(tmp_path: Path) -> None:
    inputs = (Input("age", "string", ("18",)), Input("job", "string"), Input(PERIOD, "date"))
    rules = {rule["name"]: rule["asked"] for rule in written(tmp_path, inputs)["rules"]}
    assert rules == dict.fromkeys(rules, False) | {"odd": True}


def test_a_contract_without_rules_says_nothing_of_them(tmp_path: Path) -> None:
    assert "rules" not in written(tmp_path, rules=[])


def test_a_rule_that_does_not_fit_the_features_is_a_broken_artifact(tmp_path: Path) -> None:
    document = written(tmp_path)
    features = FittedFeatures(INPUTS[1:2], {}, (), ("job",))
    with pytest.raises(ArtifactBroken, match=r"The rule burden of contract\.json does not fit"):
        RequestReader(document, features)
