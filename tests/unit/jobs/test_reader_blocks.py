"""CSV in blocks: any cut gives the same rows and lines, and typed columns mean the same as text."""

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagemaker_jobs.reader import pieces, walk
from sagemaker_jobs.reader.conversion import ARROW, convert
from sagemaker_jobs.reader.files import open_file
from sagemaker_jobs.reader.problems import Refused
from sagemaker_jobs.reader.source import Source
from sagemaker_jobs.reader.spool import spool
from sagemaker_jobs.values import Decimal, Kind

KINDS: dict[str, Kind] = {
    "id": "string",
    "whole": "integer",
    "real": "number",
    "flag": "boolean",
    "day": "date",
}
FIELDS = st.one_of(
    st.sampled_from(["", "NA", "nan", "NaN", "inf", "-inf", "Infinity", "-nan", "1e999", "1e-400"]),
    st.sampled_from(["+1", "1e3", " 1 ", "1.", ".5", "0x1F", "007", "-0", "1,5", "1.234,5", "1_0"]),
    st.sampled_from(["9007199254740992", "9007199254740993", "9007199254740991", "-1", "12.0"]),
    st.sampled_from(["true", "t", "YES", "20201001", "2020-10-01", "a\nb", 'say "hi"', "\u00a01"]),
    st.integers(-(2**66), 2**66).map(str),
    st.floats().map(repr),
    st.text(max_size=5).map(lambda text: text.replace("\0", "").replace("\r", "")),
)
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def source_of(folder: Path, body: bytes, decimal: Decimal = ".") -> Source:
    return open_file(spool([body], folder / "file", "csv", "utf-8"), decimal=decimal)


def whole(source: Source, kinds: dict[str, Kind] | None = None) -> tuple[pa.Table, list[int]]:
    blocks = list(source.blocks(kinds))
    lines = [line for block in blocks for line in block.lines.tolist()]
    return pa.Table.from_batches([block.rows for block in blocks]), lines


def written(rows: list[list[str]], quoting: int, end: str = "\n") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue().encode(errors="surrogatepass")


def pieces_of(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", size)


@SAME_FOLDER
@given(
    st.lists(st.lists(FIELDS, min_size=5, max_size=5), min_size=1, max_size=12),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([16, 64, 1 << 20]),
    st.sampled_from([".", ","]),
)
def test_a_typed_pass_is_the_pass_over_text_converted(
    tmp_path: Path, rows: list[list[str]], quoting: int, size: int, decimal: Decimal
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        pieces_of(patch, size)
        body = written([list(KINDS), *rows], quoting)
        source = source_of(tmp_path, body, decimal)
        plain, lines = [], []
        for block in source.blocks():
            plain.append(block.rows)
            lines += block.lines.tolist()
        text = convert(pa.Table.from_batches(plain), KINDS, decimal)
        faults: dict[str, list[int]] = {}
        typed = []
        at = 0
        for block in source.blocks(KINDS):
            converted = convert(block.rows, KINDS, decimal)
            typed.append(converted.table)
            for name, wrong in converted.faults.items():
                faults.setdefault(name, []).extend((wrong + at).tolist())
            at += block.rows.num_rows
        table = pa.concat_tables(typed)
    assert table.schema.types == [ARROW[kind] for kind in KINDS.values()]
    assert table.to_pydict() == text.table.to_pydict()
    assert faults == {name: wrong.tolist() for name, wrong in text.faults.items()}
    assert len(lines) == table.num_rows == len(rows)


@SAME_FOLDER
@given(
    st.lists(
        st.lists(
            st.sampled_from(["", "x", "a\nb", 'q"q', ",", "\r\n", " y"]), min_size=3, max_size=3
        ),
        min_size=1,
        max_size=15,
    ),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 60),
    st.booleans(),
)
def test_wherever_the_file_is_cut_rows_and_lines_are_the_same(
    tmp_path: Path, rows: list[list[str]], quoting: int, end: str, size: int, open_end: bool
) -> None:
    body = written([["a", "b", "c"], *rows], quoting, end)
    if open_end:
        body = body[: -len(end)]
    reader = csv.reader(io.StringIO(body.decode(), newline=""))
    next(reader)
    expected, starts, before = [], [], reader.line_num
    for record in reader:
        expected.append([text or None for text in record])
        starts.append(before + 1)
        before = reader.line_num
    with pytest.MonkeyPatch.context() as patch:
        pieces_of(patch, size)
        table, lines = whole(source_of(tmp_path, body))
    assert [list(row.values()) for row in table.to_pylist()] == expected
    assert lines == starts


@pytest.mark.parametrize("size", [7, 30, 1 << 20])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_ragged_rows_are_rejected_with_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, end: bytes
) -> None:
    pieces_of(monkeypatch, size)
    body = b'a,b\n1,"x\ny"\n\n2\n3,5" pipe\n4,x,y\n"5"6,z\n7,"q""q"\n8,9\n'
    source = source_of(tmp_path, body.replace(b"\n", end))
    table, lines = whole(source)
    inner = end.decode()
    assert table.to_pydict() == {
        "a": ["1", "3", "7", "8"],
        "b": [f"x{inner}y", '5" pipe', 'q"q', "9"],
    }
    assert lines == [2, 6, 9, 10]
    assert [(row.line, row.reason) for row in source.rejected.rows] == [
        (5, "1 field, the header has 2"),
        (7, "3 fields, the header has 2"),
        (8, "text after the closing quote"),
    ]
    assert source.rejected.rows[1].fields == ("4", "x", "y")


