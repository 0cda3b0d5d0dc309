"""A job's environment and arguments, read once at the edge."""

import argparse
import os
from dataclasses import dataclass
from typing import Self

from dropforge.errors import DropforgeError


@dataclass(frozen=True)
class Settings:
    """What the stack tells every processing job by its environment."""

    stage: str
    lake_bucket: str
    drop_bucket: str
    ledger_table: str
    tracking_server: str | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Read DROPFORGE_*.

        Raises:
            DropforgeError: a variable is missing: the job was not started by the stack.
        """
        names = {
            "stage": "DROPFORGE_STAGE",
            "lake_bucket": "DROPFORGE_LAKE_BUCKET",
            "drop_bucket": "DROPFORGE_DROP_BUCKET",
            "ledger_table": "DROPFORGE_LEDGER_TABLE",
        }
        missing = [name for name in names.values() if not os.environ.get(name)]
        if missing:
            raise DropforgeError(
                f"The job's environment lacks {', '.join(missing)}: it was not started by the "
                "stack's state machine."
            )
        return cls(
            **{field: os.environ[name] for field, name in names.items()},
            tracking_server=os.environ.get("DROPFORGE_TRACKING_SERVER"),
        )


def job_parser(job: str) -> argparse.ArgumentParser:
    """The arguments that every processing job takes."""
    parser = argparse.ArgumentParser(prog=f"python -m sagemaker_jobs {job}", allow_abbrev=False)
    parser.add_argument("--project", required=True)
    parser.add_argument("--project-version", required=True)
    parser.add_argument("--run", required=True)
    return parser
