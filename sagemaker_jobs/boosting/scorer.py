"""A model artifact that scores frames: features, trees, calibration, threshold."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dropforge.errors import ArtifactBroken
from dropforge.metrics import Task
from sagemaker_jobs.boosting.native import Booster, Floats
from sagemaker_jobs.boosting.outcome import Outcome
from sagemaker_jobs.features.frame import Frame
from sagemaker_jobs.features.pipeline import FittedFeatures

BLOCK_ROWS = 65_536
"""Rows per block in bulk: the matrix of a block stays small whatever the file's size."""


@dataclass(frozen=True)
class Sigmoid:
    """Platt's calibration: 1 / (1 + exp(-(slope * log-odds + intercept)))."""

    slope: float
    intercept: float

    def __call__(self, log_odds: Floats) -> Floats:
        """Calibrated probabilities."""
        return 1.0 / (1.0 + np.exp(-(self.slope * log_odds + self.intercept)))


@dataclass(frozen=True)
class Output:
    """How scores become decisions: what contract.json says under `output`.

    `classes` are a multiclass model's outcomes in the order of its scores; `threshold` and
    `calibration` are of binary ones.
    """

    task: Task
    classes: tuple[str, ...] = ()
    threshold: float | None = None
    calibration: Sigmoid | None = None

    @classmethod
    def from_contract(cls, output: dict[str, Any]) -> Self:
        """Read the document; one without a task is of a binary model of an earlier release."""
        sigmoid, threshold = output["calibration"], output["threshold"]
        return cls(
            task=output.get("task", "binary"),
            classes=tuple(output.get("classes") or ()),
            threshold=None if threshold is None else float(threshold),
            calibration=Sigmoid(sigmoid["slope"], sigmoid["intercept"]) if sigmoid else None,
        )


class Scorer:
    """Scores rows exactly the same way one at a time and a million at a time.

    `threshold` is None unless the task is binary; `classes` are empty unless it is multiclass.
    """

    def __init__(self, features: FittedFeatures, booster: Booster, output: Output) -> None:
        if booster.features != len(features.features):
            raise ArtifactBroken(
                f"model.txt reads {booster.features} features, features.json gives "
                f"{len(features.features)}."
            )
        if booster.outputs != max(len(output.classes), 1):
            raise ArtifactBroken(
                f"model.txt gives {booster.outputs} scores a row, contract.json names "
                f"{len(output.classes)} classes."
            )
        if (output.task == "binary") != (output.threshold is not None):
            raise ArtifactBroken(
                "contract.json must name a threshold for task binary, and for no other."
            )
        self.features = features
        self.booster = booster
        self.task = output.task
        self.classes = output.classes
        self.threshold = output.threshold
        self._calibration = output.calibration
        self._single = booster.single_row(raw=output.calibration is not None)

    @classmethod
    def load(cls, artifact: Path, threads: int = 1, model: str = "model.txt") -> Self:
        """Load an artifact's features.json and contract.json, and one of its models.

        Raises:
            ArtifactBroken: a file is missing or does not fit the others.
        """
        return cls(
            FittedFeatures.load(artifact),
            Booster(artifact / model, threads),
            Output.from_contract(read_contract(artifact)["output"]),
        )

    def scores(self, frame: Frame) -> Floats:
        """The probability of the positive outcome, or the predicted value: (rows,).

        Multiclass: a probability a class, (rows, classes).
        """
        if frame.rows == 1:
            score = self._single(self.features.matrix(frame))
            score = score if self._calibration is None else self._calibration(score)
            return score[np.newaxis, :] if self.classes else score
        parts = [self.matrix_scores(self.features.matrix(block)) for block in _blocks(frame)]
        empty = np.empty((0, len(self.classes)) if self.classes else 0)
        return np.concatenate(parts) if parts else empty

    def decisions(self, scores: Floats) -> NDArray[np.int8] | NDArray[np.int16] | None:
        """Binary: 1 where the score reaches the threshold, else 0. Multiclass: a class's place.

        The class is the likeliest, the first of equals. Regression decides nothing: None.
        """
        if self.threshold is not None:
            return (scores >= self.threshold).astype(np.int8)
        if self.classes:
            return np.argmax(scores, axis=1).astype(np.int16)
        return None

    def outcome(self, scores: Floats) -> Outcome:
        """Scores as they leave: with decisions, and with classes by their names."""
        decisions = self.decisions(scores)
        if not self.classes:
            return Outcome(scores, None if decisions is None else decisions.tolist())
        assert decisions is not None  # a multiclass model decides
        decided = scores[np.arange(len(scores)), decisions]
        names = [self.classes[place] for place in decisions.tolist()]
        return Outcome(decided, names, self.classes, scores)

    def contributions(self, frame: Frame) -> Floats:
        """SHAP values of the uncalibrated raw scores (log-odds, values): rows x (features + 1).

        The last column is the expected value. Multiclass: rows x classes x (features + 1).
        """
        matrices = (self.features.matrix(block) for block in _blocks(frame))
        parts = [self.booster.contributions(matrix) for matrix in matrices]
        width = self.booster.features + 1
        found = np.concatenate(parts) if parts else np.empty((0, self.booster.outputs, width))
        return found if self.classes else found[:, 0]

    def matrix_scores(self, matrix: Floats) -> Floats:
        """The scores of a matrix of features, as `scores` gives them for the frame behind it."""
        if self._calibration is None:
            return self.booster.scores(matrix)
        return self._calibration(self.booster.scores(matrix, raw=True))


def read_contract(artifact: Path) -> dict[str, Any]:
    """An artifact's `contract.json`: what goes in, and how a score becomes a decision."""
    try:
        document: dict[str, Any] = json.loads((artifact / "contract.json").read_text("utf-8"))
        document["output"]["threshold"], document["output"]["calibration"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactBroken(
            f"The artifact has no readable contract.json: {type(error).__name__}: {error}."
        ) from error
    return document


def _blocks(frame: Frame) -> Iterator[Frame]:
    for start in range(0, frame.rows, BLOCK_ROWS):
        yield frame.slice(start, start + BLOCK_ROWS)
