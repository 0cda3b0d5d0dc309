"""What a job's process is told before any library is imported: most read it only then."""

import gc
import os
import sys
from typing import Any

ENVIRONMENT = {
    # Arrow's allocator, mimalloc, takes memory in large steps and keeps what is freed. So it takes
    # what is used and gives it back: a month peaks 35 MB lower at the same processor time, a large
    # file a fifth lower. https://microsoft.github.io/mimalloc/environment.html
    "MIMALLOC_ARENA_EAGER_COMMIT": "0",
    "MIMALLOC_PURGE_DELAY": "0",
    # NumPy starts a thread a core for linear algebra, which no job does; LightGBM has its own.
    "OPENBLAS_NUM_THREADS": "1",
}

GARBAGE_THRESHOLD = 100_000
"""New objects between two searches for garbage. Python's 700 is met hundreds of times by imports,
whose objects all stay."""


def configure(job: str) -> None:
    """Set what the environment does not set already, and what suits the job."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    gc.set_threshold(GARBAGE_THRESHOLD)
    if job == "prepare":  # it runs none of a project's Python, which may use both together
        _keep_arrow_from_pandas()


def _keep_arrow_from_pandas() -> None:
    """Let Arrow look for pandas now and not find it.

    At the first array it makes, Arrow would import pandas where that is installed: 0.3 s and 40 MB.
    Who asks for pandas by name, or for `to_pandas`, still gets it.
    """
    import pyarrow as pa

    finder = _NoPandas()
    path: list[Any] = sys.meta_path
    path.insert(0, finder)
    try:
        pa.array([])
    finally:
        path.remove(finder)


class _NoPandas:
    """A finder, without its base class: importlib.abc is slow to import."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)
