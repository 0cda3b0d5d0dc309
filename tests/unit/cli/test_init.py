"""`init`: a file becomes a valid project; nothing is written where something is wrong."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dropforge.project import ProjectSpec
from dropforge.project_folder import load_project
from sagemaker_jobs.accept.columns import expect_columns
from sagemaker_jobs.accept.staged import Staged
from sagemaker_jobs.accept.staging import stage_rows
from sagemaker_jobs.reader.files import open_file
from sagemaker_jobs.reader.spool import spool

from .conftest import Dropforge

CITIES = ("Rome", "Kobe", "Lima")


def write_csv(path: Path, target: list[str], sep: str = ",", decimal: str = ".") -> Path:
    header = sep.join(["id", "y", "pay", "code", "city", "member", "joined", "mail", "one"])
    rows = [
        sep.join(
            [
                f"{n:04d}",
                outcome,
                "" if n == 3 else f"{n}{decimal}5",
                f"0{n}",
                CITIES[n % 3],
                ["true", "false"][n % 2],
                f"2020-01-{n % 28 + 1:02d}",
                f"p{n}@x.example",
                "7",
            ]
        )
        for n, outcome in enumerate(target)
    ]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(dropforge: Dropforge, file: Path, *options: str, fails: bool = False) -> str:
    arguments = ["init", "new", "--from", str(file), "--target", "y", "--id", "id", *options]
    result = dropforge(*arguments)
    assert (result.exit_code != 0) == fails, result.stderr
    return result.stderr if fails else result.stdout


def spec_of(folder: str = "projects/new") -> ProjectSpec:
    return load_project(Path(folder))


def as_the_intake_reads(spec: ProjectSpec, file: Path, folder: Path) -> Staged:
    extension = file.name.partition(".")[2]
    source = open_file(spool([file.read_bytes()], folder / "spooled", extension, spec.encoding))
    return stage_rows(spec, source, expect_columns(spec, source, None), folder)


def test_a_csv_file_becomes_a_project(dropforge: Dropforge, here: Path) -> None:
    file = write_csv(here / "customers.csv", ["Yes", "No", "No", "No"] * 9 + ["No", "No", "", ""])
    said = init(dropforge, file)
    spec = spec_of()
    assert (spec.task, spec.positive, spec.period) == ("binary", "Yes", "month")
    assert spec.features.groups == {
        "numbers": ["pay", "member"],
        "categories": ["city"],
        "dates": ["joined"],
    }
    assert spec.features.selected == ["pay", "member", "city"]
    assert spec.contract is not None
    types = {name: column.type for name, column in spec.contract.columns.items()}
    assert types == {
        "id": "string",
        "y": "string",
        "pay": "number",
        "code": "string",
        "city": "string",
        "member": "boolean",
        "joined": "date",
        "mail": "string",
        "one": "number",
    }
    ignored = [n for n, c in spec.contract.columns.items() if c.role == "ignored"]
    assert ignored == ["code", "mail"]
    required = [n for n, c in spec.contract.columns.items() if not c.nullable]
    assert required == ["id", "city", "member", "joined", "one"]
    assert spec.personal_columns == ["id"]
    contract = (here / "projects/new/contract.yml").read_text()
    assert "seen: 0.5 to 39.5" in contract and "seen: 2020-01-01 to 2020-01-28" in contract
    assert "p1@x.example" not in contract + said
    assert "left out: code, mail, one" in said
    commands = [line.strip() for line in said.splitlines()[-4:]]
    assert commands == [
        "dropforge validate new",
        "dropforge push new",
        f"cp {file} initial.csv",
        "dropforge drop initial.csv --project new",
    ]
    assert dropforge("validate", "new").exit_code == 0
    rows = as_the_intake_reads(spec, file, here)
    assert (rows.rows, rows.rejected.count, rows.positives) == (40, 0, 9)
    assert [warning for warning in rows.warnings if "contract" not in warning] == []


def test_a_file_that_the_intake_would_quarantine_is_said(dropforge: Dropforge, here: Path) -> None:
    file = write_csv(here / "a.csv", ["1", "0", "0", ""] * 10)
    with file.open("a") as stream:
        stream.write("0099,1\n")
    result = dropforge("init", "new", "--from", str(file), "--target", "y", "--id", "id")
    assert result.exit_code == 0
    assert "only 75.0% of the rows have a value in y" in result.stderr
    assert "1 row cannot be read: a drop of this file is quarantined" in result.stderr


def test_a_name_that_says_its_period_is_dropped_as_it_is(dropforge: Dropforge, here: Path) -> None:
    file = write_csv(here / "2020-10-17.csv", ["1", "0"] * 15)
    said = init(dropforge, file, "--out", "elsewhere")
    assert said.splitlines()[-1].strip() == f"dropforge drop {file} --project new"
    assert "dropforge push elsewhere" in said
    spec = spec_of("elsewhere")
    assert (spec.period, spec.positive, spec.name) == ("day", 1, "new")


def test_the_task_and_the_positive_outcome_can_be_said(dropforge: Dropforge, here: Path) -> None:
    file = write_csv(here / "a.csv", ["1", "2", "3"] * 10)
    init(dropforge, file, "--out", "guessed")
    assert spec_of("guessed").classes == [1, 2, 3]
    init(dropforge, file, "--out", "said", "--task", "regression")
    assert spec_of("said").task == "regression"
    file = write_csv(here / "b.csv", ["1", "2"] * 10)
    init(dropforge, file, "--out", "one", "--positive", "2.0")
    assert spec_of("one").positive == 2


def test_how_a_file_is_written_is_kept(dropforge: Dropforge, here: Path) -> None:
    file = write_csv(here / "a.tsv", ["1", "0"] * 10, sep="\t", decimal=",")
    result = dropforge("init", "new", "--from", "a.tsv", "--target", "y", "--id", "id")
    assert "column pay: 19 values have a decimal comma: --decimal ," in result.stderr
    init(dropforge, file, "--decimal", ",", "--out", "other")
    spec = spec_of("other")
    assert spec.decimal == "," and spec.contract is not None
    assert spec.contract.columns["pay"].type == "number"


def test_a_parquet_file_has_its_own_types(dropforge: Dropforge, here: Path) -> None:
    table = pa.table(
        {
            "id": list(range(30)),
            "y": [True, False] * 15,
            "n": pa.array(range(30), pa.int32()),
            "day": pa.array(range(30), pa.date32()),
        }
    )
    pq.write_table(table, here / "a.parquet")
    init(dropforge, here / "a.parquet")
    spec = spec_of()
    assert spec.positive == "true"
    assert spec.features.groups == {"numbers": ["n"], "dates": ["day"]}
    rows = as_the_intake_reads(spec, here / "a.parquet", here)
    assert (rows.rows, rows.rejected.count, rows.positives) == (30, 0, 15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--target", "Y"), "has no column Y. There is y: names are case-sensitive."),
        (("--id", "key"), "has no column key. Its columns: id, y, pay"),
        (("--id", "y"), "The target and the id are the same column"),
        (("--from", "gone.csv"), "There is no file gone.csv"),
        (("--from", "a.txt"), "has no extension that is read"),
        (("--positive", "maybe"), "No row has maybe in y: there are 0 and 1."),
        (("--positive", "1", "--task", "regression"), "--positive is for task binary"),
        (("--target", "one"), "every outcome is the same"),
        (("--target", "mail"), "40 different texts"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    dropforge: Dropforge, here: Path, options: tuple[str, ...], message: str
) -> None:
    file = write_csv(here / "a.csv", ["1", "0"] * 20)
    (here / "a.txt").write_text("x")
    said = init(dropforge, file, *options, fails=True)
    assert message in said
    assert not (here / "projects").exists()


def test_a_name_must_be_one(dropforge: Dropforge, here: Path) -> None:
    file = write_csv(here / "a.csv", ["1", "0"] * 20)
    result = dropforge("init", "New!", "--from", str(file), "--target", "y", "--id", "id")
    assert result.exit_code == 1 and "is no project name" in result.stderr


def test_a_project_is_never_overwritten(dropforge: Dropforge, here: Path) -> None:
    file = write_csv(here / "a.csv", ["1", "0"] * 20)
    init(dropforge, file)
    before = {path: path.read_bytes() for path in (here / "projects/new").iterdir()}
    said = init(dropforge, file, fails=True)
    assert "projects/new exists already" in said
    assert {path: path.read_bytes() for path in (here / "projects/new").iterdir()} == before
