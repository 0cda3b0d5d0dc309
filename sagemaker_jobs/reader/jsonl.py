"""JSON lines: one object a line, every value as the text that a CSV file would hold."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from sagemaker_jobs.reader.problems import Offences, refuse
from sagemaker_jobs.reader.source import Block, tidy_names
from sagemaker_jobs.reader.spool import Spooled
from sagemaker_jobs.values import Decimal, Kind, text_from_json

PIECE_BYTES = 2 * 1024 * 1024


class JsonLinesSource:
    """A JSON lines file. A key may first appear in its last line: one pass learns the names."""

    def __init__(self, spooled: Spooled) -> None:
        self._path = spooled.path
        self.notes: list[str] = []
        self.rejected = Offences()
        self.decimal: Decimal = "."
        keys: dict[str, None] = {}
        rows = 0
        for line, text in _lines(self._path):
            keys.update(dict.fromkeys(_object(text, line)))
            rows += 1
        if not rows:
            raise refuse("empty", "The file holds no rows.")
        self._keys = dict(zip(keys, tidy_names(list(keys), self.notes), strict=True))
        self.names = list(self._keys.values())

    def blocks(
        self, kinds: Mapping[str, Kind] | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """See `Source.blocks`; always text, about 2 MB of file each."""
        wanted = list(self.names if columns is None else columns)
        keys = [key for name in wanted for key, tidied in self._keys.items() if tidied == name]
        rows: list[list[str | None]] = []
        numbers: list[int] = []
        size = 0
        for line, text in _lines(self._path):
            value = _object(text, line)
            rows.append([_text(value.get(key), key, line) for key in keys])
            numbers.append(line)
            size += len(text)
            if size >= PIECE_BYTES:
                yield _block(rows, numbers, wanted)
                rows, numbers, size = [], [], 0
        if rows:
            yield _block(rows, numbers, wanted)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for line, text in enumerate(file, start=1):
            if text.strip():
                yield line, text


def _object(text: bytes, line: int) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refuse("broken_json", f"Line {line} is not JSON.", line=line) from error
    if not isinstance(value, dict):
        raise refuse("broken_json", f"Line {line} is not a JSON object.", line=line)
    return value


def _text(value: Any, key: str, line: int) -> str | None:
    try:
        return text_from_json(value)
    except ValueError as error:
        name = key.strip()
        raise refuse(
            "nested_value",
            f"Line {line}, column {name}: a list or an object where a single value is expected.",
            line=line,
            column=name,
        ) from error


def _block(rows: list[list[str | None]], lines: list[int], names: list[str]) -> Block:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return Block(pa.record_batch(columns, names=names), np.array(lines, dtype=np.int64))
