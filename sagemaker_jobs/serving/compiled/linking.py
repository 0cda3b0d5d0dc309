"""An object file of LLVM's becomes bytes that run wherever they are mapped: no linker needed.

Code for position-independent use reaches its constants by their distance from it. Sections laid out
side by side keep their distances; what is left is to write these into the code.
https://refspecs.linuxfoundation.org/elf/x86_64-abi-0.99.pdf (4.4.1 Relocation Types)
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sagemaker_jobs.serving.compiled.model_text import NotCompilable

_IDENTITY = b"\x7fELF\x02\x01\x01"
_RELOCATABLE, _X86_64 = 1, 62
_PROGRAM, _SYMBOLS, _STRINGS, _RELOCATIONS = 1, 2, 3, 4
_ALLOCATED = 2
_NEAR = (2, 4)
"""R_X86_64_PC32 and R_X86_64_PLT32: symbol + addend - place, in 32 bits."""

_SECTION = np.dtype(
    [("name", "<u4"), ("kind", "<u4"), ("flags", "<u8"), ("address", "<u8"), ("offset", "<u8"),
     ("size", "<u8"), ("link", "<u4"), ("info", "<u4"), ("align", "<u8"), ("entry", "<u8")]
)  # fmt: skip
_SYMBOL = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"),
     ("size", "<u8")]
)  # fmt: skip
_RELOCATION = np.dtype(
    [("offset", "<u8"), ("kind", "<u4"), ("symbol", "<u4"), ("addend", "<i8")]
)  # fmt: skip


@dataclass(frozen=True)
class Linked:
    """Bytes to be mapped with read and execute rights, and where the asked functions begin."""

    code: bytes
    entries: dict[str, int]


def link(object_file: bytes, functions: tuple[str, ...]) -> Linked:
    """Lay out an object file's sections and resolve what they say of each other.

    Raises:
        NotCompilable: another format, or code that wants more than is in the file.
    """
    kind, machine = struct.unpack_from("<HH", object_file, 16)
    if not object_file.startswith(_IDENTITY) or (kind, machine) != (_RELOCATABLE, _X86_64):
        raise NotCompilable("the compiler made no ELF object for x86-64")
    sections = _sections(object_file)
    (symbols,) = (section for section in sections if section["kind"] == _SYMBOLS)
    table = _entries(object_file, symbols, _SYMBOL)
    code, starts = _laid_out(object_file, sections)
    for section in sections:
        if section["kind"] == _RELOCATIONS and starts[section["info"]] >= 0:
            _resolve(code, starts, table, _entries(object_file, section, _RELOCATION), section)
    names = object_file[int(sections[symbols["link"]]["offset"]) :]
    return Linked(code.tobytes(), {name: _find(table, names, starts, name) for name in functions})


def _sections(object_file: bytes) -> NDArray[Any]:
    (offset,) = struct.unpack_from("<Q", object_file, 40)
    (count,) = struct.unpack_from("<H", object_file, 60)
    return np.frombuffer(object_file, _SECTION, count, offset)


def _entries(object_file: bytes, section: Any, kind: np.dtype[Any]) -> NDArray[Any]:
    return np.frombuffer(
        object_file, kind, int(section["size"]) // kind.itemsize, int(section["offset"])
    )


def _laid_out(
    object_file: bytes, sections: NDArray[Any]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The sections that code needs, aligned as they want; where each begins, -1 for others."""
    starts = np.full(len(sections), -1, dtype=np.int64)
    size = 0
    for place, section in enumerate(sections):
        if section["kind"] == _PROGRAM and section["flags"] & _ALLOCATED:
            align = max(int(section["align"]), 1)
            starts[place] = size = -(-size // align) * align
            size += int(section["size"])
    code = np.zeros(size, dtype=np.uint8)
    for start, section in zip(starts.tolist(), sections, strict=True):
        if start >= 0:
            count, offset = int(section["size"]), int(section["offset"])
            code[start : start + count] = np.frombuffer(object_file, np.uint8, count, offset)
    return code, starts


def _resolve(
    code: NDArray[np.uint8],
    starts: NDArray[np.int64],
    table: NDArray[Any],
    relocations: NDArray[Any],
    section: Any,
) -> None:
    symbols = table[relocations["symbol"]]
    inside = (symbols["section"] > 0) & (symbols["section"] < len(starts))
    homes = starts[np.where(inside, symbols["section"], 0)]
    if not np.isin(relocations["kind"], _NEAR).all() or not (inside & (homes >= 0)).all():
        raise NotCompilable("the compiled code wants what is not in its object file")
    places = starts[section["info"]] + relocations["offset"].astype(np.int64)
    distances = homes + symbols["value"].astype(np.int64) + relocations["addend"] - places
    if (distances != distances.astype(np.int32)).any():
        raise NotCompilable("the compiled code is larger than 2 GB")
    written = distances.astype("<i4").view(np.uint8).reshape(-1, 4)
    code[places[:, np.newaxis] + np.arange(4)] = written


def _find(table: NDArray[Any], names: bytes, starts: NDArray[np.int64], wanted: str) -> int:
    text = wanted.encode() + b"\0"
    for symbol in table[(table["info"] >> 4) == 1]:  # global ones
        if names.startswith(text, int(symbol["name"])) and 0 < symbol["section"] < len(starts):
            return int(starts[symbol["section"]] + symbol["value"])
    raise NotCompilable(f"the compiler made no function {wanted}")
