"""Which columns the model sees, and how they are made into numbers: what features.yml says."""

from typing import Literal, Self

from pydantic import Field, model_validator

from dropforge.contract import Share, Strict

ImputeRule = Literal["none", "median", "mean", "most_frequent", "missing_category"]
Impute = ImputeRule | float | str
"""A rule; a number or text is a constant that stands for missing values."""

Statistic = Literal["count", "mean", "sum", "min", "max", "last", "target_mean"]
DatePart = Literal["days_before_period", "year", "month", "day", "weekday", "day_of_year"]


class OneHot(Strict):
    """A 0/1 feature a level. Levels rarer than `rare`, unseen and missing ones get features too."""

    one_hot: Share = Field(description="levels with a smaller share of the training rows are one")


class Ordinal(Strict):
    """A level's place in an order, from 0; a level not in the list is missing."""

    ordinal: list[str] = Field(min_length=2)


Encode = Literal["native", "one_hot", "ordinal"] | OneHot | Ordinal


class Aggregate(Strict):
    """A statistic of `column` over all earlier periods' rows with the same value of `by`.

    Rows of a period see periods before it only, and `target_mean` mature labels only.
    """

    by: str
    statistic: Statistic
    column: str | None = None

    @model_validator(mode="after")
    def _column_fits(self) -> Self:
        needs = self.statistic not in ("count", "target_mean")
        if needs and self.column is None:
            raise ValueError(f"statistic {self.statistic} needs a column")
        if not needs and self.column is not None:
            raise ValueError(f"statistic {self.statistic} takes no column")
        return self


class PythonFeatures(Strict):
    """What the project's features.py reads and gives: `features(frame) -> frame`, numbers only."""

    reads: list[str] = Field(min_length=1)
    gives: list[str] = Field(min_length=1)


class FeaturesSpec(Strict):
    """Which columns the model sees, and how they are made into numbers.

    `groups` maps a group's name to its columns; `keep` and `drop` name groups or columns. `impute`
    and `encode` are one rule for all, or a rule a type, group or column: the nearest wins. `derive`
    maps a new column to an arithmetic expression over columns, `aggregates` to a statistic of
    earlier periods, `dates` a date column to parts of it; `python` declares features.py.
    """

    groups: dict[str, list[str]] = {}
    keep: list[str] = []
    drop: list[str] = []
    impute: Impute | dict[str, Impute] = "none"
    encode: Encode | dict[str, Encode] = "native"
    derive: dict[str, str] = {}
    dates: dict[str, list[DatePart]] = {}
    aggregates: dict[str, Aggregate] = {}
    python: PythonFeatures | None = None

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        if not self.selected:
            raise ValueError("keep selects no column")
        known = set(self.groups) | {c for columns in self.groups.values() for c in columns}
        if self.groups and (unknown := [n for n in self.drop if n not in known | set(self.keep)]):
            raise ValueError(f"drop names no group or column: {', '.join(unknown)}")
        return self

    @property
    def selected(self) -> list[str]:
        """The columns read from the file, in declared order, without repetition."""
        kept = [c for name in self.keep or self.groups for c in self.groups.get(name, [name])]
        dropped = {c for name in self.drop for c in self.groups.get(name, [name])}
        return list(dict.fromkeys(c for c in kept if c not in dropped))
