"""LightGBM prediction through the C API of the library that the `lightgbm` wheel carries.

`import lightgbm` costs about a second (scipy, and pandas where installed); opening its library
costs hundredths. Nothing here trains. One thread predicts a row the same way alone or among a
million, so scores are bit-equal between server and batch.
https://lightgbm.readthedocs.io/en/stable/C-API.html
"""

import ctypes
import importlib.util
import weakref
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropforge.errors import ArtifactBroken

Floats = NDArray[np.float64]

_FLOAT64 = 1
_ROW_MAJOR = 1
_NORMAL, _RAW, _CONTRIBUTIONS = 0, 1, 3
_GAIN = 1
_DOUBLES = ctypes.POINTER(ctypes.c_double)


@cache
def library() -> ctypes.CDLL:
    """The wheel's shared library, found without importing the package."""
    spec = importlib.util.find_spec("lightgbm")
    if spec is None or spec.origin is None:
        raise ArtifactBroken("LightGBM is not installed: the model cannot be loaded.")
    folder = Path(spec.origin).parent / "lib"
    found = sorted([*folder.glob("lib_lightgbm.so"), *folder.glob("lib_lightgbm.dylib")])
    if not found:
        raise ArtifactBroken(f"{folder} holds no lib_lightgbm: the model cannot be loaded.")
    handle = ctypes.CDLL(str(found[0]))
    handle.LGBM_GetLastError.restype = ctypes.c_char_p
    return handle


class Booster:
    """A model text, ready to predict. `threads` is for matrices; single rows take one.

    `outputs` is how many scores a row has: the number of classes of a multiclass model, else 1.
    Not safe for use from several threads at once.
    """

    def __init__(self, model: Path, threads: int = 1) -> None:
        self._handle = ctypes.c_void_p()
        self._parameters = f"num_threads={threads} verbosity=-1".encode()
        rounds = ctypes.c_int()
        if not model.is_file():
            raise ArtifactBroken(f"The artifact has no {model.name}.")
        _check(
            library().LGBM_BoosterCreateFromModelfile(
                str(model).encode(), ctypes.byref(rounds), ctypes.byref(self._handle)
            )
        )
        self.rounds = rounds.value
        self.features = self._count("NumFeature")
        self.outputs = self._count("NumClasses")
        _free_with(self, library().LGBM_BoosterFree, self._handle)

    def scores(self, matrix: Floats, *, raw: bool = False) -> Floats:
        """A score per row of a matrix: probability, or log-odds if `raw`; (rows,).

        With several outputs they are a row's: (rows, outputs).
        """
        found = self._predict(matrix, _RAW if raw else _NORMAL, self.outputs)
        return found if self.outputs > 1 else found[:, 0]

    def contributions(self, matrix: Floats) -> Floats:
        """SHAP values of the raw score, the expected value last: rows x outputs x (features + 1).

        Tree SHAP (Lundberg, Erion and Lee 2018, https://arxiv.org/abs/1802.03888), LightGBM's
        `predict_contrib`. A row's values add up to its raw score.
        """
        width = self.features + 1
        found = self._predict(matrix, _CONTRIBUTIONS, self.outputs * width)
        return found.reshape(len(matrix), self.outputs, width)

    def _predict(self, matrix: Floats, kind: int, width: int) -> Floats:
        rows, columns = matrix.shape
        if columns != self.features:
            raise ArtifactBroken(
                f"The model reads {self.features} features, the pipeline gives {columns}."
            )
        out = np.empty((rows, width))
        if not rows:
            return out
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        length = ctypes.c_int64()
        _check(
            library().LGBM_BoosterPredictForMat(
                self._handle,
                matrix.ctypes.data_as(ctypes.c_void_p),
                ctypes.c_int(_FLOAT64),
                ctypes.c_int32(rows),
                ctypes.c_int32(columns),
                ctypes.c_int(_ROW_MAJOR),
                ctypes.c_int(kind),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_char_p(self._parameters),
                ctypes.byref(length),
                out.ctypes.data_as(_DOUBLES),
            )
        )
        return out

    def _count(self, what: str) -> int:
        count = ctypes.c_int()
        _check(library()[f"LGBM_BoosterGet{what}"](self._handle, ctypes.byref(count)))
        return count.value

    def single_row(self, *, raw: bool = False) -> "SingleRow":
        """A function of one row that skips the per-call set-up."""
        return SingleRow(self, self._handle, raw)

    def gain(self) -> Floats:
        """Every feature's total gain over all splits."""
        out = np.empty(self.features)
        _check(
            library().LGBM_BoosterFeatureImportance(
                self._handle, ctypes.c_int(-1), ctypes.c_int(_GAIN), out.ctypes.data_as(_DOUBLES)
            )
        )
        return out


class SingleRow:
    """Scores one row (1 x features, C-contiguous doubles) by a configuration made once."""

    def __init__(self, booster: Booster, handle: ctypes.c_void_p, raw: bool) -> None:
        self._booster = booster  # the configuration points into it
        self._fast = ctypes.c_void_p()
        _check(
            library().LGBM_BoosterPredictForMatSingleRowFastInit(
                handle,
                ctypes.c_int(_RAW if raw else _NORMAL),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_int(_FLOAT64),
                ctypes.c_int32(booster.features),
                ctypes.c_char_p(b"num_threads=1 verbosity=-1"),
                ctypes.byref(self._fast),
            )
        )
        self._predict = library().LGBM_BoosterPredictForMatSingleRowFast
        self._length, self._out = ctypes.c_int64(), np.empty(booster.outputs)
        self._length_at = ctypes.byref(self._length)
        self._out_at = ctypes.c_void_p(self._out.ctypes.data)
        _free_with(self, library().LGBM_FastConfigFree, self._fast)

    @property
    def configuration(self) -> ctypes.c_void_p:
        """The handle, for a caller with a row in memory of its own. It lives as long as this."""
        return self._fast

    def __call__(self, row: Floats) -> Floats:
        """The row's scores, one an output."""
        _check(
            self._predict(
                self._fast, ctypes.c_void_p(row.ctypes.data), self._length_at, self._out_at
            )
        )
        return self._out.copy()


def _free_with(owner: object, free: Any, handle: ctypes.c_void_p) -> None:
    # At the interpreter's end the process's memory goes anyway, in no order to rely on.
    weakref.finalize(owner, free, handle).atexit = False


def _check(code: Any) -> None:
    if code != 0:
        message = library().LGBM_GetLastError().decode(errors="replace")
        raise ArtifactBroken(f"LightGBM refused the model or the rows: {message}.")
