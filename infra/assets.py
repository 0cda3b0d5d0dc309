"""The directories that become assets, made without Docker and the same bytes every time.

Staged by content below `build/`: a second synth finds what the first one made.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BUILD = REPOSITORY / "build"

LAMBDA_PYTHON = "3.13"
# Lambda's Python 3.13 runs on Amazon Linux 2023, glibc 2.34
# (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html).
LAMBDA_GLIBC = "manylinux_2_28"

_LEFT_OUT = ("__pycache__", "*.pyc", ".DS_Store", ".*_cache", "cli")


class AssetFailed(Exception):
    """An asset could not be made; the message carries what the tool said."""


def code_directory() -> Path:
    """What the functions run: `lambdas/` and `dropforge/` without its CLI."""
    return _staged("code", ("lambdas", "dropforge"))


def image_directory() -> Path:
    """The job image's build context: its Dockerfile, what it installs and removes, its code."""
    made_of = (f"requirements/{name}" for name in ("jobs.txt", "compiled.txt", "prune.py"))
    return _staged("image", ("sagemaker_jobs", "dropforge", *made_of))


def layer_directory() -> Path:
    """The functions' dependencies, `python/…`, for arm64, from the hashed lock.

    Raises:
        AssetFailed: no installer, or a hash, wheel or index that did not answer.
    """
    lock = REPOSITORY / "requirements" / "lambdas.txt"
    recipe = f"{LAMBDA_PYTHON} {LAMBDA_GLIBC} aarch64 1".encode()
    digest = hashlib.sha256(recipe + lock.read_bytes()).hexdigest()
    return _made(f"layer-{digest[:32]}", lambda folder: _install(lock, folder / "python"))


def _staged(name: str, sources: Iterable[str]) -> Path:
    sources = tuple(sources)
    digest = hashlib.sha256()
    for path in _files(sources):
        digest.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())

    def copy(folder: Path) -> None:
        for path in _files(sources):
            target = folder / path.relative_to(REPOSITORY)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)

    return _made(f"{name}-{digest.hexdigest()[:32]}", copy)


def _files(sources: Iterable[str]) -> Iterator[Path]:
    for source in sources:
        root = REPOSITORY / source
        candidates = [root] if root.is_file() else sorted(root.rglob("*"))
        for path in candidates:
            parts = path.relative_to(REPOSITORY).parts
            if path.is_file() and not any(_left_out(part) for part in parts):
                yield path


def _left_out(part: str) -> bool:
    return any(Path(part).match(pattern) for pattern in _LEFT_OUT)


def _made(name: str, make: Callable[[Path], None]) -> Path:
    """`build/<name>`, made aside and moved into place so that nobody sees half of it."""
    target = BUILD / name
    if target.is_dir():
        return target
    BUILD.mkdir(exist_ok=True)
    _forget(name.split("-")[0])
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=f".{name}-") as aside:
        folder = Path(aside) / name
        folder.mkdir()
        make(folder)
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():
                raise
            # Somebody else made the same content meanwhile.
    return target


def _forget(kind: str) -> None:
    """Remove what was staged for sources that have changed since; a day is for those at work."""
    yesterday = time.time() - 86400
    for old in BUILD.glob(f"{kind}-*"):
        if old.stat().st_mtime < yesterday:
            shutil.rmtree(old, ignore_errors=True)


def _install(lock: Path, target: Path) -> None:
    command = [*_installer(), "--target", str(target), "--require-hashes", "-r", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise AssetFailed(
            f"Installing {lock.name} for the functions' layer failed; nothing was kept. "
            f"The installer said:\n{said}\nNext: check the network, then synthesize again."
        )
    for folder in sorted(target.rglob("__pycache__")):
        shutil.rmtree(folder)
    shutil.rmtree(target / "bin", ignore_errors=True)
    for stray in (".lock", ".gitignore"):
        (target / stray).unlink(missing_ok=True)


def _installer() -> list[str]:
    """uv where there is one, else this interpreter's pip: both take foreign platforms' wheels."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        return [
            *(uv, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--python-version", LAMBDA_PYTHON, "--python-platform", f"aarch64-{LAMBDA_GLIBC}"),
        ]
    platforms = (f"{LAMBDA_GLIBC}_aarch64", "manylinux2014_aarch64", "manylinux_2_17_aarch64")
    return [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", LAMBDA_PYTHON),
        *(word for platform in platforms for word in ("--platform", platform)),
    ]
