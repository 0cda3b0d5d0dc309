"""One column of a contract: its type, its role, and the rules on its values."""

import datetime as dt
import math
import re
import sys
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dropforge.located import located
from dropforge.rule_words import allowed_says, range_says
from dropforge.rules import days

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Scalar = str | int | float | bool
ColumnType = Literal["string", "integer", "number", "boolean", "date"]
Role = Literal["id", "target", "feature", "time", "group", "protected", "ignored"]
OnBreak = Literal["reject_row", "refuse_file", "warn"]


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
    `max_categories`) refuses the file unless it is `warn`. With `clamp` a number out of its range
    breaks nothing: models take the bound for it.
    """

    type: ColumnType
    role: Role = "feature"
    nullable: bool = True
    personal: bool = False
    min: Bound | None = None
    max: Bound | None = None
    clamp: bool = False
    allowed: list[Value] | None = Field(default=None, min_length=1)
    max_categories: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    max_missing: Share | None = None
    on_break: OnBreak = "reject_row"

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        self._check_bounds()
        self._check_allowed()
        self._check_clamp()
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

    def _check_clamp(self) -> None:
        if not self.clamp:
            return
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        says = None
        if self.type not in ("integer", "number"):
            says = f"is for numbers, the type is {self.type}"
        elif self.role in ("id", "target", "ignored"):
            says = f"is for what a model reads: a column of role {self.role} stays as it is"
        elif self.allowed is not None:
            says = "is for a range: a value that allowed does not have is near none of them"
        elif not bounds:
            says = "needs a bound that values beyond it become: min, max or both"
        elif not all(_is_finite(bound) for bound in bounds):
            says = "needs bounds that are finite numbers"
        elif self.type == "integer" and not all(_is_whole(bound) for bound in bounds):
            says = "makes values the bounds, which are not whole numbers, as the type is integer"
        if says is not None:
            raise located(f"clamp {says}", "clamp")

    @property
    def clamped_to(self) -> tuple[float, float] | None:
        """What values beyond become, infinite where there is no bound; None: they stay."""
        if not self.clamp:
            return None
        low = -math.inf if self.min is None else float(self.min)
        high = math.inf if self.max is None else float(self.max)
        return low, high

    @property
    def range_says(self) -> str:
        """What the bounds ask of a value, for messages."""
        return range_says(self.min, self.max)

    @property
    def allowed_says(self) -> str:
        """What the allowed values ask of a value, for messages."""
        return allowed_says(self.allowed or [])


def _require_date(key: str, value: object) -> None:
    try:
        if not isinstance(value, str):
            raise ValueError
        days(value)
    except ValueError as error:
        raise ValueError(f"{key} must be a date like 2020-10-01, as the type is date") from error


def _is_finite(bound: str | int | float) -> bool:
    """Whether a bound is a double: a whole number may be larger than any."""
    return not isinstance(bound, str) and abs(bound) <= sys.float_info.max


def _is_whole(bound: str | int | float) -> bool:
    """Whether a bound is a whole number that a double has exactly."""
    return float(bound).is_integer() and abs(float(bound)) <= 2**53
