"""The fitted feature pipeline: what features.json says, executed.

A row's life: inputs, clamp, impute, dates, derive, aggregates, features.py, encode, matrix. Every
step is numpy calls over columns, so that a row's features do not depend on the rows beside it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from dropforge.errors import ArtifactBroken
from dropforge.expressions import Derivation, parse_derived
from dropforge.period import Unit
from sagemaker_jobs.features.aggregates import FILE as AGGREGATES_FILE
from sagemaker_jobs.features.aggregates import Aggregated, AggregateTable, KeyTable
from sagemaker_jobs.features.dates import DateFeature
from sagemaker_jobs.features.encoding import Encoding
from sagemaker_jobs.features.frame import PERIOD, Floats, Frame, Input
from sagemaker_jobs.features.plan import Plan
from sagemaker_jobs.features.python import FILE as PYTHON_FILE
from sagemaker_jobs.features.python import PythonStep

FILE = "features.json"
FORMAT = 2
CLAMPING = 3
"""The format of a document with clamped inputs: a release that cannot clamp must not read it."""


@dataclass(frozen=True)
class Derived:
    """A feature computed from columns, date parts, and features derived before it."""

    name: str
    derivation: Derivation


@dataclass(frozen=True)
class FittedFeatures:
    """`features` are the model's columns, in order: inputs', dates', derived, aggregates, Python's.

    `inputs` are the columns that a request carries. `fill` replaces missing values: a number for
    numeric inputs, a level's text for categories. `encode` has the text columns that are not native
    categories. `period` is the project's, for requests that leave `_period` out. `stored` are the
    artifact's aggregates, for rows that do not bring them.
    """

    inputs: tuple[Input, ...]
    fill: Mapping[str, float | str]
    derived: tuple[Derived, ...]
    features: tuple[str, ...]
    encode: Mapping[str, Encoding] = field(default_factory=dict)
    dates: tuple[DateFeature, ...] = ()
    aggregates: tuple[Aggregated, ...] = ()
    python: PythonStep | None = None
    period: Unit = "month"
    stored: AggregateTable | None = field(default=None, repr=False, compare=False)
    _plan: Plan = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_plan", Plan(self))

    @property
    def categorical(self) -> list[str]:
        """The features that are category codes."""
        names = {c.name for c in self.inputs if c.is_category and c.name not in self.encode}
        return [name for name in self.features if name in names]

    @property
    def reads_period(self) -> bool:
        """Whether `_period` is an input."""
        return any(column.name == PERIOD for column in self.inputs)

    @property
    def raw_texts(self) -> tuple[str, ...]:
        """The text inputs that features.py reads as they are."""
        reads = self.python.reads if self.python else ()
        return tuple(c.name for c in self.inputs if c.is_category and c.name in reads)

    def key_tables(self) -> list[KeyTable]:
        """The artifact's aggregates, a table per key column.

        Raises:
            ArtifactBroken: they cannot be read.
        """
        if self.stored is None:
            raise ArtifactBroken(
                f"Rows without the columns {', '.join(a.name for a in self.aggregates)} need an "
                f"artifact's {AGGREGATES_FILE}, and there is none."
            )
        return self.stored.tables()

    def matrix(self, frame: Frame) -> Floats:
        """The model's matrix: rows x features, C-contiguous doubles, NaN where missing.

        Raises:
            FeaturesFailed: features.py raised or gave something else than it declares.
        """
        return self._plan.matrix(frame)

    def to_json(self) -> str:
        """The document `features.json`."""
        document = {
            "format": CLAMPING if any(c.clamp for c in self.inputs) else FORMAT,
            "period": self.period,
            "inputs": [column.to_document() for column in self.inputs],
            "fill": self.fill,
            "encode": self.encode,
            "dates": [vars(date) for date in self.dates],
            "derive": [{"name": d.name, "expression": d.derivation.text} for d in self.derived],
            "aggregates": [vars(item) for item in self.aggregates],
            "python": {"reads": self.python.reads, "gives": self.python.gives}
            if self.python
            else None,
            "features": self.features,
        }
        return json.dumps(document, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, python: str | None = None) -> Self:
        """Read `features.json`; `python` is the text of features.py, where the document names it.

        Raises:
            ArtifactBroken: not a document of this format.
        """
        try:
            document: dict[str, Any] = json.loads(text)
            if document["format"] not in (FORMAT, CLAMPING):
                raise ValueError(
                    f"it has format {document['format']}, this release reads "
                    f"{FORMAT} and {CLAMPING}: train the model again, or serve it with the image "
                    "it was made with"
                )
            inputs = tuple(map(Input.from_document, document["inputs"]))
            dates = tuple(DateFeature(**date) for date in document["dates"])
            return cls(
                inputs=inputs,
                fill=document["fill"],
                derived=_derived(document["derive"], inputs, dates),
                features=tuple(document["features"]),
                encode=document["encode"],
                dates=dates,
                aggregates=tuple(Aggregated(**item) for item in document["aggregates"]),
                python=_python(document["python"], python),
                period=document["period"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactBroken(
                f"{FILE} cannot be read: {type(error).__name__}: {error}."
            ) from error

    @classmethod
    def load(cls, artifact: Path) -> Self:
        """Read an artifact's features.json and features.py; its aggregates are read when asked for.

        Raises:
            ArtifactBroken: a file is absent or unreadable.
        """
        try:
            text = (artifact / FILE).read_text(encoding="utf-8")
            path = artifact / PYTHON_FILE
            python = path.read_text(encoding="utf-8") if path.is_file() else None
        except (OSError, ValueError) as error:
            raise ArtifactBroken(f"The artifact has no readable {FILE}: {error}.") from error
        fitted = cls.from_json(text, python)
        if not fitted.aggregates:
            return fitted
        stored = AggregateTable(artifact / AGGREGATES_FILE, fitted.aggregates, fitted.inputs)
        return replace(fitted, stored=stored)


def _derived(
    documents: Iterable[Mapping[str, str]], inputs: Iterable[Input], dates: Iterable[DateFeature]
) -> tuple[Derived, ...]:
    """The derived features, each after those that it reads."""
    kinds: dict[str, str] = {column.name: column.kind for column in inputs}
    kinds |= dict.fromkeys((date.name for date in dates), "number")
    made: list[Derived] = []
    for document in documents:
        name = document["name"]
        made.append(Derived(name, parse_derived(document["expression"], kinds)))
        kinds[name] = "number"
    return tuple(made)


def _python(document: dict[str, list[str]] | None, source: str | None) -> PythonStep | None:
    if document is None:
        return None
    if source is None:
        raise ValueError(f"{PYTHON_FILE} is absent")
    return PythonStep(tuple(document["reads"]), tuple(document["gives"]), source)
