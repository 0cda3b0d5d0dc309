"""The life of a job: create, describe, list, stop, and the thread that runs it."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import roles
from local.corrections.gateway import arn
from local.home import Home, safe_name
from local.sagemaker.container import SESSION_NAME, Container, reap
from local.sagemaker.errors import InUse, Invalid
from local.sagemaker.kinds import Kind, Processing, message
from local.sagemaker.logs import LogShipper
from local.sagemaker.store import Document, Store, now
from local.sagemaker.transfers import TransferFailed

ENDED = ("Completed", "Failed", "Stopped")
STOP_GRACE = 10.0
_POLL = 0.5

Emit = Callable[[str, str, Document], None]


class Jobs:
    """All jobs of one kind."""

    def __init__(self, kind: Kind, home: Home, emit: Emit) -> None:
        self.kind = kind
        self._folders = home.jobs
        self._store = Store(home.state / f"sagemaker-{kind.kind}s.json")
        self._emit = emit
        self._ended: dict[str, threading.Event] = {}
        self._running: dict[str, Container] = {}
        self._stopping: set[str] = set()
        self._closing = False

    def create(self, request: Document) -> Document:
        """Stores the job as InProgress and starts it."""
        prefix, name = self.kind.prefix, request[f"{self.kind.prefix}Name"]
        job_arn = arn(self.kind.kind, name)
        tags = request.pop("Tags", None)
        job = request | {
            f"{prefix}Arn": job_arn,
            f"{prefix}Status": "InProgress",
            "CreationTime": now(),
            "LastModifiedTime": now(),
        }
        if prefix == "TrainingJob":
            job |= {
                "SecondaryStatus": "Starting",
                "SecondaryStatusTransitions": [
                    {"Status": "Starting", "StartTime": now(), "StatusMessage": "Starting"}
                ],
            }
        self._store.add(name, job, lambda _: InUse(self.kind.taken.format(arn=job_arn)))
        self._ended[name] = threading.Event()
        self._announce(job)
        threading.Thread(target=self._run, args=(name,), daemon=True, name=f"job {name}").start()
        return {f"{prefix}Arn": job_arn, "Tags": tags}

    def describe(self, request: Document) -> Document:
        """The job as it is."""
        name = request[f"{self.kind.prefix}Name"]
        job = self._store.get(name)
        if job is None:
            raise Invalid(self.kind.missing.format(name=name))
        return job

    def list(self, request: Document) -> Document:
        """Summaries, newest first unless SortOrder says otherwise; one page."""
        prefix = self.kind.prefix
        fields = (
            f"{prefix}Name",
            f"{prefix}Arn",
            f"{prefix}Status",
            "CreationTime",
            "LastModifiedTime",
            f"{prefix.removesuffix('Job')}EndTime",
            "FailureReason",
            "ExitMessage",
            "SecondaryStatus",
        )
        wanted = [
            job
            for job in self._store
            if request.get("NameContains", "") in job[f"{prefix}Name"]
            and request.get("StatusEquals", job[f"{prefix}Status"]) == job[f"{prefix}Status"]
        ]
        wanted.sort(
            key=lambda job: job["CreationTime"],
            reverse=request.get("SortOrder", "Descending") == "Descending",
        )
        return {
            f"{prefix}Summaries": [
                {field: job[field] for field in fields if field in job}
                for job in wanted[: request.get("MaxResults", 100)]
            ]
        }

    def stop(self, request: Document) -> Document:
        """Asks a running job to stop; a job that has ended is left as it is."""
        job = self.describe(request)
        name = job[f"{self.kind.prefix}Name"]
        if job[f"{self.kind.prefix}Status"] == "InProgress":
            self._stopping.add(name)
            self._set(name, "Stopping")
        return {}

    def wait(self, name: str, seconds: float) -> bool:
        """Waits until the job has ended, at most so long; whether it has."""
        event = self._ended.get(name)
        return event is None or event.wait(seconds)

    def resume(self) -> None:
        """After a restart: what was running then has failed."""
        for job in self._store:
            name = job[f"{self.kind.prefix}Name"]
            if job[f"{self.kind.prefix}Status"] not in ENDED:
                reap(self._folders / safe_name(name))
                self._set(
                    name,
                    "Failed",
                    FailureReason="InternalServerError: the local cloud "
                    "was restarted while the job ran. Please try again.",
                )

    def shutdown(self) -> None:
        """Ends every process; the jobs stay InProgress, `resume` says what became of them."""
        self._closing = True
        for container in list(self._running.values()):
            container.stop(grace=1.0)

    def _run(self, name: str) -> None:
        job = self._store.get(name)
        assert job is not None
        folder = self._fresh_folder(name)
        container = self.kind.container(job, folder)
        logs = LogShipper(
            roles.client("logs", job["RoleArn"], SESSION_NAME),
            self.kind.log_group,
            f"{name}/algo-1-{int(time.time())}",
            container.log,
        )
        try:
            status, fields = self._work(name, job, container, logs)
        except (TransferFailed, ClientError, BotoCoreError, OSError, ValueError) as error:
            text = str(error)
            status = "Failed"
            fields = {
                "FailureReason": text
                if ": " in text and isinstance(error, TransferFailed)
                else f"ClientError: {text}"
            }
        finally:
            self._running.pop(name, None)
        if self._closing:
            return
        try:
            logs.ship(final=True)
        finally:
            end = f"{self.kind.prefix.removesuffix('Job')}EndTime"
            self._set(name, status, **{end: now()}, **fields)
            self._stopping.discard(name)
            self._ended[name].set()

    def _work(
        self, name: str, job: Document, container: Container, logs: LogShipper
    ) -> tuple[str, Document]:
        """Download, run, upload; the final status and the fields that go with it."""
        s3 = roles.client("s3", job["RoleArn"], SESSION_NAME)
        self._stage(name, "Downloading")
        self.kind.download(job, container, s3)
        if name in self._stopping:
            return "Stopped", {}
        start = now()
        self._stage(name, "Training", **{f"{self.kind.prefix.removesuffix('Job')}StartTime": start})
        container.start()
        self._running[name] = container
        overtime = self._watch(name, job, container, logs)
        code = container.exit_code()
        if name in self._stopping and not overtime:
            return "Stopped", {}
        if overtime:
            return "Stopped", self._overtime(job, container, s3)
        if code != 0:
            return "Failed", self.kind.failure(container, code)
        self._stage(name, "Uploading")
        fields = self.kind.upload(job, container, s3)
        if self.kind is Processing:
            return "Completed", fields | message(container)
        return "Completed", fields | {
            "TrainingTimeInSeconds": int(now() - start),
            "BillableTimeInSeconds": int(now() - start),
            "SecondaryStatus": "Completed",
        }

    def _watch(self, name: str, job: Document, container: Container, logs: LogShipper) -> bool:
        """Waits for the process, ships its log, stops it when asked; whether time ran out."""
        limit = self.kind.max_runtime(job)
        deadline = time.monotonic() + limit if limit else None
        while not container.wait(_POLL if name not in self._stopping else 0.01):
            logs.ship()
            if name in self._stopping:
                container.stop(STOP_GRACE)
            elif deadline and time.monotonic() > deadline:
                container.stop(STOP_GRACE)
                return True
        return False

    def _overtime(self, job: Document, container: Container, s3: Any) -> Document:
        """A training job that ran out of time keeps the model it has written."""
        if self.kind is Processing:
            return {"ExitMessage": "MaxRuntimeExceeded"}
        return self.kind.upload(job, container, s3) | {"SecondaryStatus": "MaxRuntimeExceeded"}

    def _fresh_folder(self, name: str) -> Path:
        folder = self._folders / safe_name(name)
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return folder

    def _stage(self, name: str, stage: str, **fields: Any) -> None:
        if self.kind is not Processing:
            fields["SecondaryStatus"] = stage
        self._store.update(name, **fields)

    def _set(self, name: str, status: str, **fields: Any) -> None:
        if self.kind is not Processing and "SecondaryStatus" not in fields:
            fields["SecondaryStatus"] = status
        self._announce(self._store.update(name, **{f"{self.kind.prefix}Status": status}, **fields))

    def _announce(self, job: Document) -> None:
        self._emit(self.kind.event, job[f"{self.kind.prefix}Arn"], job)
