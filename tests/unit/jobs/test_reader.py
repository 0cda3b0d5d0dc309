"""Every format is read, and every broken file says what is wrong, and where."""

import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from sagemaker_jobs.accept.offending import broken_reasons
from sagemaker_jobs.reader.files import open_file
from sagemaker_jobs.reader.problems import Refused
from sagemaker_jobs.reader.spool import Spooled, spool

PLAIN = "id,amount,name\n1,2.5,x\n2,3,あ\n"
ROWS = {"id": ["1", "2"], "amount": ["2.5", "3"], "name": ["x", "あ"]}


def spooled(folder: Path, body: bytes, extension: str = "csv", encoding: str = "utf-8") -> Spooled:
    """The body in blocks of seven bytes: every boundary falls badly somewhere."""
    blocks = [body[start : start + 7] for start in range(0, len(body), 7)]
    return spool(blocks, folder / "file", extension, encoding)


@dataclass
class Whole:
    """A file's rows, read block by block and put together."""

    table: pa.Table
    lines: NDArray[np.int64]
    notes: list[str]


def read(folder: Path, body: bytes, extension: str = "csv", encoding: str = "utf-8") -> Whole:
    """A whole file; refused if a row has another width, as a project without a limit does."""
    source = open_file(spooled(folder, body, extension, encoding))
    blocks = list(source.blocks())
    if source.rejected.count:
        raise Refused(broken_reasons(source.rejected), source.rejected.rows, source.names)
    table = pa.Table.from_batches([block.rows for block in blocks])
    return Whole(table, np.concatenate([block.lines for block in blocks]), source.notes)


@pytest.mark.parametrize(
    ("body", "extension", "encoding"),
    [
        (PLAIN.encode(), "csv", "utf-8"),
        (PLAIN.encode("utf-8-sig"), "csv", "utf-8"),
        (PLAIN.encode("utf-16"), "csv", "utf-8"),
        (PLAIN.encode("utf-16"), "csv", "utf-16"),
        (PLAIN.encode("cp932"), "csv", "cp932"),
        (PLAIN.encode("shift_jis"), "csv", "shift_jis"),
        (gzip.compress(PLAIN.encode(), mtime=0), "csv.gz", "utf-8"),
        (
            gzip.compress(PLAIN[:9].encode(), mtime=0) + gzip.compress(PLAIN[9:].encode(), mtime=0),
            "csv.gz",
            "utf-8",
        ),
        (PLAIN.replace(",", "\t").encode(), "tsv", "utf-8"),
        (PLAIN.replace(",", ";").encode(), "csv", "utf-8"),
        (PLAIN.replace(",", "|").encode(), "csv", "utf-8"),
        (PLAIN.replace("\n", "\r\n").encode(), "csv", "utf-8"),
        (PLAIN.replace("\n", "\r").encode(), "csv", "utf-8"),
        (PLAIN.rstrip().encode(), "csv", "utf-8"),
        (b" id , amount,name \n1,2.5,x\n2,3,\xe3\x81\x82\n", "csv", "utf-8"),
        (PLAIN.replace("\n", ",\n").encode(), "csv", "utf-8"),
        (b"id,amount,name\n1,2.5,x,\n2,3,\xe3\x81\x82,\n", "csv", "utf-8"),
        (
            '{"id":1,"amount":2.5,"name":"x"}\n\n{"id":2,"amount":3,"name":"あ"}\n'.encode(),
            "jsonl",
            "utf-8",
        ),
    ],
)
def test_every_spelling_of_a_file_is_the_same_table(
    tmp_path: Path, body: bytes, extension: str, encoding: str
) -> None:
    assert read(tmp_path, body, extension, encoding).table.to_pydict() == ROWS


def test_latin_1_is_read_when_the_project_says_so(tmp_path: Path) -> None:
    raw = read(tmp_path, "id,name\n1,café\n".encode("latin-1"), encoding="latin-1")
    assert raw.table.column("name").to_pylist() == ["café"]


def test_quoted_newlines_and_blank_lines_keep_the_line_numbers(tmp_path: Path) -> None:
    raw = read(tmp_path, b'id,name\n1,"two\nlines"\n\n2,5" pipe\n3,"say ""hi"""\n')
    assert raw.table.column("name").to_pylist() == ["two\nlines", '5" pipe', 'say "hi"']
    assert raw.lines.tolist() == [2, 5, 6]


