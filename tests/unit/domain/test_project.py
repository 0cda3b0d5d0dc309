from pathlib import Path

import pytest

from dropforge.errors import InvalidProject
from dropforge.project import FeaturesSpec, parse_project
from dropforge.project_folder import load_project

PROJECT = "name: churn\ntarget: churn\nid: customer_id\n"
FEATURES = "groups: {account: [tenure, contract], money: [charges]}\nkeep: [account]\n"


def write(folder: Path, project: str = PROJECT, features: str = FEATURES) -> Path:
    folder.joinpath("project.yml").write_text(project)
    folder.joinpath("features.yml").write_text(features)
    return folder


def test_a_folder_becomes_a_specification_that_survives_storage(tmp_path: Path) -> None:
    spec = load_project(write(tmp_path))
    assert spec.features.selected == ["tenure", "contract"]
    assert spec.files == {"project.yml": PROJECT, "features.yml": FEATURES}
    assert parse_project(spec.canonical_json()) == spec
    assert parse_project(spec.canonical_json()).version == spec.version


def test_any_edit_is_another_version(tmp_path: Path) -> None:
    first = load_project(write(tmp_path))
    second = load_project(write(tmp_path, features=FEATURES + "# a comment\n"))
    assert first.version != second.version


@pytest.mark.parametrize(
    ("project", "features", "message"),
    [
        (PROJECT + "taget: x\n", FEATURES, r"project.yml:4:1: taget: there is no such key"),
        (PROJECT + "threshold: {recall: 0.5, flagged: 0.1}\n", FEATURES, "exactly one of"),
        (PROJECT.replace("name: churn", "name: Churn!"), FEATURES, "no project name"),
        (PROJECT, "keep: [tenure, churn]\n", "is the target or the id"),
        (
            PROJECT,
            FEATURES + "drop: [nothing]\n",
            r"features.yml:3:8: drop.0: nothing is no group or column",
        ),
        (PROJECT, FEATURES + "encode: hash\n", "features.yml:3:9: encode: .*one_hot"),
        (
            PROJECT + "promotion: {fairness: {sex: {demographic_parity: 0.8}}}\n",
            FEATURES,
            "favourable",
        ),
        ("just text", FEATURES, "holds no mapping"),
        ("a: [", FEATURES, "is not YAML"),
    ],
)
def test_a_broken_project_names_the_file_and_the_key(
    tmp_path: Path, project: str, features: str, message: str
) -> None:
    with pytest.raises(InvalidProject, match=message):
        load_project(write(tmp_path, project, features))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match=r"project\.yml cannot be read"):
        load_project(tmp_path)


def test_groups_and_columns_are_kept_and_dropped() -> None:
    spec = FeaturesSpec(groups={"a": ["x", "y"], "b": ["z"]}, keep=["a", "w"], drop=["y"])
    assert spec.selected == ["x", "w"]
    assert FeaturesSpec(groups={"a": ["x", "y"], "b": ["z"]}, drop=["a"]).selected == ["z"]
