"""What a job's process is told before it imports libraries: seen in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def said(code: str, **environment: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys\nfrom sagemaker_jobs import startup\n{code}"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.split()


def test_what_the_environment_says_already_is_left() -> None:
    code = "import os\nstartup.configure('train')\nprint(os.environ['MIMALLOC_PURGE_DELAY'])"
    assert said(code) == ["0"]
    assert said(code, MIMALLOC_PURGE_DELAY="10") == ["10"]


def test_the_settings_are_those_of_arrows_own_allocator() -> None:
    code = "startup.configure('train')\nimport pyarrow\nprint(pyarrow.default_memory_pool()"
    assert said(f"{code}.backend_name)") == ["mimalloc"]


def test_preparing_never_imports_pandas_by_accident() -> None:
    pytest.importorskip("pandas")
    made = "import pyarrow as pa\ntable = pa.table({'a': ['b']})\nprint('pandas' in sys.modules)"
    assert said(f"startup.configure('prepare')\n{made}") == ["False"]
    asked = "print(len(table.to_pandas()), 'pandas' in sys.modules)"
    assert said(f"startup.configure('prepare')\n{made}\n{asked}") == ["False", "1", "True"]


def test_what_numpy_and_arrow_are_told_comes_before_them() -> None:
    code = "startup.configure('train')\nprint('numpy' in sys.modules, 'pyarrow' in sys.modules)"
    assert said(code) == ["False", "False"]
