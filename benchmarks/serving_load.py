"""Load by an open-source tool: wrk, else autocannon. Both send one body after the other, in turns.

In this order: wrk on the PATH; wrk from Debian's packages, unpacked below build/bench/ and not
installed (apt-get checks their signatures); autocannon from npm by its lock in autocannon/, whose
times are whole milliseconds and which takes more of the machine.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.measure import BenchmarkFailed, environment

AUTOCANNON = Path(__file__).with_name("autocannon")
DEBIAN = ("wrk", "libluajit-5.1-2")
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Request:
    """What is sent to a server: its path, its headers, and bodies in turns."""

    path: str
    headers: Mapping[str, str]
    bodies: Sequence[str]


@dataclass(frozen=True)
class Figures:
    """What came back: answers a second, latencies in seconds, and what was no 2xx answer."""

    rate: float
    p50: float
    p99: float
    errors: int


class Load(Protocol):
    """A tool that loads a server."""

    @property
    def name(self) -> str:
        """What it is called."""

    def run(self, port: int, request: Request, connections: int, seconds: int) -> Figures:
        """Load a server of this machine over so many open connections.

        Raises:
            BenchmarkFailed: the tool did not run.
        """


@dataclass(frozen=True)
class Wrk:
    """https://github.com/wg/wrk, one thread, with a script that takes the bodies in turns."""

    path: str
    libraries: str = ""
    name: str = "wrk"

    def run(self, port: int, request: Request, connections: int, seconds: int) -> Figures:
        """Load a server."""
        with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
            script.write(lua(request))
            script.flush()
            load = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT_SECONDS}s"]
            said = _run(
                [self.path, *load, "-s", script.name, f"http://127.0.0.1:{port}{request.path}"],
                environment() | ({"LD_LIBRARY_PATH": self.libraries} if self.libraries else {}),
            )
        answers, micros, p50, p99, errors = map(float, said.rsplit("FIGURES ", 1)[1].split())
        return Figures(answers / micros * 1e6, p50 / 1e6, p99 / 1e6, int(errors))


@dataclass(frozen=True)
class Autocannon:
    """https://github.com/mcollina/autocannon, in its folder of node_modules."""

    node: str
    folder: Path
    name: str = "autocannon"

    def run(self, port: int, request: Request, connections: int, seconds: int) -> Figures:
        """Load a server."""
        asked = {
            "url": f"http://127.0.0.1:{port}{request.path}",
            "connections": connections,
            "seconds": seconds,
            "headers": dict(request.headers),
            "bodies": list(request.bodies),
        }
        command = [self.node, str(self.folder / "load.js")]
        said = json.loads(_run(command, environment(), json.dumps(asked)))
        rate = said["answers"] / said["seconds"]
        return Figures(rate, said["p50"], said["p99"], said["errors"])


def choose(folder: Path) -> Load:
    """The first of the tools that this machine has or can get; kept below `folder`.

    Raises:
        BenchmarkFailed: none of them.
    """
    if path := shutil.which("wrk"):
        return Wrk(path)
    return _debian(folder / "wrk") or _npm(folder / "autocannon")


def lua(request: Request) -> str:
    """The script that wrk runs: the bodies in turns, and the figures as one line.

    https://github.com/wg/wrk/blob/master/SCRIPTING
    """
    headers = [f"wrk.headers[{_quoted(n)}] = {_quoted(v)}" for n, v in request.headers.items()]
    bodies = ",\n".join(map(_quoted, request.bodies))
    return "\n".join(
        [
            'wrk.method = "POST"',
            *headers,
            f"local bodies = {{\n{bodies}\n}}",
            "local made, turn = {}, 0",
            "function init()",
            "  for i, body in ipairs(bodies) do made[i] = wrk.format(nil, nil, nil, body) end",
            "end",
            "function request()",
            "  turn = turn % #made + 1",
            "  return made[turn]",
            "end",
            "function done(summary, latency)",
            "  local e = summary.errors",
            "  local errors = e.connect + e.read + e.write + e.status + e.timeout",
            '  io.write(string.format("FIGURES %d %d %d %d %d\\n", summary.requests,',
            "    summary.duration, latency:percentile(50), latency:percentile(99), errors))",
            "end\n",
        ]
    )


def _quoted(text: str) -> str:
    """A Lua string: bytes outside of printable ASCII as decimal escapes."""
    plain = (chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03}" for b in text.encode())
    return '"' + "".join(plain) + '"'


def _debian(folder: Path) -> Wrk | None:
    """wrk and its library out of Debian's packages; None where there are none."""
    path = folder / "usr" / "bin" / "wrk"
    if not path.exists():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            return None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        got = subprocess.run(
            ["apt-get", "download", *DEBIAN], cwd=folder, capture_output=True, check=False
        )
        if got.returncode != 0:
            return None
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    libraries = ":".join(str(found.parent) for found in folder.glob("usr/lib/*/libluajit*.so.2"))
    return Wrk(str(path), libraries, "wrk of Debian's package")


def _npm(folder: Path) -> Autocannon:
    """autocannon installed by its lock, with the Node of this environment or of the PATH."""
    beside = Path(sys.executable).parent
    search = os.pathsep.join([str(beside), os.environ.get("PATH", "")])
    node, npm = (shutil.which(name, path=search) for name in ("node", "npm"))
    if node is None or npm is None:
        raise BenchmarkFailed("Looked for wrk, for Debian's package of it, and for npm: none.")
    if not (folder / "node_modules").exists():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(AUTOCANNON, folder)
        told = {"PATH": search, "NODE_USE_SYSTEM_CA": "1"}
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            install, cwd=folder, env=os.environ | told, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            shutil.rmtree(folder / "node_modules", ignore_errors=True)
            raise BenchmarkFailed(f"npm could not install autocannon: {done.stderr[-1000:]}")
    return Autocannon(node, folder)


def _run(command: Sequence[str], told: Mapping[str, str], given: str = "") -> str:
    done = subprocess.run(
        command, input=given, env=told, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchmarkFailed(f"{command[0]} ended with {done.returncode}: {done.stderr[-1000:]}")
    return done.stdout
