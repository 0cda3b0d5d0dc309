"""The contract of a project: what a dropped file must hold, and what breaking each rule does.

`contract.yml` is owned by people. Everything that can contradict itself is found here, when the
project is loaded, long before a file meets it. docs/projects.md is the reference.
"""

import datetime as dt
import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dropforge.located import located
from dropforge.rules import Condition, RuleError, days, parse_rule

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Scalar = str | int | float | bool
ColumnType = Literal["string", "integer", "number", "boolean", "date"]
Role = Literal["id", "target", "feature", "time", "group", "protected", "ignored"]
OnBreak = Literal["reject_row", "refuse_file", "warn"]
OnFileBreak = Literal["refuse_file", "warn"]

SHOWN_VALUES = 10
"""So many allowed values are listed in a message."""


class Strict(BaseModel):
    """A part of the specification: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _date_text(value: object) -> object:
    """YAML reads 2020-10-01 as a date; a contract keeps it as that text."""
    return value.isoformat() if type(value) is dt.date else value


Bound = Annotated[str | int | float, BeforeValidator(_date_text)]
Value = Annotated[Scalar, BeforeValidator(_date_text)]


class ColumnSpec(Strict):
    """One column. Its rules look at values that are present; `nullable` at those that are not.

    `on_break` is for all of them. What cannot be said of one row (`max_missing`,
    `max_categories`) refuses the file unless it is `warn`.
    """

    type: ColumnType
    role: Role = "feature"
    nullable: bool = True
    personal: bool = False
    min: Bound | None = None
    max: Bound | None = None
    allowed: list[Value] | None = Field(default=None, min_length=1)
    max_categories: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    max_missing: Share | None = None
    on_break: OnBreak = "reject_row"

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        self._check_bounds()
        self._check_allowed()
        if self.pattern is not None:
            if self.type != "string":
                raise ValueError(f"pattern needs type string, the type is {self.type}")
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern is no regular expression: {error}") from error
        return self

    def _check_bounds(self) -> None:
        bounds = {"min": self.min, "max": self.max}
        for key, bound in bounds.items():
            if bound is None:
                continue
            if self.type in ("string", "boolean"):
                raise ValueError(f"{key} has no meaning for type {self.type}")
            if self.type == "date":
                _require_date(key, bound)
            elif isinstance(bound, str):
                raise ValueError(f"{key} must be a number, as the type is {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:  # type: ignore[operator]
            raise ValueError(f"min ({self.min}) is greater than max ({self.max})")

    def _check_allowed(self) -> None:
        for value in self.allowed or []:
            truth, text = isinstance(value, bool), isinstance(value, str)
            if self.type == "string" and truth:
                raise ValueError(
                    "allowed: YAML reads Yes, No, true and false as booleans: put texts in quotes"
                )
            if self.type == "date":
                _require_date("allowed", value)
            elif self.type in ("integer", "number") and (truth or text):
                raise ValueError(f"allowed holds {value!r}, but the type is {self.type}")
            elif self.type == "boolean" and not truth:
                raise ValueError(f"allowed holds {value!r}, but the type is boolean")

    @property
    def range_says(self) -> str:
        """What the bounds ask of a value, for messages."""
        if self.min is None:
            return f"must be at most {self.max}"
        if self.max is None:
            return f"must be at least {self.min}"
        return f"must be between {self.min} and {self.max}"

    @property
    def allowed_says(self) -> str:
        """What the allowed values ask of a value, for messages."""
        shown = [str(value) for value in (self.allowed or [])[:SHOWN_VALUES]]
        rest = len(self.allowed or []) - len(shown)
        return f"must be one of {', '.join(shown)}{f' and {rest} more' if rest else ''}"


class RowRule(Strict):
    """A condition that each row meets. `says` is its sentence in mails, e.g. `must not …`."""

    name: str = Field(min_length=1)
    expr: str = Field(min_length=1)
    says: str | None = None
    on_break: OnBreak = "reject_row"


class UniqueRule(Strict):
    """Columns whose values together occur once in a file; rows with a missing one are not asked."""

    columns: list[str] = Field(min_length=1)
    on_break: OnBreak = "reject_row"


class FileRules(Strict):
    """Rules about the file as a whole. `freshness` is in days before the period's end."""

    min_rows: int | None = Field(default=None, ge=1)
    max_rows: int | None = Field(default=None, ge=1)
    max_missing: Share | None = None
    new_columns: Literal["warn", "ignore", "refuse"] = "warn"
    missing_columns: Literal["refuse", "warn"] = "refuse"
    freshness: int | None = Field(default=None, ge=0)
    on_break: OnFileBreak = "refuse_file"

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        if None not in (self.min_rows, self.max_rows) and self.min_rows > self.max_rows:  # type: ignore[operator]
            raise ValueError(f"min_rows ({self.min_rows}) is greater than max_rows")
        return self


class ContractSpec(Strict):
    """What a dropped file must hold."""

    columns: dict[str, ColumnSpec] = Field(min_length=1)
    rules: list[RowRule] = []
    unique: list[UniqueRule] = []
    file: FileRules = FileRules()

    @model_validator(mode="after")
    def _rules_fit_the_columns(self) -> Self:
        names = [rule.name for rule in self.rules]
        for index, rule in enumerate(self.rules):
            if rule.name in names[:index]:
                raise located(f"two rules are named {rule.name!r}", "rules", index, "name")
            try:
                self.condition(rule)
            except RuleError as error:
                message = f"rule {rule.name!r}: {rule.expr!r}: {error}"
                path = ("rules", index, "expr")
                raise located(message, *path, character=error.character) from error
        for index, unique in enumerate(self.unique):
            for place, name in enumerate(unique.columns):
                if name not in self.columns:
                    message = f"unique names a column that is not there: {name}"
                    raise located(message, "unique", index, "columns", place)
        if self.file.freshness is not None:
            times = [column for column in self.columns.values() if column.role == "time"]
            if len(times) != 1 or times[0].type != "date":
                message = "file.freshness needs one column with role: time and type: date"
                raise located(message, "file", "freshness")
        return self

    @property
    def time_column(self) -> str | None:
        """The column that dates the rows."""
        return next((n for n, column in self.columns.items() if column.role == "time"), None)

    def condition(self, rule: RowRule) -> Condition:
        """A row rule, parsed over the columns that are read.

        Raises:
            RuleError: it is not understood.
        """
        kinds = {n: c.type for n, c in self.columns.items() if c.role != "ignored"}
        return parse_rule(rule.expr, kinds)


def _require_date(key: str, value: object) -> None:
    try:
        if not isinstance(value, str):
            raise ValueError
        days(value)
    except ValueError as error:
        raise ValueError(f"{key} must be a date like 2020-10-01, as the type is date") from error
