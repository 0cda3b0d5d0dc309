"""A file's outcomes by the project's task: how many rows have one, and which are none."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropforge.drops import Reason
from dropforge.project import ProjectSpec
from sagemaker_jobs.profile.leakage import leaks
from sagemaker_jobs.snapshot.target import class_names, encode, usable

COUNTED = 1000
"""Different outcomes that are told apart; a yes-or-no target has two."""


class Outcomes:
    """Counts over a file's rows. `positives` is 0 unless the task is binary."""

    def __init__(self, spec: ProjectSpec) -> None:
        self._spec = spec
        self.labelled = self.positives = 0
        self._foreign = 0
        self._different: set[str] = set()

    @classmethod
    def of(cls, spec: ProjectSpec, batches: Iterable[pa.RecordBatch]) -> "Outcomes":
        """The counts of some rows."""
        found = cls(spec)
        for batch in batches:
            found.count(batch)
        return found

    def count(self, batch: pa.RecordBatch) -> None:
        """Add rows; none if they have no target."""
        if self._spec.target not in batch.schema.names:
            return
        outcomes = batch.column(self._spec.target)
        present = outcomes.drop_null()
        self.labelled += len(present)
        encoded = encode(present, self._spec)
        if self._spec.task == "binary":
            self.positives += int((encoded == 1).sum())
            if len(self._different) <= COUNTED:
                self._different.update(pc.unique(present).to_pylist())
        else:
            self._foreign += int((~usable(encoded)).sum())

    def problems(self) -> list[Reason]:
        """What makes the target none of the task's, without its values."""
        target, different = self._spec.target, len(self._different)
        if different > 2:
            number = f"{different:,}" if different <= COUNTED else f"more than {COUNTED:,}"
            text = f"Column {target} takes {number} different values; a yes-or-no target takes two."
        elif self._foreign and self._spec.task == "multiclass":
            text = (
                f"Column {target} holds none of the {len(class_names(self._spec))} classes of "
                f"project.yml in {self._foreign:,} of {self.labelled:,} labelled rows."
            )
        elif self._foreign:
            text = (
                f"Column {target} holds no number in {self._foreign:,} of {self.labelled:,} "
                "labelled rows; a regression's target is a number."
            )
        else:
            return []
        return [Reason(code="outcomes", message=text, column=target)]


def telling(spec: ProjectSpec, rows: pa.Table, columns: Sequence[str]) -> list[str]:
    """The columns that alone tell the outcome, or one class from the rest; of a value, none.

    What tells a regression's value is looked for when a model is judged.
    """
    if spec.task == "regression":
        return []
    encoded = encode(rows.column(spec.target), spec)
    if spec.task == "binary":
        return leaks(rows, encoded, columns)
    told: set[str] = set()
    for place in range(len(class_names(spec))):
        rest = np.where(encoded >= 0, encoded == place, -1).astype(np.int8)
        told.update(leaks(rows, rest, columns))
    return [name for name in columns if name in told]


def too_few_labels(spec: ProjectSpec, rows: int, labelled: int) -> list[Reason]:
    """Whether fewer rows are labelled than a labelled file must have."""
    if not rows or labelled >= spec.min_labelled_share * rows:
        return []
    message = (
        f"Only {labelled:,} of {rows:,} rows ({labelled / rows:.1%}) have a value in "
        f"{spec.target}; {spec.min_labelled_share:.0%} are needed. Drop the file again when the "
        "labels are complete, or leave the column out to have the rows scored."
    )
    return [Reason(code="few_labels", message=message, column=spec.target)]
