"""Lines of a job's log into CloudWatch Logs, with the job's role."""

import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

_BATCH = 500
# A role that may not create the group finds none when it creates the stream.
_NO_PERMISSION = ("AccessDeniedException", "ResourceNotFoundException")


class LogShipper:
    """Follows a log file and ships what is new at each call of `ship`.

    A role without the permission gets no log stream, as on AWS:
    https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
    """

    def __init__(self, logs: Any, group: str, stream: str, file: Path) -> None:
        self._logs, self._group, self._stream, self._file = logs, group, stream, file
        self._offset = 0
        self._refused = False
        self._created = False

    def ship(self, final: bool = False) -> None:
        """Sends the complete lines written since the last call; at the end, also the last one."""
        if self._refused or not self._file.exists():
            return
        with self._file.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        if not final:
            data = data[: data.rfind(b"\n") + 1]
        self._offset += len(data)
        moment = int(time.time() * 1000)
        events = [
            {"timestamp": moment, "message": line}
            for line in data.decode(errors="replace").splitlines()
            if line.strip()
        ]
        for start in range(0, len(events), _BATCH):
            self._put(events[start : start + _BATCH])

    def _put(self, events: list[dict[str, Any]]) -> None:
        try:
            if not self._created:
                self._create()
            self._logs.put_log_events(
                logGroupName=self._group, logStreamName=self._stream, logEvents=events
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NO_PERMISSION:
                raise
            self._refused = True

    def _create(self) -> None:
        for create, names in (
            (self._logs.create_log_group, {"logGroupName": self._group}),
            (
                self._logs.create_log_stream,
                {"logGroupName": self._group, "logStreamName": self._stream},
            ),
        ):
            try:
                create(**names)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code != "ResourceAlreadyExistsException" and not (
                    code == "AccessDeniedException" and len(names) == 1
                ):
                    raise
        self._created = True
