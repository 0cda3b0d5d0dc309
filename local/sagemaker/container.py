"""A "container": a subprocess in a folder that stands for its root's /opt/ml.

The image's ENTRYPOINT is `python -m sagemaker_jobs`; here it runs with this interpreter, from the
working copy. DROPFORGE_JOB_COMMAND (a shell-like command line) replaces it; tests use that.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from local import roles
from local.home import REGION

ML = "/opt/ml"
ENTRYPOINT = ["python", "-m", "sagemaker_jobs"]
SESSION_NAME = "SageMaker"
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Container:
    """What to run and where. `folder` holds `ml/` (the root), `log.txt` and `pid`."""

    folder: Path
    role_arn: str
    entrypoint: list[str] | None = None
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    isolated: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        """The folder that stands for /opt/ml."""
        return self.folder / "ml"

    @property
    def log(self) -> Path:
        """Standard output and error, one after the other."""
        return self.folder / "log.txt"

    def local(self, path: str) -> Path:
        """The local path of a path in the container, which must lie under /opt/ml."""
        if path != ML and not path.startswith(ML + "/"):
            raise ValueError(f"{path} does not lie under {ML}: the local cloud maps that only")
        return Path(self._rewrite(path))

    def start(self) -> int:
        """Starts the process and writes its pid; returns the pid."""
        self.root.mkdir(parents=True, exist_ok=True)
        command = [*self._command(), *(self._rewrite(text) for text in self.arguments)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(self.process.pid))
        return self.process.pid

    def stop(self, grace: float) -> None:
        """SIGTERM, then after `grace` seconds SIGKILL, to the process and its children."""
        if self.process is None or self.process.poll() is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait()

    def wait(self, seconds: float) -> bool:
        """Waits until the process ends, at most so long; whether it has ended."""
        assert self.process is not None
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def exit_code(self) -> int:
        """The exit code as a container reports it: 128 + the signal that ended it."""
        assert self.process is not None
        code = self.process.wait()
        return code if code >= 0 else 128 - code

    def _signal(self, number: int) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def _command(self) -> list[str]:
        asked = [self._rewrite(text) for text in self.entrypoint or ENTRYPOINT]
        replacement = os.environ.get("DROPFORGE_JOB_COMMAND")
        if replacement and asked[:3] == ENTRYPOINT:
            asked = [*shlex.split(replacement), *asked[3:]]
        if asked[0] in ("python", "python3"):
            asked[0] = sys.executable
        return asked

    def _environment(self) -> dict[str, str]:
        """Nothing of this process's environment but what any process needs to start."""
        inherited = {
            name: os.environ[name]
            for name in ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
            if name in os.environ
        }
        environment = inherited | {
            "HOME": str(self.folder),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DROPFORGE_ML_ROOT": str(self.root),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if not self.isolated:
            environment |= roles.environment(self.role_arn, SESSION_NAME)
            # AWS_ALLOW_HTTP is object_store's consent to an endpoint without TLS.
            environment |= {
                "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
                "AWS_ALLOW_HTTP": "true",
            }
        own = {name: self._rewrite(value) for name, value in self.environment.items()}
        return environment | own

    def _rewrite(self, text: str) -> str:
        """The text with /opt/ml, as a path or a path's beginning, replaced by the local root."""
        if text == ML or text.startswith(ML + "/"):
            return str(self.root) + text[len(ML) :]
        return text.replace(f"={ML}/", f"={self.root}/").replace(
            f"file://{ML}/", f"file://{self.root}/"
        )


def reap(folder: Path) -> None:
    """Kills what a cloud that was itself killed left running in this folder, if anything.

    Only a process whose environment names this folder is ours (known on Linux only).
    """
    pid_file = folder / "pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return
    if f"DROPFORGE_ML_ROOT={folder / 'ml'}".encode() in environment.split(b"\0"):
        os.killpg(pid, signal.SIGKILL)