def test_a_second_pass_counts_its_rejections_anew(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"a,b\n1,2\n3\n4,5\n")
    assert whole(source)[1] == whole(source)[1] == [2, 4]
    assert source.rejected.count == 1


def test_a_quote_that_never_closes_refuses_the_file_after_any_number_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces_of(monkeypatch, 100)
    body = b"a,b\n" + b"1,2\n" * 500 + b'3,"x\n' + b"4,5\n" * 500
    with pytest.raises(Refused, match="Line 502: a quoted field that opens here is never closed"):
        whole(source_of(tmp_path, body))


def test_a_line_without_end_is_refused_and_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces_of(monkeypatch, 100)
    monkeypatch.setattr(walk, "MAX_RECORD", 500)
    with pytest.raises(Refused, match="Line 2 is longer"):
        whole(source_of(tmp_path, b"a,b\n" + b"1," * 5000))


def test_mostly_ragged_means_a_wrong_delimiter(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"3 of 4 rows .* \(2\) have 3\. Check .* delimiter"):
        whole(source_of(tmp_path, b"a,b\n1,2\n1,2,3\n1,2,3\n1,2,3,4\n"))


def test_columns_come_as_asked_and_typed(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"id,x,n,\n007,1.5,NA,\n008,NA,2,\nNA,,3,\n")
    (block,) = source.blocks({"n": "integer", "x": "number"}, ["n", "id", "x"])
    assert block.rows.schema.types == [pa.int64(), pa.string(), pa.float64()]
    assert block.rows.to_pydict() == {
        "n": [None, 2, 3],
        "id": ["007", "008", "NA"],
        "x": [1.5, None, None],
    }


def test_one_slip_makes_its_column_text_and_no_other(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"x,y\n1,2\n?,3\n")
    kinds: dict[str, Kind] = {"x": "number", "y": "number"}
    (block,) = source.blocks(kinds)
    typed = convert(block.rows, kinds)
    assert typed.faults["x"].tolist() == [1]
    assert typed.table.to_pydict() == {"x": [1.0, None], "y": [2.0, 3.0]}


def test_decimal_commas_when_the_project_says_so(tmp_path: Path) -> None:
    body = b"x;n\n1,5;1.234\n1.234,5;7\n1.5;8,0\n"
    source = source_of(tmp_path, body, ",")
    typed = convert(whole(source)[0], {"x": "number", "n": "integer"}, source.decimal)
    assert typed.table.to_pydict() == {"x": [1.5, 1234.5, None], "n": [1234, 7, 8]}
    assert typed.faults["x"].tolist() == [2]


def test_offences_are_counted_beyond_what_is_kept(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"a,b\n" + b"1,2\n" * 100_010 + b"1\n" * 100_005)
    whole(source)
    assert source.rejected.count == 100_005
    assert len(source.rejected.rows) == 100_000
    assert source.rejected.lines("1 field, the header has 2")[0] == 100_012
    assert np.all(np.diff(source.rejected.lines()) == 1)


def test_a_glance_at_a_column_reads_little_and_a_whole_look_reads_all(tmp_path: Path) -> None:
    body = b"id,y\n" + b"".join(b"%d,%d\n" % (row, row % 2) for row in range(50_000))
    source = source_of(tmp_path, body)
    glances = [block.rows.num_rows for block in source.blocks(columns=["y"])]
    assert glances[0] < 10_000
    assert sum(glances) == 50_000
    assert [block.rows.num_rows for block in source.blocks()] == [50_000]
