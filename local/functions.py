"""Lambda functions under the official runtime client (awslambdaric), processes kept warm.

The code is the deployed zip, unpacked. One thing differs from AWS: the layers, wheels for another
architecture, are not used; this interpreter's site-packages stands in for them. The code comes
first on sys.path, and nothing of the working copy is on it (`-S`: an editable install's .pth is
not read), so a file missing from the package is missing here.
"""

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

from local.home import Home, safe_name
from local.runtime_api import InvocationResult, RuntimeApi

# A function's start-up does not count as its run.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
INIT_TIMEOUT = 10.0
# The signals that a function can die of, as the service words them.
_SIGNALS = {9: "killed", 11: "segmentation fault", 6: "aborted", 15: "terminated"}


class Worker:
    """One execution environment: a process, its runtime API, its log file."""

    def __init__(
        self, config: dict[str, Any], code: Path, credentials: dict[str, str], home: Home
    ) -> None:
        self._config = config
        name = config["FunctionName"]
        self._api = RuntimeApi()
        handle = home.functions / f"{safe_name(name)}-{os.getpid()}-{id(self):x}.log"
        self._log = handle
        self._offset = 0
        with handle.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-m", "awslambdaric", config["Handler"]],
                cwd=code,
                env=self._environment(code, credentials),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def invoke(self, event: bytes, request_id: str) -> dict[str, Any]:
        """One invocation; the result in the emulator's shape: body, error, log."""
        timeout = float(self._config.get("Timeout", 3))
        self._api.offer(event, request_id, self._config["FunctionArn"], timeout)
        start = time.monotonic()
        while (result := self._api.result(0.05)) is None:
            if not self.alive:
                result = self._api.result(0.0) or self._exited(request_id)
                break
            taken = self._api.taken_at
            if time.monotonic() > (taken + timeout if taken else start + INIT_TIMEOUT):
                self.stop()
                result = InvocationResult(
                    None,
                    {
                        "errorType": "Sandbox.Timedout",
                        "errorMessage": f"RequestId: {request_id} Error: Task timed out after "
                        f"{timeout:.2f} seconds",
                    },
                )
                break
        log = self._new_log()
        if result.error is not None:
            return {"body": result.error, "error": True, "log": log}
        return {"body": result.body, "log": log}

    def stop(self) -> None:
        """Kills the process."""
        if self.alive:
            self._process.kill()
        self._process.wait()
        self._api.close()
        self._log.unlink(missing_ok=True)

    def _exited(self, request_id: str) -> InvocationResult:
        code = self._process.returncode
        how = f"signal: {_SIGNALS.get(-code, str(-code))}" if code < 0 else f"exit status {code}"
        return InvocationResult(
            None,
            {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: {how}",
            },
        )

    def _new_log(self) -> str:
        """What was written since the last call. The process writes before it answers."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        return data.decode(errors="replace")

    def _environment(self, code: Path, credentials: dict[str, str]) -> dict[str, str]:
        """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
        name, region = self._config["FunctionName"], self._config["FunctionArn"].split(":")[3]
        inherited = {
            key: os.environ[key]
            for key in ("PATH", "LANG", "LC_ALL", "TMPDIR")
            if key in os.environ
        }
        own = (self._config.get("Environment") or {}).get("Variables") or {}
        return (
            inherited
            | {
                "TZ": ":UTC",
                "PYTHONPATH": os.pathsep.join(_site_packages()),
                "PYTHONDONTWRITEBYTECODE": "1",
                "HOME": str(code),
                "AWS_LAMBDA_RUNTIME_API": self._api.address,
                "_HANDLER": self._config["Handler"],
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                "AWS_LAMBDA_FUNCTION_NAME": name,
                "AWS_LAMBDA_FUNCTION_VERSION": self._config.get("Version", "$LATEST"),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._config.get("MemorySize", 128)),
                "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
                "AWS_LAMBDA_LOG_STREAM_NAME": f"local/{id(self):x}",
                "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
                "LAMBDA_TASK_ROOT": str(code),
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{self._config.get('Runtime', 'python')}",
                "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
                "AWS_EC2_METADATA_DISABLED": "true",
            }
            | own
            | credentials
        )


class Functions:
    """All functions: unpacks code, keeps idle workers a version of a function."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._idle: dict[str, list[Worker]] = {}
        self._busy: set[Worker] = set()
        shutil.rmtree(home.functions, ignore_errors=True)
        home.functions.mkdir(parents=True)

    def invoke(
        self,
        config: dict[str, Any],
        code: bytes | str,
        credentials: dict[str, str],
        event: Any,
        request_id: str,
    ) -> dict[str, Any]:
        """Runs the function once, in an idle worker if there is one."""
        data = base64.b64decode(code) if isinstance(code, str) else code
        key = self._key(config, data, credentials)
        worker = self._acquire(key) or self._spawn(key, config, data, credentials)
        try:
            return worker.invoke(json.dumps(event).encode(), request_id)
        finally:
            self._release(key, worker)

    def shutdown(self) -> None:
        """Kills every worker."""
        with self._lock:
            workers = [worker for idle in self._idle.values() for worker in idle]
            workers += self._busy
            self._idle.clear()
        for worker in workers:
            worker.stop()

    @staticmethod
    def _key(config: dict[str, Any], code: bytes, credentials: dict[str, str]) -> str:
        """Name and digest of everything that a warm process has taken in."""
        fields = (
            "FunctionArn",
            "Handler",
            "Environment",
            "Timeout",
            "MemorySize",
            "Version",
            "Role",
        )
        taken = repr([config.get(field) for field in fields]) + repr(sorted(credentials.items()))
        digest = hashlib.sha256(hashlib.sha256(code).digest() + taken.encode()).hexdigest()
        return f"{config['FunctionName']}/{digest}"

    def _acquire(self, key: str) -> Worker | None:
        with self._lock:
            idle = self._idle.get(key, [])
            while idle:
                worker = idle.pop()
                if worker.alive:
                    self._busy.add(worker)
                    return worker
            return None

    def _release(self, key: str, worker: Worker) -> None:
        with self._lock:
            self._busy.discard(worker)
            if worker.alive:
                self._idle.setdefault(key, []).append(worker)
                return
        worker.stop()

    def _spawn(
        self, key: str, config: dict[str, Any], code: bytes, credentials: dict[str, str]
    ) -> Worker:
        self._retire(config["FunctionName"], key)
        worker = Worker(config, self._unpack(config["FunctionName"], code), credentials, self._home)
        with self._lock:
            self._busy.add(worker)
        return worker

    def _retire(self, name: str, key: str) -> None:
        """Ends idle workers of the function's earlier code or configuration."""
        with self._lock:
            stale = [other for other in self._idle if other.startswith(f"{name}/") and other != key]
            workers = [worker for other in stale for worker in self._idle.pop(other)]
        for worker in workers:
            worker.stop()

    def _unpack(self, name: str, code: bytes) -> Path:
        digest = hashlib.sha256(code).hexdigest()[:16]
        folder = self._home.functions / f"{safe_name(name)}-{digest}"
        with self._lock:
            if not folder.exists():
                with zipfile.ZipFile(io.BytesIO(code)) as archive:
                    archive.extractall(folder)
        return folder


def _site_packages() -> list[str]:
    """Where this interpreter's packages lie, in place of the function's layers."""
    paths = sysconfig.get_paths()
    return list(dict.fromkeys([paths["purelib"], paths["platlib"]]))
