"""A model artifact that scores frames: features, trees, calibration, threshold."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.boosting.native import Booster, Floats
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


class Scorer:
    """Scores rows exactly the same way one at a time and a million at a time."""

    def __init__(
        self,
        features: FittedFeatures,
        booster: Booster,
        threshold: float,
        calibration: Sigmoid | None,
    ) -> None:
        if booster.features != len(features.features):
            raise ArtifactBroken(
                f"model.txt reads {booster.features} features, features.json gives "
                f"{len(features.features)}."
            )
        self.features = features
        self.booster = booster
        self.threshold = threshold
        self._calibration = calibration
        self._single = booster.single_row(raw=calibration is not None)

    @classmethod
    def load(cls, artifact: Path, threads: int = 1) -> Self:
        """Load an artifact's model.txt, features.json and contract.json.

        Raises:
            ArtifactBroken: a file is missing or does not fit the others.
        """
        output = read_contract(artifact)["output"]
        sigmoid = output["calibration"]
        return cls(
            FittedFeatures.load(artifact),
            Booster(artifact / "model.txt", threads),
            float(output["threshold"]),
            Sigmoid(sigmoid["slope"], sigmoid["intercept"]) if sigmoid else None,
        )

    def scores(self, frame: Frame) -> Floats:
        """The probability of the positive outcome, per row."""
        if frame.rows == 1:
            score = np.array([self._single(self.features.matrix(frame))])
            return score if self._calibration is None else self._calibration(score)
        parts = [self._block(block) for block in _blocks(frame)]
        return np.concatenate(parts) if parts else np.empty(0)

    def decisions(self, scores: Floats) -> Any:
        """1 where the score reaches the threshold, else 0."""
        return (scores >= self.threshold).astype(np.int8)

    def _block(self, frame: Frame) -> Floats:
        matrix = self.features.matrix(frame)
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


def _blocks(frame: Frame) -> list[Frame]:
    return [
        Frame(frame.numbers[start : start + BLOCK_ROWS], frame.codes[start : start + BLOCK_ROWS])
        for start in range(0, frame.rows, BLOCK_ROWS)
    ]
