"""The training snapshot: labelled, mature rows of the history, split and ready to learn from."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dropforge.drops import SnapshotSummary
from dropforge.errors import NoTrainingData
from dropforge.period import Period
from dropforge.project import ProjectSpec
from sagemaker_jobs import labels
from sagemaker_jobs.features.fit import source_columns
from sagemaker_jobs.history.table import DROP, LINE, PERIOD, History
from sagemaker_jobs.snapshot.champion import ChampionFacts
from sagemaker_jobs.snapshot.keys import digest, row_keys, uniform
from sagemaker_jobs.snapshot.split import Split, choose_holdout, split_rows

LABEL, KEY = "_label", "_key"
"""Columns of a snapshot's files: 1 for the positive outcome, and the row's key."""

SPLITS = ("train", "validation", "holdout")
ROW_GROUP = 65_536


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

    `judged_before` tells how often a period has judged already.

    Raises:
        NoTrainingData: no labelled and mature rows, or one outcome only.
    """
    rows = _read_rows(spec, history, today or dt.datetime.now(dt.UTC).date())
    keys = row_keys(rows.column(spec.id), rows.column(PERIOD), spec.name)
    flags = labels.positives(rows.column(spec.target), spec.positive)
    rows = rows.append_column(LABEL, pa.array(flags)).append_column(KEY, pa.array(keys))
    split = _split(spec, rows, flags, champion)
    _check_outcomes(spec, flags, split)
    folder.mkdir(parents=True, exist_ok=True)
    masks = {"train": split.train, "validation": split.validation, "holdout": split.holdout}
    for name, mask in masks.items():
        part = rows.filter(pa.array(mask))
        pq.write_table(
            part, folder / f"{name}.parquet", compression="zstd", row_group_size=ROW_GROUP
        )
    used = ~split.holdout
    summary = SnapshotSummary(
        lake_version=history.version or 0,
        train_rows=int(split.train.sum()),
        validation_rows=int(split.validation.sum()),
        holdout_rows=int(split.holdout.sum()),
        holdout_positives=int((flags[split.holdout] == 1).sum()),
        train_periods=_distinct(rows.column(PERIOD).filter(pa.array(used))),
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
        "whole_periods": _whole_periods(rows, used),
        "keys_sha256": {name: digest(keys[mask]) for name, mask in masks.items()},
        "files_sha256": {name: _sha256(folder / f"{name}.parquet") for name in SPLITS},
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


def _read_rows(spec: ProjectSpec, history: History, today: dt.date) -> pa.Table:
    schema = history.schema
    if schema is None:
        raise NoTrainingData(
            f"Looked for labelled rows of {spec.name}: nothing was dropped yet.",
            next_command=f"dropforge drop {spec.history}.csv --project {spec.name}",
        )
    mature = mature_periods(history.periods(), spec.label_maturity_days, today)
    columns = [*snapshot_columns(spec, schema.names), PERIOD, DROP, LINE]
    rows = history.read(columns, mature)
    rows = rows.filter(pc.is_valid(rows.column(spec.target)))
    if not rows.num_rows:
        raise NoTrainingData(
            f"Looked for labelled rows of {spec.name} older than {spec.label_maturity_days} "
            "days: there "
            "are none. The history is unchanged."
        )
    # By period and source line: the same history always gives the same bytes.
    order = {p.canonical: i for i, p in enumerate(sorted(map(Period.from_canonical, mature)))}
    place = pa.array([order[p] for p in rows.column(PERIOD).to_pylist()], pa.int32())
    rows = rows.append_column("_order", place)
    by = [("_order", "ascending"), (DROP, "ascending"), (LINE, "ascending")]
    return rows.sort_by(by).drop_columns(["_order"]).combine_chunks()


def _split(
    spec: ProjectSpec, rows: pa.Table, flags: NDArray[np.int8], champion: ChampionFacts | None
) -> Split:
    periods = rows.column(PERIOD).to_pylist()
    holdout = choose_holdout(set(periods), champion.used_periods if champion else [])
    if spec.group:
        units = [str(group) for group in rows.column(spec.group).to_pylist()]
    else:
        ids = rows.column(spec.id).to_pylist()
        units = [f"{p}\0{i}" for p, i in zip(periods, ids, strict=True)]
    return split_rows(
        periods=periods,
        labels=flags,
        draw=uniform(units, f"validation\0{spec.tune.seed}"),
        holdout_draw=uniform(units, f"holdout\0{spec.tune.seed}"),
        grouped=spec.group is not None,
        holdout_period=holdout,
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


def _whole_periods(rows: pa.Table, used: NDArray[np.bool_]) -> list[str]:
    """The periods of which every row is used for learning."""
    periods = rows.column(PERIOD)
    partly = set(_distinct(periods.filter(pa.array(~used))))
    return [p for p in _distinct(periods.filter(pa.array(used))) if p not in partly]


def _distinct(column: pa.ChunkedArray) -> list[str]:
    return [
        p.canonical for p in sorted(Period.from_canonical(v) for v in pc.unique(column).to_pylist())
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