def test_an_odd_quote_inside_a_field_is_harmless(tmp_path: Path) -> None:
    raw = read(tmp_path, b'id,name\n1,5" pipe\n2,x\n')
    assert raw.table.num_rows == 2


def test_the_person_is_told_what_was_tidied(tmp_path: Path) -> None:
    assert read(tmp_path, b" id;a;\n1;2;\n").notes == [
        "delimiter ;",
        "white space around 1 column name removed",
        "1 empty column without a name ignored",
    ]


def test_hash_and_size_are_of_the_dropped_bytes(tmp_path: Path) -> None:
    body = gzip.compress(PLAIN.encode(), mtime=0)
    file = spooled(tmp_path, body, "csv.gz")
    assert file.size == len(body)
    assert len(file.sha256) == 64
    assert file.sha256 != spooled(tmp_path, PLAIN.encode()).sha256


@pytest.mark.parametrize(
    ("body", "extension", "code", "line", "says"),
    [
        (b"", "csv", "empty", None, "empty"),
        (b"\n\n", "csv", "empty", None, "empty"),
        (b"id,a\n", "csv", "empty", 1, "no rows"),
        (b"id,a,a\n1,2,3\n", "csv", "duplicate_column", 1, "positions 2 and 3"),
        (b"id,a,\n1,2,3\n", "csv", "unnamed_column", 1, "column number 3"),
        (
            b"id,a,b\n1,2,3\n2,3\n3,3\n",
            "csv",
            "ragged_row",
            3,
            "2 of 3 rows do not have the header's 3 fields; most of them (2) have 2.",
        ),
        (b'id,a,b\n1,2,"x\n2,3,y\n', "csv", "broken_quote", 2, "never closed"),
        (b'id,a,b\n1,2,3\n2,3,"x\n3,3,y\n4,4,"z"\n', "csv", "broken_quote", 3, "runs to line 5"),
        (b'id,a\n1,"x\n2,"y\n', "csv", "broken_quote", 2, "runs to line 3"),
        (b"id,a\n1,x\n2,\xff\n", "csv", "undecodable", 3, "byte 0xff is not utf-8"),
        (b"id,a\n1,\0\n", "csv", "undecodable", 2, "utf-16"),
        (b"not gzip", "csv.gz", "damaged_gzip", None, "not gzip"),
        (
            gzip.compress(b"id,a\n1,2\n" * 99, mtime=0)[:-9],
            "csv.gz",
            "damaged_gzip",
            None,
            "too early",
        ),
        (b'{"id":1}\n{"id":\n', "jsonl", "broken_json", 2, "not JSON"),
        (b"[1]\n", "jsonl", "broken_json", 1, "not a JSON object"),
        (b'{"id":1,"a":[1]}\n', "jsonl", "nested_value", 1, "column a"),
        (b"PAR1 not really", "parquet", "unreadable", None, "not Parquet"),
        (b"PK", "xlsx", "unreadable", None, "CSV"),
        (b"PK", "zip", "format", None, "CSV"),
    ],
)
def test_a_broken_file_says_what_and_where(
    tmp_path: Path, body: bytes, extension: str, code: str, line: int | None, says: str
) -> None:
    with pytest.raises(Refused) as caught:
        read(tmp_path, body, extension)
    reason = caught.value.reasons[0]
    assert (reason.code, reason.line) == (code, line)
    assert says in reason.message


def test_ragged_rows_are_listed_with_their_fields(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        read(tmp_path, b"id,a,b\n1,2\n2,3,4\n3,4\n4,5,6\n")
    assert [(row.line, row.fields) for row in caught.value.rows] == [
        (2, ("1", "2")),
        (4, ("3", "4")),
    ]
    assert caught.value.reasons[0].message.startswith("Line 2 has 2 fields")
    assert "(also line 4)" in caught.value.reasons[0].message


def test_an_undecodable_file_is_hashed_to_its_end(tmp_path: Path) -> None:
    body = b"id\n\xff\n" + b"1\n" * 50
    file = spooled(tmp_path, body)
    assert file.problem is not None
    assert file.size == len(body)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({" id": [2**60 + 1], "ok": [True]}), out)
    raw = read(tmp_path, out.getvalue(), "parquet")
    assert raw.table.to_pydict() == {"id": [2**60 + 1], "ok": [True]}


def test_nested_parquet_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"id": [[1]]}), out)
    with pytest.raises(Refused, match="lists or objects"):
        read(tmp_path, out.getvalue(), "parquet")
