"""What a first look at a file says about a new project: its task, its outcomes, its period."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dropforge.contract import ColumnType
from dropforge.errors import InvalidPeriod, InvalidProject
from dropforge.metrics import Task
from dropforge.period import Period, Unit

MOST_CLASSES = 20
"""An outcome of more different numbers is a value to predict, not a class."""

MAX_CLASSES = 100
"""So many classes can be asked for."""

_POSITIVE = ("1", "true", "yes", "y", "t", "positive", "bad", "default", "fraud", "churned", "left")


@dataclass
class FirstLook:
    """What one pass over a file showed.

    `outcomes` counts the target's values in canonical spelling; `identifying` are text columns in
    which almost every row has a value of its own, `constant` columns with one value or none.
    """

    rows: int = 0
    kinds: dict[str, ColumnType] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    seen: dict[str, tuple[object, object]] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    identifying: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Prediction:
    """What is predicted. `positive` is of a binary task, `classes` of a multiclass one."""

    task: Task
    positive: str | None = None
    classes: tuple[str, ...] = ()


def guess_prediction(
    outcomes: Mapping[str, int], target: str, *, task: Task | None, positive: str | None
) -> Prediction:
    """The task that a target's outcomes speak for, unless it is said.

    Raises:
        InvalidProject: the outcomes fit no task, or not the one said; the message has none of
            them, where a person may be known by it.
    """
    numbers = all(is_number(outcome) for outcome in outcomes)
    if len(outcomes) < 2:
        found = "no row has an outcome" if not outcomes else "every outcome is the same"
        raise InvalidProject(
            f"The column {target} is the target, but {found}: nothing to learn. "
            "Nothing was written."
        )
    if positive is not None:
        task = task or "binary"
    task = task or _task(outcomes, target, numbers)
    if task == "regression":
        if not numbers:
            raise InvalidProject(
                f"Task regression needs numbers, and {target} holds texts. Nothing was written."
            )
        return Prediction(task)
    if task == "multiclass":
        if not 3 <= len(outcomes) <= MAX_CLASSES:
            raise InvalidProject(
                f"Task multiclass needs 3 to {MAX_CLASSES} outcomes, {target} has "
                f"{len(outcomes):,}. Nothing was written."
            )
        return Prediction(task, classes=tuple(sorted(outcomes, key=_order)))
    if len(outcomes) > 2:
        raise InvalidProject(
            f"Task binary needs two outcomes, {target} has {len(outcomes)}. Nothing was written."
        )
    if positive is None:
        said = [outcome for outcome in outcomes if outcome.lower() in _POSITIVE]
        positive = said[0] if len(said) == 1 else min(outcomes, key=lambda o: (outcomes[o], o))
    elif positive not in outcomes:
        among = " and ".join(sorted(outcomes))
        raise InvalidProject(
            f"No row has {positive} in {target}: there are {among}. Nothing was written."
        )
    return Prediction("binary", positive=positive)


def guess_period(stem: str) -> Unit:
    """What a file's name stands for: a day, if it spells one that is not the first of a month."""
    try:
        start = Period.parse(stem, "day").start
    except InvalidPeriod:
        return "month"
    return "day" if start is not None and start.day != 1 else "month"


def _task(outcomes: Mapping[str, int], target: str, numbers: bool) -> Task:
    if len(outcomes) == 2:
        return "binary"
    whole = numbers and all(float(outcome).is_integer() for outcome in outcomes)
    if numbers and (not whole or len(outcomes) > MOST_CLASSES):
        return "regression"
    if len(outcomes) > MOST_CLASSES:
        raise InvalidProject(
            f"The column {target} holds {len(outcomes):,} different texts: no task fits that. "
            "Is it the target? If it has that many classes, say --task multiclass. "
            "Nothing was written."
        )
    return "multiclass"


def _order(outcome: str) -> tuple[int, float, str]:
    return (0, float(outcome), "") if is_number(outcome) else (1, 0.0, outcome)


def is_number(outcome: str) -> bool:
    """Whether an outcome's canonical spelling is a number's."""
    try:
        float(outcome)
    except ValueError:
        return False
    return True
