"""The rooms' walls: who may import whom, and what a package may carry."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ALLOWED = {
    "dropforge": set(),
    "infra": {"dropforge"},
    "lambdas": {"dropforge"},
    "sagemaker_jobs": {"dropforge"},
    "local": {"dropforge"},
}
ROOMS = set(ALLOWED)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_arrows_point_one_way(room: str) -> None:
    assert modules(room), f"the room {room} is empty"
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        if "cli" not in path.relative_to(ROOT).parts
        for name in imports(path)
        if name.split(".")[0] in ROOMS - ALLOWED[room] - {room}
    ]
    assert wrong == []


def test_the_domain_makes_no_aws_call() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in modules("dropforge")
        if not {"aws", "cli"} & set(path.relative_to(ROOT).parts)
        for name in imports(path)
        if name.split(".")[0] in {"boto3", "botocore"}
        or name.startswith(("dropforge.aws", "dropforge.cli"))
    ]
    assert wrong == []


def test_nothing_imports_the_benchmarks() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room in ROOMS | {"projects"}
        for path in modules(room)
        for name in imports(path)
        if name.split(".")[0] == "benchmarks"
    ]
    assert wrong == []


def test_no_pickle_anywhere() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room in ROOMS
        for path in modules(room)
        for name in imports(path)
        if name.split(".")[0] in {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve"}
    ]
    assert wrong == []
