"""Starting, finding and stopping the local cloud."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3

from dropforge.errors import CloudUnavailable
from local.home import CloudInfo, Home
from local.server import HEALTH_PATH

START_TIMEOUT = 30.0
STOP_TIMEOUT = 20.0
REPOSITORY = Path(__file__).resolve().parent.parent


class LocalCloud:
    """The local cloud of one home folder.

    `port` is the port to ask for (None: the one used last, or 4566; 0: any free one); if it is
    taken another is chosen, `info.endpoint_url` says which.
    """

    def __init__(self, home: Path | None = None, port: int | None = None) -> None:
        self.home = Home(Path(home).absolute()) if home is not None else Home.default()
        self._port = port
        # One session: it keeps the services' models, which cost most of a client's making.
        self._session: Any = None

    @property
    def info(self) -> CloudInfo:
        """How to reach the running cloud. Raises CloudUnavailable if it is not running."""
        info = self.home.read_cloud()
        if info is None or not self._answers(info):
            raise CloudUnavailable(
                f"No local cloud is running for {self.home.path}.", next_command="dropforge up"
            )
        return info

    @property
    def running(self) -> bool:
        """Whether the cloud of this home answers."""
        info = self.home.read_cloud()
        return info is not None and self._answers(info)

    @property
    def environment(self) -> dict[str, str]:
        """What to set so that any AWS SDK or tool talks to this cloud as the account's root."""
        info = self.info
        return {
            "AWS_ENDPOINT_URL": info.endpoint_url,
            "AWS_ACCESS_KEY_ID": info.access_key_id,
            "AWS_SECRET_ACCESS_KEY": info.secret_access_key,
            "AWS_DEFAULT_REGION": info.region,
            "AWS_REGION": info.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of this cloud, as the account's root."""
        info = self.info
        if self._session is None:
            self._session = boto3.Session(
                info.access_key_id, info.secret_access_key, region_name=info.region
            )
        return self._session.client(service, endpoint_url=info.endpoint_url, **options)

    def start(self) -> CloudInfo:
        """Starts the daemon unless it runs already, and waits until it answers."""
        if self.running:
            return self.info
        self.home.create()
        self.home.cloud_json.unlink(missing_ok=True)
        environment = dict(os.environ, DROPFORGE_HOME=str(self.home.path))
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(REPOSITORY), *filter(None, [environment.get("PYTHONPATH")])]
        )
        if self._port is not None:
            environment["DROPFORGE_PORT"] = str(self._port)
        with self.home.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.server"],
                cwd=self.home.path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        info = self._wait_until_healthy(process)
        # The daemon outlives this object, so nobody will wait for it here: no warning about that.
        process.returncode = 0
        return info

    def stop(self) -> bool:
        """Stops the daemon (SIGTERM, state saved); False if none was running."""
        info = self.home.read_cloud()
        if info is None or not self._answers(info):
            self.home.cloud_json.unlink(missing_ok=True)
            return False
        os.kill(info.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        while time.monotonic() < deadline:
            if not _alive(info.pid):
                self.home.cloud_json.unlink(missing_ok=True)
                return True
            time.sleep(0.02)
        raise CloudUnavailable(
            f"The local cloud (process {info.pid}) did not stop within {STOP_TIMEOUT:.0f} s; "
            f"its log is {self.home.log}."
        )

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> CloudInfo:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            info = self.home.read_cloud()
            if info is not None and info.pid == process.pid and self._answers(info):
                return info
            if process.poll() is not None:
                break
            time.sleep(0.02)
        tail = "\n".join(self.home.log.read_text(errors="replace").splitlines()[-15:])
        raise CloudUnavailable(f"The local cloud did not start. Its log ends with:\n{tail}")

    def _answers(self, info: CloudInfo) -> bool:
        """Whether the process of `info` answers, and for this home."""
        try:
            with urllib.request.urlopen(info.endpoint_url + HEALTH_PATH, timeout=5) as response:
                health = json.load(response)
        except (OSError, ValueError):
            return False
        return health == {"pid": info.pid, "home": str(self.home.path.resolve())}


def _alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not waited for does not."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no /proc on this system
        return not Path("/proc/self").exists()
