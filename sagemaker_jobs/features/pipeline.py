"""The fitted feature pipeline: what features.json says, executed.

The order is: impute, derive, assemble. Every step is a numpy call over columns, so that a row's
features do not depend on the rows beside it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.features.expression import Expression, parse_expression
from sagemaker_jobs.features.frame import Floats, Frame, Input

FORMAT = 1


@dataclass(frozen=True)
class Derived:
    """A feature computed from columns and from features derived before it."""

    name: str
    expression: Expression


@dataclass(frozen=True)
class FittedFeatures:
    """`features` are the model's columns, in order: inputs by name, then derived ones.

    `fill` replaces missing values: a number for numeric inputs, a level's text for categories.
    """

    inputs: tuple[Input, ...]
    fill: dict[str, float | str]
    derived: tuple[Derived, ...]
    features: tuple[str, ...]
    _plan: "_Plan" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_plan", _Plan.of(self))

    @property
    def categorical(self) -> list[str]:
        """The features that are category codes."""
        names = {column.name for column in self.inputs if column.is_category}
        return [name for name in self.features if name in names]

    def matrix(self, frame: Frame) -> Floats:
        """The model's matrix: rows x features, C-contiguous doubles, NaN where missing."""
        plan = self._plan
        numbers = np.where(np.isnan(frame.numbers), plan.number_fill, frame.numbers)
        codes = frame.codes
        if plan.fills_codes:
            codes = np.where(np.isnan(codes), plan.code_fill, codes)
        matrix = np.empty((frame.rows, len(self.features)))
        matrix[:, plan.number_to] = numbers[:, plan.number_from]
        matrix[:, plan.code_to] = codes[:, plan.code_from]
        if self.derived:
            columns = {name: numbers[:, place] for name, place in plan.number_places.items()}
            for place, item in zip(plan.derived_to, self.derived, strict=True):
                values = item.expression(columns, frame.rows)
                columns[item.name] = values
                matrix[:, place] = values
        return matrix

    def to_json(self) -> str:
        """The document `features.json`."""
        document = {
            "format": FORMAT,
            "inputs": [
                {"name": c.name, "kind": c.kind} | ({"levels": c.levels} if c.is_category else {})
                for c in self.inputs
            ],
            "fill": self.fill,
            "derive": [{"name": d.name, "expression": d.expression.text} for d in self.derived],
            "features": self.features,
        }
        return json.dumps(document, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read `features.json`.

        Raises:
            ArtifactBroken: not a document that this release understands.
        """
        try:
            document: dict[str, Any] = json.loads(text)
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']}, expected {FORMAT}")
            return cls(
                inputs=tuple(
                    Input(c["name"], c["kind"], tuple(c.get("levels", ())))
                    for c in document["inputs"]
                ),
                fill=document["fill"],
                derived=tuple(
                    Derived(d["name"], parse_expression(d["name"], d["expression"]))
                    for d in document["derive"]
                ),
                features=tuple(document["features"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactBroken(f"features.json cannot be read: {error}.") from error

    @classmethod
    def load(cls, artifact: Path) -> Self:
        """Read an artifact's `features.json`."""
        try:
            return cls.from_json((artifact / "features.json").read_text(encoding="utf-8"))
        except OSError as error:
            raise ArtifactBroken(f"The artifact has no readable features.json: {error}.") from error


@dataclass(frozen=True)
class _Plan:
    """Which column of which block goes where, worked out once."""

    number_fill: Floats
    code_fill: Floats
    fills_codes: bool
    number_from: list[int]
    number_to: list[int]
    code_from: list[int]
    code_to: list[int]
    derived_to: list[int]
    number_places: dict[str, int]

    @classmethod
    def of(cls, fitted: FittedFeatures) -> Self:
        numeric = [c for c in fitted.inputs if not c.is_category]
        categories = [c for c in fitted.inputs if c.is_category]
        place = {name: index for index, name in enumerate(fitted.features)}
        number_from, number_to = _moves([c.name for c in numeric], place)
        code_from, code_to = _moves([c.name for c in categories], place)
        code_fill = np.array([_code_fill(c, fitted.fill) for c in categories], dtype=np.float64)
        return cls(
            number_fill=np.array(
                [float(fitted.fill.get(c.name, np.nan)) for c in numeric], dtype=np.float64
            ),
            code_fill=code_fill,
            fills_codes=not bool(np.isnan(code_fill).all()),
            number_from=number_from,
            number_to=number_to,
            code_from=code_from,
            code_to=code_to,
            derived_to=[place[d.name] for d in fitted.derived],
            number_places={c.name: index for index, c in enumerate(numeric)},
        )


def _moves(names: Sequence[str], place: dict[str, int]) -> tuple[list[int], list[int]]:
    pairs = [(index, place[name]) for index, name in enumerate(names) if name in place]
    return [source for source, _ in pairs], [target for _, target in pairs]


def _code_fill(column: Input, fill: dict[str, float | str]) -> float:
    value = fill.get(column.name)
    return np.nan if value is None else float(column.levels.index(str(value)))
