"""A snapshot made again from its record: the first half of reproducing a model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropforge.project import ProjectSpec
from sagemaker_jobs.history.errors import UnknownVersion
from sagemaker_jobs.history.table import History
from sagemaker_jobs.snapshot.build import write_rows
from sagemaker_jobs.snapshot.keys import digest
from sagemaker_jobs.snapshot.plan import SplitPlan
from sagemaker_jobs.snapshot.rows import read_index


@dataclass(frozen=True)
class Rebuilt:
    """The files made again.

    Attributes:
        folder: as `build_snapshot` leaves it.
        other_rows: splits whose rows are not the recorded ones.
        other_bytes: files (without ending) whose bytes are not the recorded ones: other rows or
            values, or the same ones written by another pyarrow.
    """

    folder: Path
    other_rows: list[str]
    other_bytes: list[str]

    @property
    def equal(self) -> bool:
        """Whether every file has the recorded bytes."""
        return not self.other_bytes


def rebuild_snapshot(
    spec: ProjectSpec, history: History, document: Mapping[str, Any], folder: Path
) -> Rebuilt:
    """Write the files of a snapshot again.

    `history` is opened at the record's version: `History(uri, summary["lake_version"])`.
    `document` is the snapshot.json, or whatever else carries its `split`, `files_sha256` and
    `keys_sha256`; the copy of it beside the files has the hashes found now.

    Raises:
        NoTrainingData: the history at that version does not hold such rows.
        UnknownVersion: rows of that version were vacuumed.
        KeyError: the document was written by an earlier release and does not say what decided.
    """
    plan = SplitPlan.read(document["split"])
    try:
        index = read_index(spec, history, plan.mature, plan.seed)
        written = write_rows(spec, history, plan, index, folder)
    except FileNotFoundError as error:
        raise UnknownVersion.vacuumed(history.uri, history.version) from error
    keys = {name: digest(index.keys[mask]) for name, mask in written.masks.items()}
    again = {**document, "keys_sha256": keys, "files_sha256": written.files}
    (folder / "snapshot.json").write_text(json.dumps(again, indent=1), encoding="utf-8")
    (folder / "spec.json").write_text(spec.canonical_json(), encoding="utf-8")
    return Rebuilt(
        folder,
        other_rows=_other(document["keys_sha256"], keys),
        other_bytes=_other(document["files_sha256"], written.files),
    )


def recorded(lineage: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot.json that a model's lineage.json carries along.

    Raises:
        KeyError: the lineage was written by an earlier release, which did not.
    """
    return {
        **lineage["split"],
        "warm_start": lineage["warm_start"],
        "files_sha256": lineage["snapshot"],
    }


def _other(recorded: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    names = dict.fromkeys([*recorded, *found])
    return [name for name in names if recorded.get(name) != found.get(name)]
