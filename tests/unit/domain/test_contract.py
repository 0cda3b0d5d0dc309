from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from dropforge.contract import ColumnSpec, ContractSpec
from dropforge.errors import InvalidProject
from dropforge.inferred import contract_yaml, infer_contract
from dropforge.project import parse_project
from dropforge.project_folder import load_project
from dropforge.rules import RuleError, parse_rule

KINDS = {
    "age": "integer",
    "total": "number",
    "status": "string",
    "opened": "date",
    "closed": "date",
    "active": "boolean",
    "monthly charges": "number",
}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("18 <= age < 120", ("age",)),
        ("total >= 0.9 * col('monthly charges') - 5 / age", ("total", "monthly charges", "age")),
        ("status in ['open', 'closed'] or is_missing(status)", ("status",)),
        ("age not in [-1, 999]", ("age",)),
        ("opened <= closed and closed - opened < 31", ("opened", "closed")),
        ("'2020-10-01' <= opened", ("opened",)),
        ("not active or length(status) == 4", ("active", "status")),
        ("active == true and abs(-total) > +1", ("active", "total")),
    ],
)
def test_conditions_over_columns_are_understood(text: str, columns: tuple[str, ...]) -> None:
    assert parse_rule(text, KINDS).columns == columns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age >", "character 6: invalid syntax"),
        ("age > 1 and agee > 2", "character 13: the contract has no column agee"),
        ("Age > 1", "there is age: names are case-sensitive"),
        ("age > status", "character 7: a number is compared with a text"),
        ("age > '3'", "character 7: a number is compared with a text"),
        ("status + 1 > 2", "character 1: a number is needed, this is a text"),
        ("age", "a condition is needed, this is a number"),
        ("opened > 'soon'", 'a date is written "2020-10-01"'),
        ("active < true", "true and false have no order"),
        ("status in status", "character 11: in needs a list"),
        ("age in [1, 'a']", "character 12: a number is needed"),
        ("age in [age]", "constants only"),
        ("status is None", "is not allowed"),
        ("__import__('os').system('x') == 0", "Call is not allowed"),
        ("eval('1') == 1", "there is no function eval"),
        ("age ** 2 > 1", "BinOp is not allowed"),
        ("status.upper() == 'A'", "Call is not allowed"),
        ("length(age) > 1", "a text is needed"),
        ("abs(age, age) > 1", "abs takes one argument"),
        ("col(age) > 1", "one quoted column name"),
        ("1 < 2", "reads no column"),
        ("age > " + "1" * 1000, "longer than"),
    ],
)
def test_a_rule_that_is_not_understood_says_where(text: str, message: str) -> None:
    with pytest.raises(RuleError) as error:
        parse_rule(text, KINDS)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"type": "integer", "min": 5, "max": 1}, "greater than max"),
        ({"type": "date", "min": "2021-01-01", "max": "2020-01-01"}, "greater than max"),
        ({"type": "date", "min": 5}, "date like 2020-10-01"),
        ({"type": "integer", "min": "2020-01-01"}, "must be a number"),
        ({"type": "string", "max": 3}, "no meaning for type string"),
        ({"type": "number", "allowed": [1, "two"]}, "'two', but the type is number"),
        ({"type": "string", "allowed": [True]}, "in quotes"),
        ({"type": "boolean", "allowed": ["yes"]}, "type is boolean"),
        ({"type": "number", "pattern": "a"}, "needs type string"),
        ({"type": "string", "pattern": "("}, "no regular expression"),
        ({"type": "string", "max_missing": 1.5}, "max_missing"),
        ({"type": "string", "minimum": 1}, "minimum"),
        ({"type": "string", "clamp": True}, "clamp is for numbers, the type is string"),
        ({"type": "date", "min": "2020-01-01", "clamp": True}, "the type is date"),
        ({"type": "number", "clamp": True}, "clamp needs a bound"),
        ({"type": "number", "max": float("inf"), "clamp": True}, "finite"),
        ({"type": "number", "min": float("nan"), "clamp": True}, "finite"),
        ({"type": "integer", "max": 10**400, "clamp": True}, "finite"),
        ({"type": "integer", "max": 0.5, "clamp": True}, "whole numbers"),
        ({"type": "integer", "max": 2**53 + 2, "clamp": True}, "whole numbers"),
        ({"type": "integer", "min": 1, "allowed": [1], "clamp": True}, "near none of them"),
        ({"type": "integer", "min": 1, "role": "target", "clamp": True}, "role target stays"),
        ({"type": "integer", "min": 1, "role": "ignored", "clamp": True}, "role ignored stays"),
    ],
)
def test_a_column_that_contradicts_itself_is_named(column: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        ContractSpec.model_validate({"columns": {"tenure": column}})
    assert message in str(error.value)
    assert "columns.tenure" in str(error.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"rules": [{"name": "a", "expr": "x > 1"}, {"name": "a", "expr": "x > 2"}]}, "two rules"),
        ({"unique": [{"columns": ["y"]}]}, "not there: y"),
        ({"file": {"min_rows": 5, "max_rows": 2}}, "greater than max_rows"),
        ({"file": {"freshness": 3}}, "role: time"),
        ({"rules": [{"name": "a", "expr": "old > 1"}]}, "no column old"),
    ],
)
def test_the_parts_of_a_contract_fit_together(more: dict[str, Any], message: str) -> None:
    columns = {"x": {"type": "number"}, "old": {"type": "number", "role": "ignored"}}
    with pytest.raises(ValidationError, match=message):
        ContractSpec.model_validate({"columns": columns, **more})


