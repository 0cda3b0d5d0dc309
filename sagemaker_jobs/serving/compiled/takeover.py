"""A worker's part: once the compiled trees are there, and answer as LightGBM does, they score."""

import logging
import os
from collections.abc import Callable
from typing import Protocol

from dropforge.errors import DropforgeError
from sagemaker_jobs.boosting.native import Booster, Floats
from sagemaker_jobs.serving.compiled.code import (
    CompiledBooster,
    CompiledTrees,
    is_sealed,
    same_bits,
)
from sagemaker_jobs.serving.compiled.model_text import NotCompilable

logger = logging.getLogger(__name__)


class Scores(Protocol):
    """What scores by a booster that can be exchanged."""

    booster: Booster


class Takeover:
    """Exchanges a booster once the file is whole, if both answer the golden matrix alike.

    `golden` gives that matrix, `done` is told of the exchange.
    """

    def __init__(
        self, file: int, scorer: Scores, golden: Callable[[], Floats], done: Callable[[], None]
    ) -> None:
        self._file, self._scorer = file, scorer
        self._golden, self._done = golden, done
        self._decided = False

    def look(self) -> None:
        """Look whether the file is whole. To be called again and again; cheap."""
        if not self._decided and is_sealed(self._file):
            self._decided = True
            self._take()

    def _take(self) -> None:
        worker, booster = os.getpid(), self._scorer.booster
        try:
            trees = CompiledTrees(self._file)
            if not same_bits(trees, booster, self._golden()):
                raise NotCompilable("they answer the golden rows otherwise than LightGBM")
        except (NotCompilable, DropforgeError, OSError, ValueError) as error:
            logger.warning("worker %d does not use the compiled trees: %s", worker, error)
            return
        self._scorer.booster = CompiledBooster(booster, trees)
        self._done()
        logger.info("worker %d: batches are scored by compiled trees", worker)
