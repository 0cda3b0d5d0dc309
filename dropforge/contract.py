"""The contract of a project: what a dropped file must hold, and what breaking each rule does.

`contract.yml` is owned by people. Everything that can contradict itself is found here, when the
project is loaded, long before a file meets it. docs/projects.md is the reference.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from dropforge.contract_column import ColumnSpec as ColumnSpec
from dropforge.contract_column import ColumnType as ColumnType
from dropforge.contract_column import OnBreak as OnBreak
from dropforge.contract_column import Role as Role
from dropforge.contract_column import Scalar as Scalar
from dropforge.contract_column import Share as Share
from dropforge.contract_column import Strict as Strict
from dropforge.located import located
from dropforge.rules import Condition, RuleError, parse_rule

OnFileBreak = Literal["refuse_file", "warn"]


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

    @property
    def clamps(self) -> dict[str, tuple[float, float]]:
        """The columns that models clamp, and to what."""
        named = {name: column.clamped_to for name, column in self.columns.items()}
        return {name: bounds for name, bounds in named.items() if bounds is not None}

    def condition(self, rule: RowRule) -> Condition:
        """A row rule, parsed over the columns that are read.

        Raises:
            RuleError: it is not understood.
        """
        kinds = {n: c.type for n, c in self.columns.items() if c.role != "ignored"}
        return parse_rule(rule.expr, kinds)

    def sentence(self, rule: RowRule) -> str:
        """What is said of a row that breaks a rule."""
        return rule.says or f"breaks the rule {rule.name}: {rule.expr.strip()}"
