"""`make image-size`: what the job image adds to its base image, package by package.

python -m benchmarks.image [--compiled]

Does what sagemaker_jobs/Dockerfile does, without Docker: installs the lock's wheels for the image's
Python and both machines into a folder, and removes what requirements/prune.py removes.
"""

import argparse
import compileall
import datetime as dt
import gzip
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from benchmarks.measure import ROOT, environment
from benchmarks.places import LOCK
from benchmarks.table import aligned, amount
from infra.assets import image_directory

FOLDER = ROOT / "build" / "bench"
PRUNE = ROOT / "requirements" / "prune.py"
COMPILED = ROOT / "requirements" / "compiled.txt"
DOCKERFILE = ROOT / "sagemaker_jobs" / "Dockerfile"
MACHINES = ("x86_64", "aarch64")
GLIBC = "manylinux_2_40"  # the base image is Debian 13, glibc 2.41
LISTED = 4_000_000
"""Bytes from which a package has a line of its own."""


@dataclass(frozen=True)
class Size:
    """Bytes of a package as its wheel is, and as it is in the image."""

    wheel: int
    kept: int


@dataclass(frozen=True)
class Measured:
    """One machine's image without its base: packages, bytecode, our code; bytes compressed."""

    packages: Mapping[str, Size]
    bytecode: Size
    ours: Size
    compressed: int

    @property
    def total(self) -> Size:
        """Everything."""
        return together([*self.packages.values(), self.bytecode, self.ours])

    def named(self, names: Sequence[str]) -> Size:
        """Some packages; a machine need not have all."""
        return together([self.packages[name] for name in names if name in self.packages])


def measure(machine: str, folder: Path, locks: Sequence[Path] = (LOCK,)) -> Measured:
    """Make the image's packages and code below an empty folder, and measure them.

    Raises:
        subprocess.CalledProcessError: a package cannot be installed, or prune.py finds that it has
            changed; what uv or prune.py says of it is on stderr.
    """
    packages, ours = folder / "packages", folder / "ours"
    install(machine, packages, locks)
    compileall.compile_dir(packages, quiet=2, workers=0)
    wheels, compiled = sizes(packages), _bytes(packages, "**/*.pyc")
    prune(packages)
    kept = sizes(packages)
    program(ours)
    compileall.compile_dir(ours, quiet=2)
    code = _bytes(ours, "**/*")
    return Measured(
        {name: Size(wheel, kept.get(name, 0)) for name, wheel in wheels.items()},
        Size(compiled, _bytes(packages, "**/*.pyc")),
        Size(code, code),
        compressed(folder),
    )


def install(machine: str, packages: Path, locks: Sequence[Path]) -> None:
    """The locks' wheels for the image's Python and a machine: hashes checked, nothing built."""
    uv = Path(sys.executable).with_name("uv")
    target = ["--target", str(packages), "--require-hashes"]
    target += [f"--requirement={lock}" for lock in locks]
    foreign = ["--python-version", base()[1], "--python-platform", f"{machine}-{GLIBC}"]
    command = [str(uv), "pip", "install", "--quiet", "--only-binary", ":all:", *foreign, *target]
    subprocess.run(command, check=True, env=environment(), cwd=ROOT)
    for stray in (".lock", ".gitignore"):
        (packages / stray).unlink(missing_ok=True)


def prune(packages: Path) -> None:
    """Remove what the image goes without."""
    subprocess.run([sys.executable, str(PRUNE), str(packages)], check=True)


def program(folder: Path) -> None:
    """Our code as the Dockerfile copies it."""
    context = image_directory()
    for name in ("dropforge", "sagemaker_jobs"):
        for path in (context / name).rglob("*.py"):
            target = folder / path.relative_to(context)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())


def sizes(packages: Path) -> dict[str, int]:
    """Bytes of each distribution's files."""
    found = distributions(path=[str(packages)])
    return {one.name: sum(map(_size, _files(one, packages))) for one in found}


def compressed(folder: Path) -> int:
    """Bytes of a folder as a layer is stored and pulled: a tar archive, gzip."""
    with tempfile.TemporaryFile() as file:
        # Level 6 is what `docker build` and BuildKit compress layers with.
        with (
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as packed,
            tarfile.open(fileobj=packed, mode="w|") as archive,
        ):
            archive.add(folder, arcname=".")
        return file.tell()


def base() -> tuple[str, str]:
    """The Dockerfile's base image, and the Python in it."""
    found = re.search(r"^FROM (\S+python:(\d+\.\d+)\S*)", DOCKERFILE.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{DOCKERFILE} names no Python image after FROM.")
    return found[1], found[2]


def report(images: Mapping[str, Measured]) -> str:
    """The table: packages from 4 MB on, the others together, bytecode, ours, totals."""
    first = next(iter(images))
    packages = images[first].packages
    names = sorted(packages, key=lambda name: (-packages[name].wheel, name))
    large = [name for name in names if packages[name].wheel >= LISTED]
    small = names[len(large) :]
    lines = [_line(name, [one.named([name]) for one in images.values()]) for name in large]
    lines += [
        _line(f"{len(small)} smaller packages", [one.named(small) for one in images.values()]),
        _line("bytecode of the packages", [one.bytecode for one in images.values()]),
        _line("Dropforge", [one.ours for one in images.values()]),
        _line("together", [one.total for one in images.values()]),
        ("the same, compressed", "-", *(_mb(one.compressed) for one in images.values())),
    ]
    heads = ("package", f"wheel, {first}", *(f"in the image, {machine}" for machine in images))
    return aligned((*heads, ""), [(*line, "") for line in lines])


def together(parts: Sequence[Size]) -> Size:
    """The sum."""
    return Size(sum(part.wheel for part in parts), sum(part.kept for part in parts))


def header() -> str:
    """When, with what; what is not in the table."""
    image, python = base()
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"{now}, wheels for Python {python}, {GLIBC}; 1 MB is 1,000,000 bytes\n"
        f"not in the table: {image} and Debian's libgomp1, below the layers that are measured\n"
        f"bytecode: as Python {platform.python_version()} compiles it; compressed: tar, gzip -6"
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure both machines' images, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.image", description=__doc__)
    parser.add_argument("--compiled", action="store_true", help="as COMPILED_TREES=1 builds it")
    locks = (LOCK, COMPILED) if parser.parse_args(arguments).compiled else (LOCK,)
    FOLDER.mkdir(parents=True, exist_ok=True)
    images = {}
    for machine in MACHINES:
        print(f"{machine} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="image-", dir=FOLDER) as folder:
            images[machine] = measure(machine, Path(folder), locks)
    print(f"{header()}\n\n{report(images)}")
    return 0


def _line(what: str, parts: Sequence[Size]) -> tuple[str, ...]:
    return (what, _mb(parts[0].wheel), *(_mb(part.kept) for part in parts))


def _mb(size: int) -> str:
    return amount(size, "B")


def _files(distribution: Distribution, packages: Path) -> list[Path]:
    return [packages / path for path in distribution.files or () if ".." not in path.parts]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _bytes(folder: Path, pattern: str) -> int:
    return sum(_size(path) for path in folder.glob(pattern))


if __name__ == "__main__":
    sys.exit(main())
