"""Contracts over real files: the reader and the rules together."""

from pathlib import Path
from typing import Any

import pytest

from dropforge.project_folder import load_project
from sagemaker_jobs.accept.columns import expect_columns
from sagemaker_jobs.accept.staged import Staged
from sagemaker_jobs.accept.staging import stage_rows
from sagemaker_jobs.reader.files import open_file
from sagemaker_jobs.reader.problems import Refused
from sagemaker_jobs.reader.spool import spool
from tests.unit.jobs.conftest import as_csv, loans, make_spec

ROOT = Path(__file__).resolve().parents[3]
COLUMNS: dict[str, Any] = {
    "loan_id": {"type": "string", "role": "id", "nullable": False, "personal": True},
    "default": {"type": "integer", "role": "target", "allowed": [0, 1]},
    "income": {"type": "number", "min": 0},
    "amount": {"type": "number", "nullable": False},
    "age": {"type": "integer", "min": 18, "max": 80},
    "job": {"type": "string", "allowed": ["clerk", "nurse", "smith", "NA"]},
    "sex": {"type": "string", "pattern": "[fm]", "role": "protected"},
}
RULES = [{"name": "burden", "expr": "amount <= 3.1 * income", "says": "lends too much"}]


def staged(body: bytes, folder: Path, **changes: Any) -> Staged:
    contract = {"columns": COLUMNS, "rules": RULES, "file": {"max_missing": 0.2}}
    spec = make_spec(**{"contract": contract, **changes})
    source = open_file(spool([body], folder / "file", "csv", "utf-8"))
    return stage_rows(spec, source, expect_columns(spec, source, None), folder)


def test_a_good_file_passes_every_rule(tmp_path: Path) -> None:
    table = loans(5000, 3)
    rows = staged(as_csv(table), tmp_path)
    assert (rows.rows, rows.rejected.count, rows.warnings) == (5000, 0, [])
    assert rows.ids().to_pylist() == table.column("loan_id").to_pylist()
    assert rows.positives == sum(table.column("default").to_pylist())


def test_every_fault_of_a_file_is_found_in_one_pass_by_line(tmp_path: Path) -> None:
    lines = as_csv(loans(40, 3)).decode().splitlines()
    head = lines[0].split(",")

    def change(line: int, column: str, value: str) -> None:
        fields = lines[line - 1].split(",")
        fields[head.index(column)] = value
        lines[line - 1] = ",".join(fields)

    change(5, "age", "17")
    change(7, "age", "young")
    change(9, "job", "pilot")
    change(11, "sex", "ff")
    change(13, "amount", "")
    change(15, "loan_id", "0000001")
    change(17, "income", "1")
    change(19, "default", "2")
    lines[20] += ",more"
    with pytest.raises(Refused) as refused:
        staged("\n".join(lines).encode(), tmp_path)
    found = [(reason.line, reason.code, reason.column) for reason in refused.value.reasons]
    assert found == [
        (5, "range", "age"),
        (7, "type", "age"),
        (9, "not_allowed", "job"),
        (11, "pattern", "sex"),
        (13, "null", "amount"),
        (15, "duplicate_id", "loan_id"),
        (17, "rule", None),
        (19, "not_allowed", "default"),
        (21, "ragged_row", None),
    ]
    assert [row.line for row in refused.value.rows] == [5, 7, 9, 11, 13, 15, 17, 19, 21]
    assert refused.value.rows[1].fields == tuple(lines[6].split(","))
    rows = staged("\n".join(lines).encode(), tmp_path, max_rejected_share=0.3)
    assert (rows.rows, rows.rejected.count) == (31, 9)


def test_what_is_clamped_is_kept_as_it_stands_and_counted(tmp_path: Path) -> None:
    lines = as_csv(loans(40, 3)).decode().splitlines()
    age = lines[0].split(",").index("age")
    for line, value in ((5, "17"), (7, "81"), (9, "-200"), (11, "80"), (13, "")):
        fields = lines[line - 1].split(",")
        lines[line - 1] = ",".join([*fields[:age], value, *fields[age + 1 :]])
    clamped = COLUMNS | {"age": {"type": "integer", "min": 18, "max": 80, "clamp": True}}
    rows = staged("\n".join(lines).encode(), tmp_path, contract={"columns": clamped})
    assert (rows.rows, rows.rejected.count) == (40, 0)
    assert rows.warnings == [
        "Line 5, column age: must be between 18 and 80; models take the bound for it "
        "(also lines 7, 9)."
    ]
    ages = [value for batch in rows.batches() for value in batch.column("age").to_pylist()]
    assert [ages[line - 2] for line in (5, 7, 9, 11, 13)] == [17, 81, -200, 80, None]


def test_a_negative_zero_is_zero_to_every_rule(tmp_path: Path) -> None:
    lines = as_csv(loans(20, 3)).decode().splitlines()
    income = lines[0].split(",").index("income")
    fields = lines[3].split(",")
    lines[3:] = [",".join([*fields[:income], "-0.0", *fields[income + 1 :]])]
    columns = COLUMNS | {"income": {"type": "number", "allowed": [0]}}
    contract = {"columns": columns, "rules": [{"name": "none", "expr": "income in [0, 1]"}]}
    rows = staged("\n".join([lines[0], lines[3]]).encode(), tmp_path, contract=contract)
    assert (rows.rows, rows.warnings) == (1, [])


@pytest.mark.parametrize("name", ["churn", "credit", "home_credit"])
def test_the_examples_contracts_are_understood(name: str) -> None:
    load_project(ROOT / "projects" / name)
