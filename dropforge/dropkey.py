"""The drop contract's key: `<project>/<anything>/<name>.<ext>`."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from dropforge.errors import InvalidDropKey

EXTENSIONS = ("csv.gz", "csv", "tsv", "parquet", "jsonl", "xlsx")

PROJECT_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class DropKey:
    """A decoded object key, taken apart. `stem` is the file's name without its extension."""

    key: str
    project: str
    stem: str
    extension: str

    @classmethod
    def parse(cls, key: str) -> Self:
        """Take a decoded key apart.

        Raises:
            InvalidDropKey: no project folder, or an extension that is not read.
        """
        project, _, rest = key.partition("/")
        if not rest or not PROJECT_NAME.fullmatch(project):
            raise InvalidDropKey(
                f"The key {key!r} lies in no project's folder: expected <project>/<name>.<ext>, "
                "the project in lower-case letters, digits, - and _."
            )
        name = rest.rsplit("/", 1)[-1]
        for extension in EXTENSIONS:
            if name.lower().endswith(f".{extension}") and len(name) > len(extension) + 1:
                return cls(key, project, name[: -len(extension) - 1], extension)
        raise InvalidDropKey(
            f"The file {name!r} has no extension that is read: expected one of "
            f"{', '.join(sorted(EXTENSIONS))}."
        )

    @property
    def name(self) -> str:
        """The file's name as a person knows it."""
        return self.key.rsplit("/", 1)[-1]


def drop_id(bucket: str, key: str, version: str) -> str:
    """The identity of one version of one object: 32 hexadecimal characters."""
    return hashlib.sha256(f"{bucket}\n{key}\n{version}".encode()).hexdigest()[:32]


def claimed_project(key: str) -> str:
    """The project whose folder a key lies in, or `-`: where the ledger files a bad key."""
    first = key.partition("/")[0]
    return first if "/" in key and PROJECT_NAME.fullmatch(first) else "-"
