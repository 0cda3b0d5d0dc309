"""The rows that a model may be judged on: those that it has not seen."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dropforge.metrics import Task
from dropforge.project import ProjectSpec
from sagemaker_jobs.artifact.twin import judged_folder
from sagemaker_jobs.snapshot.columns import KEY, LABEL
from sagemaker_jobs.snapshot.keys import read_keys

Mask = NDArray[np.bool_]
Twin = Literal["deployed", "judged"]


@dataclass(frozen=True)
class Contender:
    """An artifact to compare with, and its version."""

    folder: Path
    version: str


def contender(folder: Path | None, version: str | None) -> Contender | None:
    """An artifact if there is one."""
    return Contender(folder, version) if folder is not None and version is not None else None


def judgeable(task: Task, table: pa.Table) -> bool:
    """Whether a model can be judged on the rows: two different outcomes, or two values."""
    if task == "regression":
        return bool(table.num_rows >= 2)
    return len(pc.unique(table.column(LABEL))) >= 2


def clean_rows(
    spec: ProjectSpec, holdout: pa.Table, champion: Contender | None
) -> tuple[Mask, Twin]:
    """The rows that the champion has not seen, and which of its models is judged on them.

    A champion fitted again on all rows leaves few; its twin, made without its own holdout, then
    stands for it.
    """
    if champion is None:
        return np.ones(holdout.num_rows, dtype=bool), "deployed"
    unseen = unseen_rows(holdout, champion.folder)
    twin = judged_folder(champion.folder)
    if _enough(spec, holdout, unseen) or twin == champion.folder:
        return unseen, "deployed"
    of_twin = unseen_rows(holdout, twin)
    return (of_twin, "judged") if of_twin.sum() > unseen.sum() else (unseen, "deployed")


def _enough(spec: ProjectSpec, holdout: pa.Table, rows: Mask) -> bool:
    table = holdout.filter(pa.array(rows))
    if not judgeable(spec.task, table):
        return False
    counted = table.num_rows
    if spec.task == "binary":
        counted = int(table.column(LABEL).to_numpy().sum())
    return counted >= spec.promotion.min_positives


def unseen_rows(table: pa.Table, folder: Path) -> Mask:
    """Which rows an artifact's model was not made from."""
    mask: Mask = ~np.isin(table.column(KEY).to_numpy(), read_keys(folder))
    return mask


def seen_all(spec: ProjectSpec) -> str:
    """Why a model is not judged that leaves too few rows."""
    if spec.task == "regression":
        return "it has seen all of the holdout's rows"
    return "it has seen all of one outcome's rows in the holdout"
