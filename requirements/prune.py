"""Remove from installed packages what no job and no server ever reads.

    python requirements/prune.py SITE_PACKAGES

sagemaker_jobs/Dockerfile runs it while the image is built, `make image-size` before it measures:
what is removed is defined here only. A pattern that finds nothing ends it with an error: the
package has changed, and with it what is safe to remove.

What stays although no job imports it: the rest of numpy, pandas and scipy, because a project's
features.py may use them; the bytecode, because every job starts with imports.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

FILES_AND_FOLDERS = (
    # Optuna keeps its trials in memory. Only its databases need these, and it imports them then.
    "sqlalchemy",
    "sqlalchemy-*.dist-info",
    "alembic",
    "alembic-*.dist-info",
    "mako",
    "mako-*.dist-info",
    "markupsafe",
    "markupsafe-*.dist-info",
    # Arrow's own network: S3 is read by boto3 and deltalake, RPC by nobody. pyarrow.fs goes
    # without a file system that is not there.
    "pyarrow/_s3fs.*",
    "pyarrow/libarrow_s3.so.*",
    "pyarrow/flight.py",
    "pyarrow/_flight.*",
    "pyarrow/libarrow_flight.so.*",
    "pyarrow/libarrow_python_flight.so*",
    # The same bytes under two more names, for linkers. The loader looks for libarrow_python.so.N.
    "pyarrow/libarrow_python*.so",
    "pyarrow/libarrow_python*.so.*.*",
    # What compilers and testers read.
    "pyarrow/include",
    "pyarrow/includes",
    "pyarrow/src",
    "pyarrow/_pyarrow_cpp_tests.*",
    "**/tests",
    "**/*.a",
    "**/*.c",
    "**/*.h",
    "**/*.pxd",
    "**/*.pxi",
    "**/*.pyi",
    "**/*.pyx",
)

AWS_SERVICES = frozenset({"cloudformation", "dynamodb", "s3", "sso", "sso-oidc", "sts"})
"""What dropforge's AWS adapters call, and what finding credentials may call. botocore has 430."""


def prune(packages: Path) -> None:
    """Remove it all.

    Raises:
        FileNotFoundError: a pattern finds nothing; what was found before it is removed.
    """
    for pattern in FILES_AND_FOLDERS:
        _remove(packages, pattern, list(packages.glob(pattern)))
    _remove(packages, "botocore/data", list(_other_services(packages / "botocore" / "data")))


def _other_services(data: Path) -> Iterator[Path]:
    """The folders of services; the files beside them are about endpoints and retries."""
    for folder in data.glob("*/"):
        if folder.is_dir() and folder.name not in AWS_SERVICES:
            yield folder


def _remove(packages: Path, pattern: str, found: list[Path]) -> None:
    if not found:
        raise FileNotFoundError(
            f"{packages} has no {pattern}: the package has changed. Look at what it carries now, "
            f"and change or remove the pattern in {Path(__file__).name}."
        )
    for path in found:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():  # not gone with its folder
            path.unlink()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python requirements/prune.py SITE_PACKAGES")
    try:
        prune(Path(sys.argv[1]))
    except FileNotFoundError as missing:
        sys.exit(f"prune: {missing}")
