"""Whether the split rows can teach and choose a model of the project's task."""

import numpy as np

from dropforge.errors import NoTrainingData
from dropforge.project import ProjectSpec
from sagemaker_jobs.snapshot.split import Split
from sagemaker_jobs.snapshot.target import Labels, usable

_UNCHANGED = "The history is unchanged."


def check_labels(spec: ProjectSpec, labels: Labels) -> None:
    """Refuse labels that are none of the task's.

    Raises:
        NoTrainingData: with how many there are; never with what they are.
    """
    if not len(labels):
        raise NoTrainingData(
            f"Looked for labelled rows of {spec.name} older than {spec.label_maturity_days} "
            f"days: there are none. {_UNCHANGED}"
        )
    wrong = int((~usable(labels)).sum())
    if wrong:
        says = "is no number" if spec.task == "regression" else "is none of the project's classes"
        raise NoTrainingData(
            f"In {wrong:,} of {len(labels):,} labelled rows of {spec.name} the value of "
            f"{spec.target} {says}. {_UNCHANGED}",
            next_command=f"correct project.yml or drop corrected files, then dropforge train "
            f"{spec.name}",
        )


def check_outcomes(spec: ProjectSpec, labels: Labels, split: Split) -> None:
    """Refuse rows that nothing can be learnt from, or chosen or judged with.

    Raises:
        NoTrainingData: one outcome in train (or, binary, in validation), or an empty split.
    """
    learning = {"train": split.train, "validation": split.validation}
    for name, mask in {**learning, "holdout": split.holdout}.items():
        if not mask.any():
            use = "judge" if name == "holdout" else "learn"
            raise NoTrainingData(
                f"Of {len(labels):,} labelled rows of {spec.name} none are left for {name}: too "
                f"few rows or groups to {use} with. {_UNCHANGED}"
            )
    for name, mask in learning.items():
        if name == "validation" and spec.task != "binary":
            continue
        if len(np.unique(labels[mask])) < 2:
            raise NoTrainingData(
                f"The {name} rows of {spec.name} ({int(mask.sum()):,}) hold one {_outcome(spec)}. "
                f"Nothing can be learnt from them. {_UNCHANGED}"
            )


def _outcome(spec: ProjectSpec) -> str:
    if spec.task == "regression":
        return f"value of {spec.target} only"
    positive = f"; positive is {spec.positive!r}" if spec.task == "binary" else ""
    return f"outcome of {spec.target} only{positive}"
