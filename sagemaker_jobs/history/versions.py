"""The table's versions: listed, shown, compared, brought back, and ended when none needs them."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from sagemaker_jobs.history.columns import DROP
from sagemaker_jobs.history.errors import HistoryConflict, UnknownVersion
from sagemaker_jobs.history.log import open_table
from sagemaker_jobs.history.table import History

_PREFIX = "dropforge."


@dataclass(frozen=True)
class Version:
    """One commit. `kind`: of drop, or what else was done; `rows`: the period's after it."""

    version: int
    at: dt.datetime
    kind: str
    period: str | None = None
    rows: int | None = None
    drop: str | None = None
    key: str | None = None
    by: str | None = None
    run: str | None = None


@dataclass(frozen=True)
class PeriodRows:
    """A period at one version, and the drops that its rows come from."""

    period: str
    rows: int
    bytes: int
    drops: list[str] = field(default_factory=list)


def log(uri: str) -> list[Version]:
    """Every version, the newest first; none before the first commit."""
    table = open_table(uri)
    return [_version(commit) for commit in table.history()] if table is not None else []


def show(uri: str, version: int | None = None) -> list[PeriodRows]:
    """The periods at a version (default: now), in time's order.

    Raises:
        UnknownVersion: no such version, or its rows were vacuumed.
    """
    history = History(uri, version)
    return [_period(history, period) for period in history.in_order()]


def restore(uri: str, version: int, by: str, run: str) -> int:
    """Make an old version's rows the current ones, as a new version; answers that.

    Raises:
        UnknownVersion: no such version, or its rows were vacuumed.
        HistoryConflict: another writer changed the table meanwhile.
    """
    table = _existing(uri)
    now = table.version()
    History(uri, version)
    why = {"kind": f"restore of {version}", "by": by, "run": run}
    try:
        table.restore(
            version,
            commit_properties=CommitProperties({_PREFIX + k: v for k, v in why.items()}),
        )
    except CommitFailedError as error:
        raise HistoryConflict(f"restore version {version}", uri, now) from error
    except DeltaError as error:
        raise UnknownVersion(
            f"Version {version} of {uri} cannot be restored: rows of it were vacuumed. The "
            "history is unchanged."
        ) from error
    restored = _existing(uri).version()
    assert restored is not None
    return restored


def versions_to_keep(uri: str, named: Collection[int], days: int) -> list[int]:
    """The current version, those that were current in the last `days`, and the `named` ones."""
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    kept = set(named)
    for version in log(uri):
        kept.add(version.version)
        if version.at < since:  # it was current until the one after it came
            break
    return sorted(kept)


def vacuum(uri: str, keep: Collection[int], *, days: int = 0, dry_run: bool = True) -> list[str]:
    """Delete the data files that none of the `keep` versions has; answers their paths.

    Files younger than `days` stay, as they may belong to a commit that is under way.

    Raises:
        UnknownVersion: one of the versions to keep does not exist.
    """
    table = _existing(uri)
    for version in keep:
        History(uri, version)
    files = table.vacuum(
        retention_hours=24 * days,
        dry_run=dry_run,
        enforce_retention_duration=False,
        full=True,
        keep_versions=sorted(keep),
    )
    return sorted(files)


def _existing(uri: str) -> DeltaTable:
    table = open_table(uri)
    if table is None:
        raise UnknownVersion(f"There is no history at {uri} yet.")
    return table


def _version(commit: dict[str, Any]) -> Version:
    known = {k.removeprefix(_PREFIX): v for k, v in commit.items() if k.startswith(_PREFIX)}
    return Version(
        version=commit["version"],
        at=dt.datetime.fromtimestamp(commit["timestamp"] / 1000, dt.UTC),
        kind=known.get("kind") or str(commit["operation"]).lower(),
        period=known.get("period"),
        rows=int(known["rows"]) if "rows" in known else None,
        drop=known.get("drop"),
        key=known.get("key"),
        by=known.get("by"),
        run=known.get("run"),
    )


def _period(history: History, period: str) -> PeriodRows:
    file = history.file(period)
    assert file is not None
    drops: set[str] = set()
    try:
        for batch in history.scan([DROP], [period]):
            drops.update(batch.column(DROP).drop_null().unique().to_pylist())
    except FileNotFoundError as error:
        raise UnknownVersion.vacuumed(history.uri, history.version) from error
    return PeriodRows(period, file.rows, file.size, sorted(drops))
