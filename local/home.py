"""Where the local cloud keeps things: one folder, `.dropforge/` unless DROPFORGE_HOME says else."""

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

REGION = "us-east-1"
ACCOUNT = "000000000000"
DEFAULT_PORT = 4566


@dataclass(frozen=True)
class CloudInfo:
    """What a client needs to reach the local cloud; the content of `cloud.json`."""

    endpoint_url: str
    pid: int
    region: str
    account: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class Home:
    """The folders and files under one `.dropforge/`."""

    path: Path

    @classmethod
    def default(cls) -> "Home":
        """DROPFORGE_HOME, or `.dropforge` in the current directory."""
        return cls(Path(os.environ.get("DROPFORGE_HOME") or ".dropforge").absolute())

    @property
    def cloud_json(self) -> Path:
        """How to reach the running cloud: written when it answers, removed when it stops."""
        return self.path / "cloud.json"

    @property
    def log(self) -> Path:
        """Standard output and error of the daemon."""
        return self.path / "cloud.log"

    @property
    def state(self) -> Path:
        """The emulator's and SageMaker's documents, kept across restarts."""
        return self.path / "state"

    @property
    def objects(self) -> Path:
        """S3's objects."""
        return self.path / "s3"

    @property
    def functions(self) -> Path:
        """Unpacked code of Lambda functions."""
        return self.path / "functions"

    @property
    def jobs(self) -> Path:
        """One folder a SageMaker job: `pid`, `log.txt` and `ml/`, the container's /opt/ml."""
        return self.path / "jobs"

    @property
    def endpoints(self) -> Path:
        """One folder a server process of a SageMaker endpoint."""
        return self.path / "endpoints"

    @property
    def mail(self) -> Path:
        """The mailbox: one .eml file a mail."""
        return self.path / "mail"

    def create(self) -> None:
        """Makes every folder."""
        for folder in (
            self.state,
            self.objects,
            self.functions,
            self.jobs,
            self.endpoints,
            self.mail,
        ):
            folder.mkdir(parents=True, exist_ok=True)

    def credentials(self) -> tuple[str, str]:
        """Key id and secret of the account's root user, drawn once and then kept."""
        path = self.path / "credentials.json"
        if path.exists():
            document = json.loads(path.read_text())
            return document["access_key_id"], document["secret_access_key"]
        self.path.mkdir(parents=True, exist_ok=True)
        pair = ("AKIA" + secrets.token_hex(8).upper(), secrets.token_hex(20))
        path.touch(mode=0o600)
        path.write_text(json.dumps({"access_key_id": pair[0], "secret_access_key": pair[1]}))
        return pair

    def read_cloud(self) -> CloudInfo | None:
        """The content of `cloud.json`, if there is one."""
        try:
            return CloudInfo(**json.loads(self.cloud_json.read_text()))
        except FileNotFoundError:
            return None

    def write_cloud(self, info: CloudInfo) -> None:
        """Writes `cloud.json`, readable by its owner only, in one step."""
        draft = self.cloud_json.with_suffix(".tmp")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(vars(info), indent=2) + "\n")
        draft.replace(self.cloud_json)


def safe_name(name: str) -> str:
    """The name as one path segment; names of jobs, endpoints and functions already are."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)
