"""The reproducing job: a registered model made again from its lineage, and what differs.

The rows are read from the version of the history that the model learnt from, split by the recorded
decisions, and learnt from with the chosen parameters and rounds: the search is not repeated. On the
same image and CPU architecture every file comes out byte for byte.
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dropforge import layout
from dropforge.aws.projects import fetch_project
from dropforge.errors import ArtifactBroken
from dropforge.project import ProjectSpec
from dropforge.reproduction import Difference, FileComparison, Reproduction
from sagemaker_jobs import paths
from sagemaker_jobs.artifact.lineage import environment
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.history.table import History
from sagemaker_jobs.learning.dataset import row_groups
from sagemaker_jobs.learning.replay import replay
from sagemaker_jobs.settings import Settings, job_parser
from sagemaker_jobs.snapshot.rebuild import rebuild_snapshot, recorded

logger = logging.getLogger(__name__)

FILES = ("model.txt", "features.json", "contract.json", "row_keys.bin")
SOME_FILES = ("judged/model.txt", "judged/row_keys.bin", "aggregates.parquet", "features.py")
"""Compared where the artifact has them."""

RESULT = "reproduction.json"


def main(arguments: list[str]) -> None:
    """Run the job as `dropforge reproduce` starts it; `--run` is the job's own name."""
    parser = job_parser("reproduce")
    parser.add_argument("--model-version", required=True)
    given = parser.parse_args(arguments)
    lake = Settings.from_environment().lake_bucket
    artifact = paths.processing_input("artifact")
    lineage = read_lineage(artifact)
    result = reproduce(
        fetch_project(lake, given.project, given.project_version),
        History(str(layout.history_table(lake, given.project)), lineage["lake_version"]),
        artifact,
        lineage,
        paths.scratch(),
        version=given.model_version,
        job=given.run,
    )
    out = paths.processing_output("reproduction") / RESULT
    out.write_text(result.model_dump_json(indent=1), encoding="utf-8")


def read_lineage(artifact: Path) -> dict[str, Any]:
    """An artifact's lineage.json.

    Raises:
        ArtifactBroken: it is absent, not JSON, or of a release that did not record what decides.
    """
    try:
        lineage: dict[str, Any] = json.loads((artifact / "lineage.json").read_text("utf-8"))
        recorded(lineage), lineage["loader"], lineage["judged"], lineage["parameters"]
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactBroken(
            f"The artifact's lineage.json does not say how the model was made: {error!r}. "
            "Nothing was changed."
        ) from error
    return lineage


def reproduce(
    spec: ProjectSpec,
    history: History,
    artifact: Path,
    lineage: dict[str, Any],
    folder: Path,
    *,
    version: str,
    job: str,
) -> Reproduction:
    """Make the model again below `folder`, and compare it with `artifact` file by file.

    Raises:
        UnknownVersion: rows of that version of the history were vacuumed.
        NoTrainingData: the history at that version does not hold such rows.
    """
    started = time.perf_counter()
    snapshot, again = folder / "snapshot", folder / "model"
    rebuilt = rebuild_snapshot(spec, history, recorded(lineage), snapshot)
    replay(snapshot, lineage, again)
    files = list(_compared(artifact, again))
    differs = not next(file for file in files if file.name == "model.txt").equal
    found, rows = _furthest(artifact, again, snapshot / "holdout.parquet") if differs else (None, 0)
    result = Reproduction(
        project=spec.name,
        model_version=version,
        run=lineage["run"],
        job=job,
        files=files,
        other_rows=rebuilt.other_rows,
        other_bytes=rebuilt.other_bytes,
        differences=list(_changes(lineage, environment())),
        max_score_difference=found,
        rows_compared=rows,
        seconds=time.perf_counter() - started,
    )
    logger.info("v%s made again: %s", version, "equal" if result.equal else "not equal")
    return result


def _compared(artifact: Path, again: Path) -> Iterator[FileComparison]:
    for name in (*FILES, *(n for n in SOME_FILES if (artifact / n).exists())):
        yield FileComparison(
            name=name, registered=_sha256(artifact / name), made_again=_sha256(again / name)
        )


def _furthest(artifact: Path, again: Path, holdout: Path) -> tuple[float, int]:
    """How far the two models' scores are apart at most, and over how many rows."""
    first, second = Scorer.load(artifact), Scorer.load(again)
    furthest, rows = 0.0, 0
    for table in row_groups(holdout):
        scores = [s.scores(frame_from_arrow(table, s.features)) for s in (first, second)]
        if table.num_rows:
            furthest = max(furthest, float(np.abs(scores[0] - scores[1]).max()))
        rows += table.num_rows
    return furthest, rows


def _changes(lineage: dict[str, Any], now: dict[str, Any]) -> Iterator[Difference]:
    """What of this process's environment is not the recorded one; what is unknown is not said."""
    for name, value in _flat(now).items():
        before = _flat(lineage).get(name)
        if before is not None and value is not None and before != value:
            yield Difference(name=name, registered=str(before), now=str(value))


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    known = ("image", "lock_sha256", "python", "architecture")
    nested = {**document.get("code", {}), **document.get("libraries", {})}
    return {name: document.get(name) for name in known} | nested


def _sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
