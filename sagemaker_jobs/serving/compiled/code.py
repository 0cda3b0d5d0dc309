"""Compiled trees in a file without a name, and a booster that scores by them.

The file is anonymous memory that the supervisor makes and its children inherit: nobody else can put
anything there. It is whole once it is sealed, and then nobody can change it.
https://man7.org/linux/man-pages/man2/memfd_create.2.html
"""

import ctypes
import fcntl
import mmap
import os
from dataclasses import asdict, dataclass

import numpy as np
import orjson

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.boosting.native import Booster, Floats, library
from sagemaker_jobs.serving.compiled.objective import conversion
from sagemaker_jobs.serving.compiled.splits import LANES

HEAD_BYTES = 4096
CHUNK_GROUPS = 128
"""So many times eight rows are turned at a time: their features stay in a core's cache."""

_VOID, _LONG = ctypes.c_void_p, ctypes.c_int64
_Raw = ctypes.CFUNCTYPE(None, _VOID, _LONG, _LONG, _VOID, _VOID, _LONG)
_Exponentials = ctypes.CFUNCTYPE(None, _VOID, _LONG, _VOID)


@dataclass(frozen=True)
class Head:
    """What is said before the code: of what model it is, and where its functions begin."""

    features: int
    outputs: int
    objective: str
    raw: int
    exponentials: int


def write(file: int, head: Head, code: bytes) -> None:
    """Put head and code into the file."""
    said = orjson.dumps(asdict(head))
    assert len(said) <= HEAD_BYTES
    content = memoryview(said.ljust(HEAD_BYTES) + code)
    written = 0
    while written < len(content):
        written += os.pwrite(file, content[written:], written)


def seal(file: int) -> None:
    """Say that the file is whole, and keep it so."""
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)


def is_sealed(file: int) -> bool:
    """Whether the file is whole."""
    return bool(fcntl.fcntl(file, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE)


class CompiledTrees:
    """The functions of a file. Safe for use from several threads at once.

    Raises:
        OSError: the file cannot be mapped with the right to execute.
        NotCompilable: its objective is not known.
    """

    def __init__(self, file: int) -> None:
        self._memory = mmap.mmap(file, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
        self._head = Head(**orjson.loads(self._memory[:HEAD_BYTES]))
        self._convert = conversion(self._head.objective)
        start = np.frombuffer(self._memory, np.uint8).ctypes.data + HEAD_BYTES
        self._raw = _Raw(start + self._head.raw)
        self._each_exp = _Exponentials(start + self._head.exponentials)
        self._exp = ctypes.cast(library().exp, _VOID)  # the one that LightGBM calls

    def scores(self, matrix: Floats, *, raw: bool = False) -> Floats:
        """As `Booster.scores`."""
        rows, columns = matrix.shape
        if columns != self._head.features:
            raise ArtifactBroken(
                f"The model reads {self._head.features} features, the pipeline gives {columns}."
            )
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        groups = -(-rows // LANES)
        out = np.empty((self._head.outputs, groups * LANES))
        lanes = np.empty(min(groups, CHUNK_GROUPS) * LANES * columns)
        at, to, working = matrix.ctypes.data, out.ctypes.data, lanes.ctypes.data
        for group in range(0, groups, CHUNK_GROUPS):
            first = group * LANES
            self._raw(
                at + 8 * columns * first,
                min(CHUNK_GROUPS, groups - group),
                rows - 1 - first,
                working,
                to + 8 * first,
                groups * LANES,
            )
        if not raw:
            out = self._convert(out, self._exponentials)
        return out[0, :rows] if len(out) == 1 else np.ascontiguousarray(out[:, :rows].T)

    def _exponentials(self, values: Floats) -> None:
        self._each_exp(values.ctypes.data, values.size, self._exp)


class CompiledBooster(Booster):
    """A booster whose scores of many rows come from compiled trees. The rest is the booster's."""

    def __init__(self, booster: Booster, trees: CompiledTrees) -> None:
        self.__dict__ |= vars(booster)
        self._owner, self._trees = booster, trees  # the owner frees LightGBM's trees at its end

    def scores(self, matrix: Floats, *, raw: bool = False) -> Floats:
        """As `Booster.scores`."""
        return self._trees.scores(matrix, raw=raw)


def same_bits(trees: CompiledTrees, booster: Booster, matrix: Floats) -> bool:
    """Whether trees and LightGBM answer a matrix alike, raw and converted."""
    return all(
        trees.scores(matrix, raw=raw).tobytes() == booster.scores(matrix, raw=raw).tobytes()
        for raw in (True, False)
    )
