"""The rules of `impute` and `encode`: what stands for a missing value, how a text is a number."""

from typing import Literal

from pydantic import Field

from dropforge.contract import ColumnType, Share, Strict

ImputeRule = Literal["none", "median", "mean", "most_frequent", "missing_category"]

RULES = ("none", "median", "mean", "most_frequent", "missing_category")
COLUMN_TYPES: tuple[ColumnType, ...] = ("string", "integer", "number", "boolean", "date")
DEFAULT = "default"
"""The key of `impute` and `encode` for columns that no other key speaks of."""


class Fill(Strict):
    """A constant that stands for missing values."""

    constant: float | str


Impute = ImputeRule | float | str | Fill
"""A rule. A number, or a text that is no rule's name, is a constant for missing values."""


class OneHot(Strict):
    """A 0/1 feature a level. Levels rarer than `rare`, unseen and missing ones get features too."""

    one_hot: Share = Field(description="levels with a smaller share of the training rows are one")


class Ordinal(Strict):
    """A level's place in an order, from 0; a level not in the list is missing."""

    ordinal: list[str] = Field(min_length=2)


Encode = Literal["native", "one_hot", "ordinal"] | OneHot | Ordinal


def fitting(rule: Impute, kind: ColumnType) -> ImputeRule | Fill | None:
    """A rule as it is for a column of that type; None if it has no meaning there."""
    text = kind == "string"
    match rule:
        case "median" | "mean":
            return None if text else rule
        case "missing_category":
            return rule if text else None
        case "none" | "most_frequent":
            return rule
        case Fill(constant=value) | (str() | float() as value):
            if isinstance(value, str):
                return Fill(constant=value) if text else None
            return Fill(constant=f"{value:g}" if text else float(value))


def says(rule: Impute) -> str:
    """A rule of `impute` in a message."""
    if isinstance(rule, Fill):
        return f"constant {rule.constant}"
    return rule if rule in RULES else f"constant {rule}"
