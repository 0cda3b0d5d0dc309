"""The training snapshot: labelled, mature rows of the history, split and ready to learn from.

The rows keep the history's order (periods in time, rows as their files have them): one version of
the history, one project and one `SplitPlan` always give the same bytes (with the same pyarrow).
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dropforge.drops import SnapshotSummary
from dropforge.errors import NoTrainingData
from dropforge.project import ProjectSpec
from sagemaker_jobs.history.table import History
from sagemaker_jobs.snapshot.aggregates import FILE, Aggregates
from sagemaker_jobs.snapshot.champion import ChampionFacts
from sagemaker_jobs.snapshot.keys import digest
from sagemaker_jobs.snapshot.maturity import mature_periods
from sagemaker_jobs.snapshot.outcomes import check_labels, check_outcomes
from sagemaker_jobs.snapshot.plan import SplitPlan
from sagemaker_jobs.snapshot.rows import RowIndex, copied_rows, read_index, write_parts
from sagemaker_jobs.snapshot.split import Split, choose_holdout, split_rows
from sagemaker_jobs.snapshot.target import class_names


@dataclass(frozen=True)
class Snapshot:
    """A snapshot's folder and what it holds."""

    folder: Path
    summary: SnapshotSummary


@dataclass(frozen=True)
class Written:
    """The rows of a snapshot on their way: their index, their splits, and the files' SHA-256."""

    index: RowIndex
    split: Split
    files: dict[str, str]

    @property
    def masks(self) -> dict[str, NDArray[np.bool_]]:
        """Which indexed rows a split's file has."""
        return masks(self.split)


def build_snapshot(
    spec: ProjectSpec,
    history: History,
    champion: ChampionFacts | None,
    folder: Path,
    uri: str,
    *,
    judged_before: Callable[[str], int] = lambda period: 0,
    warm_start: Sequence[Mapping[str, Any]] = (),
    today: dt.date | None = None,
) -> Snapshot:
    """Write train, validation, holdout and aggregates as Parquet, snapshot.json and spec.json.

    `judged_before` tells how often a period has judged already. Two passes over the history: the
    first decides which row goes where and holds about 40 bytes a row, the second copies row groups.

    Raises:
        NoTrainingData: no labelled and mature rows, labels that are not the task's, or one
            outcome only.
        ContractBroken, InvalidProject: a group or aggregates that the history does not give.
    """
    plan, index = _decide(spec, history, champion, today or dt.datetime.now(dt.UTC).date())
    written = write_rows(spec, history, plan, index, folder)
    summary = _summary(spec, history, written, uri)
    document = {
        "summary": summary.model_dump(mode="json"),
        "project_version": spec.version,
        "task": spec.task,
        "classes": class_names(spec),
        "champion": champion.version if champion else None,
        "judged_before": judged_before(written.split.holdout_period),
        "seed": plan.seed,
        "split": plan.document(),
        "known_columns": history.schema.names if history.schema else [],
        "warm_start": list(warm_start),
        "whole_periods": _whole_periods(index, ~written.split.holdout),
        "shared_ids": {"train_holdout": _shared(index.ids, written.split.holdout)},
        "aggregates": {
            "names": list(spec.features.aggregates),
            "as_of": history.in_order()[-1] if spec.features.aggregates else None,
        },
        "keys_sha256": {name: digest(index.keys[mask]) for name, mask in written.masks.items()},
        "files_sha256": written.files,
    }
    (folder / "snapshot.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    (folder / "spec.json").write_text(spec.canonical_json(), encoding="utf-8")
    return Snapshot(folder, summary)


def write_rows(
    spec: ProjectSpec, history: History, plan: SplitPlan, index: RowIndex, folder: Path
) -> Written:
    """Split the indexed rows by the plan and copy them into their files."""
    check_labels(spec, index.labels)
    split = _split(spec, plan, index)
    check_outcomes(spec, index.labels, split)
    folder.mkdir(parents=True, exist_ok=True)
    aggregates = Aggregates(spec, plan.today) if spec.features.aggregates else None
    rows = copied_rows(spec, history, plan.mature, aggregates)
    write_parts(rows, index, masks(split), folder)
    names = [f"{name}.parquet" for name in masks(split)]
    if aggregates:
        pq.write_table(aggregates.finish(), folder / FILE, compression="zstd")
        names.append(FILE)
    return Written(index, split, {Path(n).stem: _sha256(folder / n) for n in names})


def masks(split: Split) -> dict[str, NDArray[np.bool_]]:
    """The splits by their files' names."""
    return {"train": split.train, "validation": split.validation, "holdout": split.holdout}


def _decide(
    spec: ProjectSpec, history: History, champion: ChampionFacts | None, today: dt.date
) -> tuple[SplitPlan, RowIndex]:
    if history.schema is None:
        raise NoTrainingData(
            f"Looked for labelled rows of {spec.name}: nothing was dropped yet.",
            next_command=f"dropforge drop {spec.history}.csv --project {spec.name}",
        )
    mature = mature_periods(history.in_order(), spec.label_maturity_days, today)
    index = read_index(spec, history, mature, spec.tune.seed)
    present = index.periods_of(np.ones(len(index.labels), dtype=bool))
    used = champion.used_periods if champion else []
    plan = SplitPlan(today, mature, choose_holdout(present, used), used, spec.tune.seed)
    return plan, index


def _split(spec: ProjectSpec, plan: SplitPlan, index: RowIndex) -> Split:
    # A value to be predicted has no strata: quantiles would tie each row's side to all the others.
    values = spec.task == "regression"
    strata = np.zeros(len(index.labels)) if values else index.labels
    return split_rows(
        periods=np.asarray(index.periods)[index.places],
        strata=strata.astype(np.int16),
        draw=index.draw,
        holdout_draw=index.holdout_draw,
        grouped=spec.group is not None,
        holdout_period=plan.holdout_period,
        holdout_share=spec.holdout_share,
        validation_share=spec.validation_share,
    )


def _summary(spec: ProjectSpec, history: History, written: Written, uri: str) -> SnapshotSummary:
    rows = {name: int(mask.sum()) for name, mask in written.masks.items()}
    judged = written.index.labels[written.split.holdout]
    return SnapshotSummary(
        lake_version=history.version or 0,
        train_rows=rows["train"],
        validation_rows=rows["validation"],
        holdout_rows=rows["holdout"],
        holdout_positives=int((judged == 1).sum()) if spec.task == "binary" else None,
        train_periods=written.index.periods_of(~written.split.holdout),
        holdout_period=written.split.holdout_period,
        uri=uri,
    )


def _whole_periods(index: RowIndex, used: NDArray[np.bool_]) -> list[str]:
    """The periods of which every row is used for learning."""
    partly = set(index.periods_of(~used))
    return [period for period in index.periods_of(used) if period not in partly]


def _shared(ids: NDArray[np.uint64], holdout: NDArray[np.bool_]) -> int:
    """Holdout rows whose id is in train or validation too: normal where ids come each period."""
    return int(np.isin(ids[holdout], ids[~holdout]).sum())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
