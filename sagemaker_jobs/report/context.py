"""What the report is made of: the documents of a run, and the rows behind its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dropforge.evaluation import Evaluation
from dropforge.project import ProjectSpec
from dropforge.verdict import Verdict

Floats = NDArray[np.float64]


class ScoredRows(Protocol):
    """One model on the judged rows.

    `scores` are (rows,), of a multiclass model (rows, classes); `decisions` 0 or 1, the position of
    the class, or None of a regression.
    """

    @property
    def version(self) -> str: ...
    @property
    def scores(self) -> Any: ...
    @property
    def decisions(self) -> Any: ...


class JudgedRows(Protocol):
    """The judged rows' outcomes, and every model's answers to them."""

    @property
    def labels(self) -> Any: ...
    @property
    def challenger(self) -> ScoredRows: ...
    @property
    def champion(self) -> ScoredRows | None: ...
    @property
    def reference(self) -> ScoredRows | None: ...


@dataclass(frozen=True)
class ShapSample:
    """SHAP values of some rows.

    `values` are rows x features in log-odds or the target's unit (of a multiclass model: of the
    decided class), `inputs` the same rows' feature matrix, NaN where missing. `features` are the
    columns' names, in the order of both; `categorical` those whose inputs are codes.
    """

    values: Floats
    inputs: Floats
    features: tuple[str, ...]
    categorical: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReportContext:
    """What the pictures need beyond the figures; a chapter says what it lacks without.

    `snapshot` is snapshot.json, `holdout` and `train` snapshot tables (`train` may be a sample),
    `baseline` the champion's baseline.json.
    """

    snapshot: Mapping[str, Any] = field(default_factory=dict)
    holdout: pa.Table | None = None
    train: pa.Table | None = None
    baseline: Mapping[str, Any] | None = None
    shap: ShapSample | None = None


@dataclass(frozen=True)
class Report:
    """Everything the report shows."""

    spec: ProjectSpec
    evaluation: Evaluation
    verdict: Verdict
    judged: JudgedRows
    lineage: Mapping[str, Any]
    context: ReportContext = ReportContext()

    @property
    def classes(self) -> list[str]:
        """A multiclass project's outcomes as text, in order."""
        return [str(value) for value in self.spec.classes]

    def models(self) -> list[tuple[str, str, ScoredRows]]:
        """Name, CSS class and answers of every model on these rows, the challenger first."""
        found = [("challenger", "s1", self.judged.challenger)]
        if self.judged.champion is not None:
            found.append((f"champion v{self.judged.champion.version}", "s2", self.judged.champion))
        reference = self.judged.reference
        if reference is not None:
            found.append((f"reference v{reference.version}", "s3", reference))
        return found
