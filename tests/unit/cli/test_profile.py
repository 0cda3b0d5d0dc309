"""`profile`: a page about any file that could be dropped, without a cloud."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from dropforge.cli.main import app
from sagemaker_jobs.report import file as reading
from tests.unit.jobs.test_reader_formats import workbook
from tests.unit.report.pages import check, shown


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["profile", *arguments])


def customers(rows: int = 400) -> pa.Table:
    rng = np.random.default_rng(4)
    tenure = rng.integers(0, 72, rows)
    return pa.table(
        {
            "customer_id": [f"C{n:05d}" for n in range(rows)],
            "tenure": tenure,
            "charge": np.round(rng.uniform(20, 120, rows), 2),
            "contract": rng.choice(["monthly", "yearly"], rows),
            "since": [f"2024-{n % 12 + 1:02d}-10" for n in range(rows)],
            "churn": np.where(rng.uniform(size=rows) < 0.6 - tenure / 150, "Yes", "No"),
        }
    )


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cloud, no credentials, an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def as_csv(table: pa.Table, separator: str = ",") -> bytes:
    sink = pa.BufferOutputStream()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(delimiter=separator))
    return bytes(sink.getvalue().to_pybytes())


def as_workbook(table: pa.Table) -> bytes:
    rows = [table.schema.names, *(list(row.values()) for row in table.to_pylist())]
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = [
            f'<c r="{letter}{number}"><v>{value}</v></c>'
            if isinstance(value, int | float)
            else f'<c r="{letter}{number}" t="inlineStr"><is><t>{value}</t></is></c>'
            for letter, value in zip("ABCDEF", row, strict=True)
        ]
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return workbook("".join(lines))


def written(extension: str, folder: Path) -> Path:
    table, path = customers(), folder / f"customers.{extension}"
    if extension == "parquet":
        pq.write_table(table, path)
    elif extension == "xlsx":
        path.write_bytes(as_workbook(table))
    elif extension == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in table.to_pylist()) + "\n")
    else:
        body = as_csv(table, "\t" if extension == "tsv" else ",")
        path.write_bytes(gzip.compress(body) if extension == "csv.gz" else body)
    return path


@pytest.mark.parametrize("extension", ["csv", "csv.gz", "tsv", "jsonl", "parquet", "xlsx"])
def test_every_format_gives_the_same_page(extension: str, tmp_path: Path) -> None:
    result = run(str(written(extension, tmp_path)), "--target", "churn")
    assert result.exit_code == 0, result.output
    assert "profile.html: 400 rows, 5 columns" in result.stdout
    assert result.stdout.split()[:4] == ["column", "type", "missing", "distinct"]
    text = shown((tmp_path / "profile.html").read_text(encoding="utf-8"))
    for word in ("tenure", "monthly", "churn (target)", "the share of churn = Yes", "2024-01"):
        assert word in text, word
    assert "C00001" not in text  # one row each


def test_a_project_says_types_target_and_what_is_personal(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    (project / "project.yml").write_text(
        "name: shop\ntarget: churn\nid: customer_id\npositive: 'No'\npersonal: [contract]\n"
    )
    (project / "features.yml").write_text("keep: [tenure, charge]\n")
    path = written("csv", tmp_path)
    result = run(str(path), "--project", str(project), "--out", "page.html")
    assert result.exit_code == 0, result.output
    text = shown((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "the share of churn = No" in text
    assert "monthly" not in text
    assert "personal" in text


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("churn", "the share of churn = Yes"),
        ("charge", "mean charge"),
        ("since", "the share of each class"),
    ],
)
def test_the_kind_of_target_is_seen_from_its_values(target: str, said: str, tmp_path: Path) -> None:
    assert run(str(written("csv", tmp_path)), "--target", target).exit_code == 0
    assert said in shown((tmp_path / "profile.html").read_text(encoding="utf-8"))


def test_without_a_target_there_is_no_relation(tmp_path: Path) -> None:
    result = run(str(written("csv", tmp_path)))
    assert result.exit_code == 0, result.output
    assert "goes with target" not in result.stdout
    page = (tmp_path / "profile.html").read_text(encoding="utf-8")
    check(page)
    assert "Goes with the target" not in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.csv"], "There is no file absent.csv"),
        (["notes.txt"], "notes.txt has no extension that is read"),
        (["customers.csv", "--target", "chrun"], "Column chrun is not in the file"),
        (["customers.csv", "--target", "customer_id"], "neither classes nor a number"),
        (["customers.csv", "--out", "."], "is a folder"),
        (["empty.csv"], "The file is empty"),
        (["none.csv"], "The file has a header but no rows"),
        (["customers.csv", "--project", "nowhere"], "No project 'nowhere'"),
    ],
)
def test_what_cannot_be_profiled_is_said(arguments: list[str], said: str, tmp_path: Path) -> None:
    written("csv", tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "none.csv").write_text("a,b\n")
    result = run(*arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (tmp_path / "profile.html").exists()


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    body = as_csv(customers()) + b'"C9",1\n'
    (tmp_path / "customers.csv").write_bytes(body)
    result = run("customers.csv")
    assert result.exit_code == 0, result.output
    assert "1 row could not be read" in result.stdout


def test_of_a_large_file_every_so_manieth_row_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_CELLS", 6 * 100)
    path = written("csv", tmp_path)
    read = reading.read_file(path)
    assert (read.rows, read.step, read.table.num_rows) == (400, 4, 100)
    kept = customers().column("customer_id").to_pylist()[::4]
    assert read.table.column("customer_id").to_pylist() == kept
