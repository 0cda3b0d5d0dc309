"""What training, judging and their report read: no column beyond it leaves the lake."""

from collections.abc import Collection, Sequence

from dropforge.errors import ContractBroken, InvalidProject
from dropforge.features import PERIOD
from dropforge.project import ProjectSpec

PERIOD_START = PERIOD
"""Column of a snapshot's files: the first day of the row's period (date32), null for `initial`."""

LABEL, KEY = "_label", "_key"
"""Columns of a snapshot's files: the label as the task has it (target.py), and the row's key."""


def snapshot_columns(spec: ProjectSpec, available: Collection[str]) -> list[str]:
    """The history's columns that a snapshot holds, as far as the history has them."""
    wanted = [
        spec.id,
        spec.target,
        *spec.features.history_columns,
        *([spec.group] if spec.group else []),
        *spec.protected_columns,
        *spec.slices,
        *([spec.contract.time_column] if spec.contract and spec.contract.time_column else []),
    ]
    return [name for name in dict.fromkeys(wanted) if name in available]


def aggregated_columns(spec: ProjectSpec) -> list[str]:
    """The keys and the values that the aggregates are made of."""
    declared = spec.features.aggregates.values()
    named = [name for item in declared for name in (item.by, item.column) if name is not None]
    return list(dict.fromkeys(named))


def check_columns(spec: ProjectSpec, available: Sequence[str]) -> None:
    """Refuse a group or aggregates that cannot be made of the history's columns.

    Raises:
        ContractBroken: the history lacks a column.
        InvalidProject: an aggregate is named as a column, or has no meaning for the task.
    """
    if spec.group is not None and spec.group not in available:
        raise ContractBroken(
            f"project.yml, group: the history has no column {spec.group}, so rows of one group "
            "would lie in train and holdout alike. The history is unchanged."
        )
    if absent := [name for name in aggregated_columns(spec) if name not in available]:
        raise ContractBroken(
            f"features.yml, aggregates: the history lacks the columns {', '.join(absent)}. "
            "It is unchanged."
        )
    taken = {*available, "by", "key"}
    for name, aggregate in spec.features.aggregates.items():
        if name in taken or name.startswith("_"):
            raise InvalidProject(
                f"features.yml, aggregates.{name}: that is the name of a column already; "
                "give the aggregate another one."
            )
        if aggregate.statistic == "target_mean" and spec.task == "multiclass":
            raise InvalidProject(
                f"features.yml, aggregates.{name}: classes have no mean; target_mean is for "
                "tasks binary and regression."
            )
