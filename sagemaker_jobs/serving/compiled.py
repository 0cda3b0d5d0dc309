"""Batches through a compiled model where lleaves is installed: the same bits, in less time.

lleaves turns LightGBM's trees into machine code (https://lleaves.readthedocs.io). It is not part of
the image: it needs an LLVM of its own. Where it answers the golden rows otherwise than LightGBM, by
one bit, or cannot compile the model, LightGBM answers.
"""

import hashlib
import importlib.util
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sagemaker_jobs.boosting.native import Booster, Floats

logger = logging.getLogger(__name__)

MODULE = "lleaves"


class CompiledBooster(Booster):
    """A booster whose scores of many rows come from compiled code. The rest is the booster's."""

    def __init__(self, booster: Booster, compiled: Any) -> None:
        self.__dict__ |= vars(booster)
        self._owner, self._compiled = booster, compiled  # the owner frees the trees at its end

    def scores(self, matrix: Floats, *, raw: bool = False) -> Floats:
        """As `Booster.scores`; `raw` is what it was compiled for."""
        found: Floats = self._compiled.predict(matrix, n_jobs=1)
        return found


def compiled_or_not(model: Path, booster: Booster, matrix: Floats, *, raw: bool) -> Booster:
    """The compiled model if there is a compiler, and it gives the same bits for the matrix."""
    if importlib.util.find_spec(MODULE) is None:
        return booster
    lleaves: Any = importlib.import_module(MODULE)
    name = hashlib.sha256(model.read_bytes()).hexdigest()
    cache = Path(tempfile.gettempdir()) / f"dropforge-{name}-{'raw' if raw else 'score'}.o"
    try:
        compiled = lleaves.Model(model_file=str(model))
        compiled.compile(cache=str(cache), raw_score=raw)
        found = np.asarray(compiled.predict(matrix, n_jobs=1), dtype=np.float64)
    except (RuntimeError, ValueError, OSError, NotImplementedError, AssertionError) as error:
        logger.warning("%s cannot compile the model: %s; LightGBM answers", MODULE, error)
        return booster
    if found.tobytes() != booster.scores(matrix, raw=raw).tobytes():
        logger.warning("%s answers the golden rows otherwise; LightGBM answers", MODULE)
        return booster
    logger.info("batches are scored by %s", MODULE)
    return CompiledBooster(booster, compiled)
