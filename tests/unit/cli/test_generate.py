"""Example data: real data with ids, and data of Home Credit's shape from a seed."""

import csv
from itertools import islice
from pathlib import Path

import pytest

from dropforge.cli.folders import read_project

from .conftest import Dropforge


def read(path: Path, rows: int | None = None) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(islice(csv.DictReader(stream), rows))


@pytest.fixture(scope="module")
def home_credit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from dropforge.cli.generate import example_source

    path = tmp_path_factory.mktemp("data") / "application_train.csv"
    assert example_source("home_credit").write(path, 20_000, 42) == 20_000
    return path


@pytest.mark.parametrize(("project", "rows"), [("churn", 7_043), ("credit", 4_454)])
def test_real_data_fits_its_project(
    project: str, rows: int, dropforge: Dropforge, tmp_path: Path
) -> None:
    out = tmp_path / "data.csv"
    result = dropforge("generate", project, "--out", str(out))
    assert result.exit_code == 0, result.output
    table = read(out)
    _, spec = read_project(project)
    assert len(table) == rows == len({row[spec.id] for row in table})
    needed = {spec.target, spec.id, *spec.features.selected, *spec.protected_columns}
    assert needed <= set(table[0])
    assert 0.2 < sum(row[spec.target] == spec.positive for row in table) / rows < 0.35
    if spec.contract is not None:
        assert list(spec.contract.columns) == list(table[0])


def test_the_seed_decides_the_order(dropforge: Dropforge, tmp_path: Path) -> None:
    for name, seed in {"a": "1", "b": "1", "c": "2"}.items():
        dropforge(
            "generate", "credit", "--rows", "500", "--seed", seed, "--out", str(tmp_path / name)
        )
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c
    assert len(read(tmp_path / "a")) == 500


def test_home_credit_has_the_columns_of_the_file(home_credit: Path) -> None:
    header = list(read(home_credit, 1)[0])
    assert len(header) == 122 == len(set(header))
    assert header[:4] == ["SK_ID_CURR", "TARGET", "NAME_CONTRACT_TYPE", "CODE_GENDER"]
    assert header[-1] == "AMT_REQ_CREDIT_BUREAU_YEAR"
    assert header[44] == "APARTMENTS_AVG" and header[86] == "FONDKAPREMONT_MODE"


def test_home_credits_features_are_in_it(home_credit: Path) -> None:
    _, spec = read_project("home_credit")
    header = set(read(home_credit, 1)[0])
    assert len(spec.features.selected) == 20
    assert {spec.target, spec.id, *spec.features.selected, *spec.protected_columns} <= header


def test_home_credit_is_of_its_kind(home_credit: Path) -> None:
    table = read(home_credit)
    assert len({row["SK_ID_CURR"] for row in table}) == len(table)
    positive = [row["TARGET"] == "1" for row in table]
    assert 0.07 < sum(positive) / len(table) < 0.09
    assert 0.5 < sum(not row["EXT_SOURCE_1"] for row in table) / len(table) < 0.6
    assert {row["CODE_GENDER"] for row in table} <= {"F", "M", "XNA"}
    assert all(int(row["DAYS_BIRTH"]) < 0 for row in table)


def test_home_credits_target_can_be_learnt(home_credit: Path) -> None:
    scored = [
        (float(row["EXT_SOURCE_2"]), row["TARGET"])
        for row in read(home_credit)
        if row["EXT_SOURCE_2"]
    ]
    means = {
        target: sum(score for score, t in scored if t == target)
        / sum(t == target for _, t in scored)
        for target in "01"
    }
    assert means["0"] - means["1"] > 0.1


def test_fewer_rows_are_the_beginning_of_more(
    home_credit: Path, dropforge: Dropforge, tmp_path: Path
) -> None:
    out = tmp_path / "few.csv"
    dropforge("generate", "home_credit", "--rows", "17000", "--out", str(out))
    few = out.read_text(encoding="utf-8")
    assert home_credit.read_text(encoding="utf-8").startswith(few)
    assert few.count("\n") == 17_001
