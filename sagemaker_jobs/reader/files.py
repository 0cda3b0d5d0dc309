"""Every format of the drop contract as one kind of table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sagemaker_jobs.reader.delimited import RawTable, check_names, read_delimited
from sagemaker_jobs.reader.problems import refuse
from sagemaker_jobs.reader.spool import Spooled
from sagemaker_jobs.values import text_from_json


def read_file(spooled: Spooled, delimiter: str | None = None) -> RawTable:
    """Read a spooled file.

    Raises:
        Refused: the file cannot be read as a table; the reasons name lines and columns.
    """
    if spooled.problem is not None:
        raise spooled.problem
    if not spooled.size:
        raise refuse("empty", "The file is empty (0 bytes).")
    if spooled.extension in ("csv", "csv.gz", "tsv"):
        return read_delimited(spooled, delimiter)
    if spooled.extension == "jsonl":
        return _read_jsonl(spooled)
    if spooled.extension == "parquet":
        return _read_parquet(spooled)
    raise refuse(
        "format",
        f"Files of type {spooled.extension} are not read by this release. Save the sheet as CSV "
        "and "
        "drop that.",
    )


def _read_jsonl(spooled: Spooled) -> RawTable:
    columns: dict[str, list[str | None]] = {}
    lines: list[int] = []
    with spooled.path.open("rb") as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            _add_object(columns, _json_object(text, line), len(lines), line)
            lines.append(line)
    if not lines:
        raise refuse("empty", "The file holds no rows.")
    for values in columns.values():
        values.extend([None] * (len(lines) - len(values)))
    check_names(list(columns))
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    return RawTable(table, np.array(lines, dtype=np.int64))


def _json_object(text: bytes, line: int) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refuse("broken_json", f"Line {line} is not JSON.", line=line) from error
    if not isinstance(value, dict):
        raise refuse("broken_json", f"Line {line} is not a JSON object.", line=line)
    return value


def _add_object(
    columns: dict[str, list[str | None]], row: dict[str, Any], index: int, line: int
) -> None:
    for name, value in row.items():
        values = columns.setdefault(name.strip(), [])
        try:
            text = text_from_json(value)
        except ValueError as error:
            raise refuse(
                "nested_value",
                f"Line {line}, column {name}: a list or an object where a single value is "
                "expected.",
                line=line,
                column=name,
            ) from error
        values.extend([None] * (index - len(values)))
        values.append(text)


def _read_parquet(spooled: Spooled) -> RawTable:
    try:
        # ParquetFile, not a data set: the folder's name is no partition of ours.
        table = pq.ParquetFile(spooled.path).read()
    except (pa.ArrowInvalid, OSError) as error:
        raise refuse(
            "unreadable", "The file is not Parquet, or damaged. Write it again."
        ) from error
    names = [name.strip() for name in table.schema.names]
    check_names(names)
    table = table.rename_columns(names)
    _check_flat(table.schema, names)
    if not table.num_rows:
        raise refuse("empty", "The file has columns but no rows.")
    # A Parquet file has no lines: rows are counted from 1.
    return RawTable(table, np.arange(1, table.num_rows + 1, dtype=np.int64))


def _check_flat(schema: pa.Schema, names: Sequence[str]) -> None:
    for name in names:
        if pa.types.is_nested(schema.field(name).type):
            raise refuse(
                "nested_value",
                f"Column {name} holds lists or objects where single values are expected.",
                column=name,
            )
