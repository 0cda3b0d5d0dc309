"""Which columns the model sees, and how they are made into numbers: what features.yml says."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from dropforge.contract import ColumnType, Strict
from dropforge.errors import InvalidProject
from dropforge.expressions import Derivation, ExpressionError, parse_derived
from dropforge.feature_rules import DEFAULT, fitting, says
from dropforge.feature_rules import Encode as Encode
from dropforge.feature_rules import Fill as Fill
from dropforge.feature_rules import Impute as Impute
from dropforge.feature_rules import ImputeRule as ImputeRule
from dropforge.feature_rules import OneHot as OneHot
from dropforge.feature_rules import Ordinal as Ordinal
from dropforge.located import located

Statistic = Literal["count", "mean", "sum", "min", "max", "last", "target_mean"]
DatePart = Literal["days_before_period", "year", "month", "day", "weekday", "day_of_year"]

PERIOD = "_period"
"""The input that `days_before_period` needs: the first day of the row's period."""


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

    `groups` maps a group's name to its columns; `keep` and `drop` name groups or columns, `drop`
    made features too. `impute` and `encode` are one rule for all, or a rule a type, group or
    column: the nearest wins. `derive` maps a new column to an arithmetic expression over columns,
    `aggregates` to a statistic of earlier periods, `dates` a date column to parts of it; `python`
    declares features.py. In a row's life they come in this order: impute, dates, derive,
    aggregates, python, encode.
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
        known = {*self.groups, *(c for g in self.groups.values() for c in g), *self.keep}
        known |= set(self.made)
        for index, name in enumerate(self.drop):
            if name not in known:
                raise located(f"{name} is no group or column", "drop", index)
        if not self.model_columns:
            raise located("keep selects no column", "keep")
        return self

    @property
    def selected(self) -> list[str]:
        """The columns of the file that the model sees, in declared order, without repetition."""
        made, dropped = set(self.made), self._dropped
        kept = [c for name in self.keep or self.groups for c in self.groups.get(name, [name])]
        return [c for c in dict.fromkeys(kept) if c not in dropped and c not in made]

    @property
    def made(self) -> list[str]:
        """The names of all made features, dropped ones too, in the order of a row's life."""
        return [
            *self.date_parts,
            *self.derive,
            *self.aggregates,
            *(self.python.gives if self.python else ()),
        ]

    @property
    def date_parts(self) -> dict[str, tuple[str, DatePart]]:
        """A date part's feature name, to its column and part: `opened_month`."""
        return {
            f"{column}_{part}": (column, part)
            for column, parts in self.dates.items()
            for part in parts
        }

    @property
    def model_columns(self) -> list[str]:
        """What the model sees before encoding: selected columns, then made ones not dropped."""
        return [*self.selected, *(name for name in self.made if name not in self._dropped)]

    @property
    def source_columns(self) -> list[str]:
        """The columns that a row to be scored needs: selected, read by made features, keys.

        Raises:
            InvalidProject: an expression that is not understood, or a circle.
        """
        made = set(self.made)
        read = self.selected
        for derivation in self.ordered_derivations().values():
            read += derivation.columns
        read += self.dates
        read += [aggregate.by for aggregate in self.aggregates.values()]
        read += self.python.reads if self.python else []
        return [name for name in dict.fromkeys(read) if name not in made]

    @property
    def history_columns(self) -> list[str]:
        """The columns that a row of the history needs: `source_columns`, and aggregated ones."""
        aggregated = [a.column for a in self.aggregates.values() if a.column is not None]
        return list(dict.fromkeys([*self.source_columns, *aggregated]))

    @property
    def needs_period(self) -> bool:
        """Whether a date part is relative to the row's period."""
        return any(part == "days_before_period" for _, part in self.date_parts.values())

    def ordered_derivations(self, kinds: Mapping[str, str] | None = None) -> dict[str, Derivation]:
        """The derived columns, each after those it reads.

        `kinds` are the types of the source columns; without them only the syntax is checked.

        Raises:
            InvalidProject: an expression that is not understood, or columns derived from each
                other in a circle.
        """
        if kinds is not None:
            kinds = {**kinds, **dict.fromkeys((*self.date_parts, *self.derive), "number")}
        parsed: dict[str, Derivation] = {}
        for name, text in self.derive.items():
            try:
                parsed[name] = parse_derived(text, kinds)
            except ExpressionError as error:
                raise InvalidProject(f"features.yml: derive.{name}: {text!r}: {error}") from error
        reads = {name: derivation.columns for name, derivation in parsed.items()}
        if circle := find_circle(reads):
            raise InvalidProject(
                f"features.yml: derive: {', '.join(circle)} are derived from each other."
            )
        return {name: parsed[name] for name in in_order(reads)}

    def impute_rule(self, column: str, kind: ColumnType) -> ImputeRule | Fill:
        """What stands for a missing value of a column, whose type is `kind`: the nearest rule.

        A rule of a group, a type or of all that does not fit the column's type is not for it.

        Raises:
            InvalidProject: the column's own rule does not fit its type.
        """
        rules = self.impute if isinstance(self.impute, dict) else {DEFAULT: self.impute}
        if (key := self._nearest(rules, column, kind)) is None:
            return "none"
        if (rule := fitting(rules[key], kind)) is not None:
            return rule
        if key == column:
            raise InvalidProject(
                f"features.yml: impute.{column}: {says(rules[key])} is not for type {kind}."
            )
        return "none"

    def encode_rule(self, column: str, kind: ColumnType) -> Encode:
        """How a text column becomes numbers: the nearest rule. Other types stay as they are."""
        if kind != "string":
            return "native"
        rules = self.encode if isinstance(self.encode, dict) else {DEFAULT: self.encode}
        key = self._nearest(rules, column, kind)
        return "native" if key is None else rules[key]

    def place_of(self, column: str) -> tuple[str | int, ...]:
        """The key at which a selected column is named."""
        for group, columns in self.groups.items():
            if column in columns and (not self.keep or group in self.keep):
                return ("groups", group, columns.index(column))
        return ("keep", self.keep.index(column)) if column in self.keep else ()

    @property
    def _dropped(self) -> set[str]:
        return {c for name in self.drop for c in self.groups.get(name, [name])}

    def _nearest(self, rules: Mapping[str, object], column: str, kind: str) -> str | None:
        groups = [name for name, columns in self.groups.items() if column in columns]
        types = [kind, "number"] if kind == "integer" else [kind]
        return next((key for key in (column, *groups, *types, DEFAULT) if key in rules), None)


def find_circle(reads: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The names that read each other in a circle, sorted; none: []."""
    left = set(reads) - set(in_order(reads))
    # A name that only reads one of the circle is not to blame.
    while outside := {name for name in left if not any(name in reads[other] for other in left)}:
        left -= outside
    return sorted(left)


def in_order(reads: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The names, each after those of them that it reads; names in a circle are left out."""
    ordered: dict[str, None] = {}
    while ready := [
        name
        for name, columns in reads.items()
        if name not in ordered and all(c in ordered for c in columns if c in reads)
    ]:
        ordered |= dict.fromkeys(ready)
    return list(ordered)
