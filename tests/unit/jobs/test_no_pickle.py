"""No pickle is written or read anywhere: not by the code, not in an artifact."""

import ast
import pickletools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.jobs.conftest import Made

ROOT = Path(__file__).resolve().parents[3]

MODULES = {"pickle", "cPickle", "_pickle", "pickletools", "dill", "cloudpickle", "joblib",
           "shelve", "marshal", "jsonpickle"}  # fmt: skip
CALLS = re.compile(
    r"\b(read_pickle|to_pickle|allow_pickle|save_binary|np\.save\w*|np\.load|numpy\.load"
    r"|torch\.(save|load)|__reduce__|__reduce_ex__|__getstate__)\b"
)
"""Other ways to a pickle; LightGBM's binary datasets are refused with them."""

MEASURED_AGAINST = ("tests/", "benchmarks/baselines/", "notebooks/")
"""What others do may be repeated to be measured; it is no product code."""


def sources() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = listed.stdout.splitlines()
    return [n for n in names if not n.startswith(MEASURED_AGAINST) and (ROOT / n).is_file()]


def problems(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = [str(a.value) for a in node.args if isinstance(a, ast.Constant)]
        yield from (f"imports {name}" for name in names if name.split(".")[0] in MODULES)
    yield from (f"calls {found[0]}" for found in CALLS.finditer(text))


def looks_like_a_pickle(body: bytes) -> bool:
    """Whether bytes are a pickle of any protocol: its machine gets to a STOP that ends them."""
    if body[:1] == b"\x80" and body[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    try:
        for opcode, _, place in pickletools.genops(body):
            if opcode.name == "STOP":
                return place is not None and not body[place + 1 :].strip()
    except (ValueError, IndexError, AttributeError):
        pass
    return False


def test_no_code_reads_or_writes_pickles() -> None:
    names = sources()
    assert {"sagemaker_jobs/train.py", "dropforge/project.py"} <= set(names)
    found = [
        f"{name} {problem}"
        for name in names
        for problem in problems((ROOT / name).read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["import pickle", "from joblib import dump", "import dill.source as d", "frame.to_pickle('x')",
     "np.load(path, allow_pickle=True)", "importlib.import_module('cloudpickle')",
     "dataset.save_binary('x')"],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert list(problems(text))


def test_no_file_of_an_artifact_is_a_pickle(made: Made) -> None:
    files = [path for path in made.artifact.rglob("*") if path.is_file()]
    assert len(files) >= 8
    assert [path.name for path in files if looks_like_a_pickle(path.read_bytes())] == []
    assert {path.suffix for path in files} <= {".txt", ".json", ".jsonl", ".md", ".bin", ".parquet"}


@pytest.mark.parametrize(
    "body", [b"\x80\x04N.", b"\x80\x05]\x94.", b"(lp0\nI1\na.", b"I42\n.", b"\x80\x02}q\x00."]
)
def test_a_pickle_is_told_from_a_file(body: bytes) -> None:
    assert looks_like_a_pickle(body)
    assert not looks_like_a_pickle(b'{"a": 1}')
    assert not looks_like_a_pickle(b"tree\nversion=v4\n")