def write(folder: Path, contract: str, project: str = "") -> Path:
    text = f"name: churn\ntarget: churn\nid: customer_id\n{project}"
    folder.joinpath("project.yml").write_text(text)
    folder.joinpath("features.yml").write_text("keep: [tenure]\n")
    folder.joinpath("contract.yml").write_text(contract)
    return folder


def test_a_contract_survives_storage(tmp_path: Path) -> None:
    spec = load_project(
        write(
            tmp_path,
            "columns:\n"
            "  customer_id: {type: string, role: id}\n"
            "  tenure: {type: integer, min: 0, max: 100, on_break: warn}\n"
            "  opened: {type: date, role: time, min: 2020-10-01}\n"
            "rules: [{name: young, expr: tenure < 90}]\n"
            "file: {freshness: 40, new_columns: refuse}\n",
        )
    )
    assert spec.contract is not None
    assert spec.contract.columns["opened"].min == "2020-10-01"
    assert spec.contract.time_column == "opened"
    assert parse_project(spec.canonical_json()) == spec


def test_a_broken_rule_names_the_file_the_rule_and_the_place(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        "columns: {tenure: {type: integer}}\n"
        "rules: [{name: sane, expr: tenure > 0 and agee < 3}]\n",
    )
    with pytest.raises(InvalidProject) as error:
        load_project(folder)
    assert "contract.yml:2:43: rules.0.expr: " in str(error.value)
    assert "rule 'sane'" in str(error.value)
    assert "character 16: the contract has no column agee" in str(error.value)


def test_a_clamp_without_a_range_names_the_file_the_line_and_the_key(tmp_path: Path) -> None:
    contract = "columns:\n  tenure: {type: integer}\n  age:\n    type: integer\n    clamp: true\n"
    with pytest.raises(InvalidProject) as error:
        load_project(write(tmp_path, contract))
    assert "contract.yml:5:12: columns.age.clamp: clamp needs a bound" in str(error.value)


def test_what_the_project_calls_its_target_is_not_clamped(tmp_path: Path) -> None:
    columns = "columns:\n  tenure: {type: integer}\n  churn: {type: integer, max: 1, clamp: true}\n"
    with pytest.raises(InvalidProject) as error:
        load_project(write(tmp_path, columns))
    assert "contract.yml:3:41: columns.churn.clamp: churn is the target" in str(error.value)


@pytest.mark.parametrize(
    ("column", "bounds"),
    [
        ({"min": 0, "max": 9, "clamp": True}, (0.0, 9.0)),
        ({"min": 0, "clamp": True}, (0.0, float("inf"))),
        ({"max": 9, "clamp": True, "role": "protected"}, (float("-inf"), 9.0)),
        ({"min": 0, "max": 9}, None),
    ],
)
def test_a_contract_says_what_is_clamped_to_what(column: dict[str, Any], bounds: object) -> None:
    contract = ContractSpec.model_validate({"columns": {"x": {"type": "integer", **column}}})
    assert contract.clamps == ({"x": bounds} if bounds else {})


def test_spans_of_time_are_written_in_days(tmp_path: Path) -> None:
    contract = "columns: {tenure: {type: integer}}\n"
    spec = load_project(write(tmp_path, contract, "label_maturity: 90d\nretention: 30d\n"))
    assert (spec.label_maturity_days, spec.retention_days) == (90, 30)
    with pytest.raises(InvalidProject, match="label_maturity"):
        load_project(write(tmp_path, contract, "label_maturity: 3 weeks\n"))


def test_rules_say_what_they_ask() -> None:
    assert ColumnSpec(type="integer", min=0, max=9).range_says == "must be between 0 and 9"
    assert ColumnSpec(type="integer", min=0).range_says == "must be at least 0"
    assert ColumnSpec(type="integer", max=9).range_says == "must be at most 9"
    many = ColumnSpec(type="integer", allowed=list(range(13)))
    assert many.allowed_says == "must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"


def test_a_first_contract_is_written_from_evidence_and_read_back() -> None:
    contract = infer_contract(
        {
            "no": "number",
            "left": "number",
            "pay, monthly": "number",
            "yes": "string",
            "sex": "string",
        },
        id="no",
        target="left",
        missing={"pay, monthly": 0, "yes": 3, "left": 0},
        protected=["sex"],
    )
    assert contract.columns["no"] == ColumnSpec(
        type="string", role="id", nullable=False, personal=True
    )
    assert contract.columns["left"] == ColumnSpec(type="string", role="target")
    assert contract.columns["sex"].role == "protected"
    text = contract_yaml(contract, {"pay, monthly": (0, 17.5), "no": ("a", "b")})
    assert "# seen: 0 to 17.5" in text and "seen: a" not in text
    assert ContractSpec.model_validate(yaml.safe_load(text)) == contract
