"""A dropped object, streamed to a local file in blocks: hashed, unpacked, and made UTF-8.

Everything after this reads clean UTF-8 from disk, whatever was dropped; memory stays flat.
"""

import codecs
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sagemaker_jobs.reader.problems import Refused, refuse

NEWLINE = b"\n"
BLOCK_BYTES = 1024 * 1024
TEXT_EXTENSIONS = frozenset({"csv", "csv.gz", "tsv", "jsonl"})


@dataclass
class Spooled:
    """A local copy. `size` and `sha256` are of the dropped bytes, `newlines` of the text."""

    path: Path
    extension: str
    size: int = 0
    sha256: str = ""
    newlines: int = 0
    problem: Refused | None = None


def spool(blocks: Iterable[bytes], target: Path, extension: str, encoding: str) -> Spooled:
    """Copy the object's blocks to `target`.

    A file that cannot be decoded is read to its end for its hash; `problem` then says why.
    """
    spooled = Spooled(target, extension)
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for block in blocks:
            digest.update(block)
            spooled.size += len(block)
            yield block

    source = hashed()
    with target.open("wb") as out:
        try:
            if extension in TEXT_EXTENSIONS:
                plain = _gunzip(source) if extension == "csv.gz" else source
                _copy_text(plain, out, encoding, spooled)
            else:
                for block in source:
                    out.write(block)
        except Refused as problem:
            spooled.problem = problem
            for _ in source:
                pass
    spooled.sha256 = digest.hexdigest()
    return spooled


def _gunzip(blocks: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    ended = False
    try:
        for block in blocks:
            while block:
                if ended:  # gzip files may be several members, one after the other
                    unpacker, ended = zlib.decompressobj(wbits=31), False
                yield unpacker.decompress(block)
                ended, block = unpacker.eof, unpacker.unused_data
    except zlib.error as error:
        raise refuse("damaged_gzip", "The file is not gzip, or damaged. Pack it again.") from error
    if not ended:
        raise refuse("damaged_gzip", "The gzip file ends too early: the upload was cut off.")


def _copy_text(blocks: Iterable[bytes], out: BinaryIO, encoding: str, spooled: Spooled) -> None:
    decoder: codecs.IncrementalDecoder | None = None
    for block in blocks:
        if decoder is None:
            encoding = _by_mark(block) or encoding
            decoder = codecs.getincrementaldecoder(
                "utf-8-sig" if encoding == "utf-8" else encoding
            )()
        _copy_block(block, decoder, out, encoding, spooled)
    if decoder is not None:
        _copy_block(b"", decoder, out, encoding, spooled, final=True)


def _copy_block(
    block: bytes,
    decoder: codecs.IncrementalDecoder,
    out: BinaryIO,
    encoding: str,
    spooled: Spooled,
    *,
    final: bool = False,
) -> None:
    try:
        text = decoder.decode(block, final)
    except UnicodeDecodeError as error:
        raise _undecodable(error, encoding, spooled) from error
    if "\0" in text:
        line = spooled.newlines + text[: text.index("\0")].count("\n") + 1
        raise refuse(
            "undecodable",
            f"Line {line} holds a NUL character: this is no {encoding} text. If it is UTF-16, set "
            "encoding: utf-16 in project.yml.",
            line=line,
        )
    clean = text.encode()
    out.write(clean)
    spooled.newlines += clean.count(b"\n")


def _undecodable(error: UnicodeDecodeError, encoding: str, spooled: Spooled) -> Refused:
    before = error.object[: error.start]
    lines = before.count(b"\n")
    line = spooled.newlines + lines + 1
    # Where the line began in an earlier block, the position within it is not known.
    place = f", byte {error.start - before.rfind(NEWLINE)}" if lines else ""
    return refuse(
        "undecodable",
        f"Line {line}{place}: byte 0x{error.object[error.start]:02x} is not {encoding}. Save the "
        "file "
        "as UTF-8, or set encoding in project.yml (utf-16, cp932, shift_jis, latin-1).",
        line=line,
    )


def _by_mark(block: bytes) -> str | None:
    """The encoding that a byte order mark tells, whatever the project says."""
    if block.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None
