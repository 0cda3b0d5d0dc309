"""Fail when a committed file names a path of this machine, or the host of a package index.

    python .ci/check_text.py

Looks at the files git knows or would add; without git (an unpacked archive) at every file outside
the folders that .gitignore names. Prints file:line for each finding.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The brackets keep a pattern from finding itself.
HOSTS = [r"py[p]i\.org", r"pythonhoste[d]\.org", r"registry\.npmj[s]", r"registry\.yarnpk[g]"]
OPTIONS = [r"--(extra-)?index-ur[l][ =]", r"--find-link[s][ =]"]
HOMES = [r"/home/[a-z][\w.-]*[/]", r"/User[s]/\w", r"/roo[t]/"]


def patterns() -> re.Pattern[str]:
    """Return what no committed file may contain: the above and this machine's own paths."""
    here = {str(ROOT), sys.prefix, sys.base_prefix, str(Path.home())} - {"/", "/usr", "/usr/local"}
    machine = [re.escape(path) + r"(?![\w.-])" for path in sorted(here)]
    return re.compile("|".join([*HOSTS, *OPTIONS, *HOMES, *machine]))


def committed_files() -> Iterator[Path]:
    """Yield the files that are, or would be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        left_out = {".git"} | {line.rstrip("/") for line in lines if line.endswith("/")}
        for path in ROOT.rglob("*"):
            if path.is_file() and left_out.isdisjoint(path.relative_to(ROOT).parts):
                yield path
        return
    for name in sorted(filter(None, listed.stdout.split("\0"))):
        if (ROOT / name).is_file():
            yield ROOT / name


def main() -> None:
    """Print every finding; exit 1 if there is one."""
    forbidden = patterns()
    findings = 0
    for path in committed_files():
        lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, start=1):
            if found := forbidden.search(line):
                print(f"{path.relative_to(ROOT)}:{number}: {found[0]}")
                findings += 1
    if findings:
        raise SystemExit(f"check_text: {findings} lines name this machine or a package index.")


if __name__ == "__main__":
    main()
