"""One local file taken into a lake that is a folder, by the code that Prepare runs.

python -m benchmarks.ours.accumulate PROJECT_JSON LAKE CSV NAME
"""

import datetime as dt
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropforge.dropkey import drop_id
from dropforge.drops import DropOutcome, DropRecord
from dropforge.layout import S3Uri
from dropforge.project import ProjectSpec, parse_project
from sagemaker_jobs.accept.drop import DropReader
from sagemaker_jobs.history.table import History

BUCKET, VERSION = "bench", "1"


def accumulate(spec: ProjectSpec, lake: Path, file: Path, name: str) -> DropOutcome:
    """Accept `file` as the drop `name` into the table `lake`/history.

    The one place that knows how the product is called.
    """
    objects = LocalObjects(lake)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=lake.parent) as folder:
        reader = DropReader(
            spec,
            History(str(lake / "history")),
            lambda period, drop: S3Uri(BUCKET, f"quarantine/{period}/{drop}"),
            s3=LocalDrop(file),
            read=objects.read,
            write=objects.write,
            profiles=S3Uri(BUCKET, "profiles"),
            folder=Path(folder),
        )
        return reader.accept(_record(spec, name)).outcome


@dataclass(frozen=True)
class LocalObjects:
    """The lake's objects as files."""

    folder: Path

    def read(self, uri: S3Uri) -> bytes | None:
        """An object's bytes; None if there is no such object."""
        path = self.folder / uri.key
        return path.read_bytes() if path.exists() else None

    def write(self, uri: S3Uri, body: bytes, _kind: str) -> str:
        """Write an object."""
        path = self.folder / uri.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return str(uri)


@dataclass(frozen=True)
class LocalDrop:
    """As much of an S3 client, and of an answer's body, as a drop is fetched with."""

    file: Path

    def get_object(self, **_: Any) -> dict[str, Any]:
        """The one object there is."""
        return {"Body": self}

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        """Its bytes."""
        with self.file.open("rb", buffering=0) as stream:
            while chunk := stream.read(size):
                yield chunk


def _record(spec: ProjectSpec, name: str) -> DropRecord:
    now = dt.datetime.now(dt.UTC)
    key = f"{spec.name}/{name}"
    return DropRecord(
        id=drop_id(BUCKET, key, VERSION),
        project=spec.name,
        bucket=BUCKET,
        key=key,
        version=VERSION,
        state="claimed",
        created_at=now,
        updated_at=now,
    )


if __name__ == "__main__":
    project, folder, csv, drop_name = sys.argv[1:]
    taken = accumulate(
        parse_project(Path(project).read_text(encoding="utf-8")), Path(folder), Path(csv), drop_name
    )
    print(json.dumps({"state": taken.state, "rows": taken.rows, "rejected": taken.rejected}))
