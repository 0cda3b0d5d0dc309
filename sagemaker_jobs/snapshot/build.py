"""The training snapshot: labelled, mature rows of the history, split and ready to learn from.

The rows keep the history's order (periods in time, rows as their files have them): one version of
the history always gives the same bytes.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dropforge.drops import SnapshotSummary
from dropforge.errors import NoTrainingData
from dropforge.period import Period
from dropforge.project import ProjectSpec
from sagemaker_jobs.features.fit import source_columns
from sagemaker_jobs.history.table import DROP, LINE, PERIOD, History
from sagemaker_jobs.snapshot.champion import ChampionFacts
from sagemaker_jobs.snapshot.keys import digest
from sagemaker_jobs.snapshot.rows import RowIndex, labelled, read_index, write_parts
from sagemaker_jobs.snapshot.split import Split, choose_holdout, split_rows


@dataclass(frozen=True)
class Snapshot:
    """A snapshot's folder and what it holds."""

    folder: Path
    summary: SnapshotSummary


def mature_periods(periods: list[str], days: int, today: dt.date) -> list[str]:
    """The periods whose labels can be trusted: `days` have passed since the period's end."""
    return [p for p in periods if _age(Period.from_canonical(p), today) >= days]


def _age(period: Period, today: dt.date) -> int:
    if period.start is None:
        return 10**6
    if len(period.canonical) == 8:
        return (today - period.start).days
    after = (period.start.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    return max((today - after).days, 0) if today >= period.start else 0


def build_snapshot(
    spec: ProjectSpec,
    history: History,
    champion: ChampionFacts | None,
    folder: Path,
    uri: str,
    *,
    judged_before: Callable[[str], int] = lambda period: 0,
    today: dt.date | None = None,
) -> Snapshot:
    """Write train, validation and holdout Parquet files, snapshot.json and spec.json.

    `judged_before` tells how often a period has judged already. Two passes over the history: the
    first decides which row goes where and holds about 40 bytes a row, the second copies row groups.

    Raises:
        NoTrainingData: no labelled and mature rows, or one outcome only.
    """
    mature = _mature(spec, history, today or dt.datetime.now(dt.UTC).date())
    index = read_index(spec, history, mature)
    split = _split(spec, index, champion)
    _check_outcomes(spec, index.flags, split)
    folder.mkdir(parents=True, exist_ok=True)
    masks = {"train": split.train, "validation": split.validation, "holdout": split.holdout}
    columns = snapshot_columns(spec, (history.schema or pa.schema([])).names)
    rows = history.scan([*columns, PERIOD, DROP, LINE], mature)
    write_parts(labelled(rows, spec.target), index, masks, folder)
    used = ~split.holdout
    summary = SnapshotSummary(
        lake_version=history.version or 0,
        train_rows=int(split.train.sum()),
        validation_rows=int(split.validation.sum()),
        holdout_rows=int(split.holdout.sum()),
        holdout_positives=int((index.flags[split.holdout] == 1).sum()),
        train_periods=index.periods_of(used),
        holdout_period=split.holdout_period,
        uri=uri,
    )
    document = {
        "summary": summary.model_dump(mode="json"),
        "project_version": spec.version,
        "champion": champion.version if champion else None,
        "judged_before": judged_before(split.holdout_period),
        "seed": spec.tune.seed,
        "known_columns": (history.schema or pa.schema([])).names,
        "warm_start": champion.parameters if champion else [],
        "whole_periods": _whole_periods(index, used),
        "keys_sha256": {name: digest(index.keys[mask]) for name, mask in masks.items()},
        "files_sha256": {name: _sha256(folder / f"{name}.parquet") for name in masks},
    }
    (folder / "snapshot.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    (folder / "spec.json").write_text(spec.canonical_json(), encoding="utf-8")
    return Snapshot(folder, summary)


def snapshot_columns(spec: ProjectSpec, available: list[str]) -> list[str]:
    """What training and judging read: no column beyond it leaves the lake."""
    wanted = [
        spec.id,
        spec.target,
        *source_columns(spec.features),
        *([spec.group] if spec.group else []),
        *spec.protected_columns,
    ]
    return [name for name in dict.fromkeys(wanted) if name in available]


def _mature(spec: ProjectSpec, history: History, today: dt.date) -> list[str]:
    if history.schema is None:
        raise NoTrainingData(
            f"Looked for labelled rows of {spec.name}: nothing was dropped yet.",
            next_command=f"dropforge drop {spec.history}.csv --project {spec.name}",
        )
    return mature_periods(history.periods(), spec.label_maturity_days, today)


def _split(spec: ProjectSpec, index: RowIndex, champion: ChampionFacts | None) -> Split:
    if not len(index.flags):
        raise NoTrainingData(
            f"Looked for labelled rows of {spec.name} older than {spec.label_maturity_days} "
            "days: there are none. The history is unchanged."
        )
    every = np.ones(len(index.flags), dtype=bool)
    present = index.periods_of(every)
    return split_rows(
        periods=np.asarray(index.periods)[index.places],
        labels=index.flags,
        draw=index.draw,
        holdout_draw=index.holdout_draw,
        grouped=spec.group is not None,
        holdout_period=choose_holdout(present, champion.used_periods if champion else []),
        holdout_share=spec.holdout_share,
        validation_share=spec.validation_share,
    )


def _check_outcomes(spec: ProjectSpec, flags: NDArray[np.int8], split: Split) -> None:
    for name, mask in (("train", split.train), ("validation", split.validation)):
        if len(np.unique(flags[mask])) < 2:
            raise NoTrainingData(
                f"The {name} rows of {spec.name} ({int(mask.sum()):,}) hold one outcome of "
                f"{spec.target} "
                f"only; positive is {spec.positive!r}. Nothing can be learnt from them. The "
                "history is "
                "unchanged."
            )
    if not split.holdout.any():
        raise NoTrainingData(f"No rows of {spec.name} are left to judge with.")


def _whole_periods(index: RowIndex, used: NDArray[np.bool_]) -> list[str]:
    """The periods of which every row is used for learning."""
    partly = set(index.periods_of(~used))
    return [period for period in index.periods_of(used) if period not in partly]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
