"""JSON lines, Parquet and Excel as blocks."""

import datetime as dt
import decimal
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.reader import jsonl, parquet
from sagemaker_jobs.reader.conversion import convert
from sagemaker_jobs.reader.evidence import KindEvidence
from sagemaker_jobs.reader.files import open_file
from sagemaker_jobs.reader.problems import Refused
from sagemaker_jobs.reader.source import Source
from sagemaker_jobs.reader.spool import spool

STRINGS = ["id", "amount", "day", "ok", "code", "007", "NA"]
TEXT, DATE = 't="s"', 's="1"'


def source_of(folder: Path, body: bytes, extension: str) -> Source:
    return open_file(spool([body], folder / "file", extension, "utf-8"))


def cell(place: str, value: object, attributes: str = "") -> str:
    return f'<c r="{place}" {attributes}><v>{value}</v></c>'


def sheet(*rows: tuple[int, list[str]]) -> str:
    return "".join(f'<row r="{number}">{"".join(cells)}</row>' for number, cells in rows)


def workbook(rows: str) -> bytes:
    """The least that is an Excel workbook: shared strings, one date style, two sheets."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{office}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets>'
        '<sheet name="Data" sheetId="1" r:id="r1"/><sheet name="More" sheetId="2" r:id="r2"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{rel}/worksheet" Target="worksheets/sheet2.xml"/>'
        f'<Relationship Id="r3" Type="{rel}/sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="r4" Type="{rel}/styles" Target="styles.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">'
        + "".join(f"<si><t>{text}</t></si>" for text in STRINGS)
        + "</sst>",
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData>'
        "</worksheet>",
        "xl/worksheets/sheet2.xml": f'<worksheet xmlns="{main}"><sheetData/></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return out.getvalue()


HEADER = (3, [cell(f"{letter}3", at, TEXT) for at, letter in enumerate("ABCDE")])


def test_the_first_sheet_is_read_as_a_csv_file_would_be(tmp_path: Path) -> None:
    body = workbook(
        sheet(
            HEADER,
            (4, [cell("A4", 1), cell("B4", 2.5), cell("C4", 44105, DATE), cell("D4", 1, 't="b"'),
                 cell("E4", 5, TEXT)]),
            (6, [cell("A6", 12345678901), cell("C6", 44105.5, DATE), cell("D6", 0, 't="b"'),
                 cell("E6", 6, TEXT)]),
        )
    )  # fmt: skip
    source = source_of(tmp_path, body, "xlsx")
    (block,) = source.blocks()
    assert block.rows.to_pydict() == {
        "id": ["1", "12345678901"],
        "amount": ["2.5", None],
        "day": ["2020-10-01", "2020-10-01T12:00:00"],
        "ok": ["true", "false"],
        "code": ["007", "NA"],
    }
    assert block.lines.tolist() == [4, 6]
    assert source.notes == ["first sheet 'Data' of 2 read"]
    (some,) = source.blocks(columns=["code", "id"])
    assert some.rows.schema.names == ["code", "id"]


@pytest.mark.parametrize(
    ("rows", "code", "line"),
    [
        (sheet(), "empty", None),
        (sheet(HEADER), "empty", 3),
        (sheet(HEADER, (4, [cell("A4", 1), cell("F4", 2)])), "unnamed_column", 3),
        (sheet((1, [cell("A1", 0, TEXT), cell("B1", 0, TEXT)]), (2, [cell("A2", 1)])),
         "duplicate_column", 1),
    ],
)  # fmt: skip
def test_a_faulty_sheet_says_where(tmp_path: Path, rows: str, code: str, line: int | None) -> None:
    with pytest.raises(Refused) as caught:
        list(source_of(tmp_path, workbook(rows), "xlsx").blocks())
    assert (caught.value.reasons[0].code, caught.value.reasons[0].line) == (code, line)


def test_columns_may_first_appear_late_in_json_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "PIECE_BYTES", 15)
    source = source_of(tmp_path, b'{" id":1}\n\n{" id":2,"a":"NA"}\n{"b":true,"a":1.0}\n', "jsonl")
    assert source.names == ["id", "a", "b"]
    blocks = list(source.blocks())
    assert len(blocks) > 1
    assert pa.Table.from_batches([block.rows for block in blocks]).to_pydict() == {
        "id": ["1", "2", None],
        "a": [None, "NA", "1"],
        "b": [None, None, "true"],
    }
    assert [line for block in blocks for line in block.lines.tolist()] == [1, 3, 4]


def test_parquet_comes_in_batches_as_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "MAX_ROWS", 2)
    table = pa.table(
        {
            "money": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-2")]),
            "when": pa.array([dt.datetime(2020, 10, 1)] * 3, pa.timestamp("us")),
            "large": pa.array(["a", "", "NA"], pa.large_string()),
            "word": pa.array(["1", "2", "1"]).dictionary_encode(),
            "raw": pa.array([b"x", b"y", None]),
            "whole": pa.array([1.0, 2.0, 2.5]),
            "big": pa.array([1, 2**53 - 1, 2**53]),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    source = source_of(tmp_path, out.getvalue(), "parquet")
    blocks = list(source.blocks())
    assert [block.lines.tolist() for block in blocks] == [[1, 2], [3]]
    typed = convert(
        pa.Table.from_batches([block.rows for block in blocks]),
        {"money": "number", "when": "date", "large": "string", "word": "number", "raw": "string",
         "whole": "integer", "big": "integer"},
    )  # fmt: skip
    assert typed.table.to_pydict() == {
        "money": [1.5, None, -2.0],
        "when": [dt.date(2020, 10, 1)] * 3,
        "large": ["a", None, "NA"],
        "word": [1.0, 2.0, 1.0],
        "raw": ["x", "y", None],
        "whole": [1, 2, None],
        "big": [1, 2**53 - 1, None],
    }
    assert {name: wrong.tolist() for name, wrong in typed.faults.items()} == {
        "whole": [2],
        "big": [2],
    }


def test_evidence_gathers_over_blocks() -> None:
    evidence = KindEvidence()
    for x, code, slip, comma, mixed in [
        (["1", "NA"], ["10", "20"], ["1"] * 50, ["1,5"], ["9007199254740993"]),
        (["2.5", ""], ["007", "1"], ["oops"] + ["2"] * 49, ["1.234,5"], ["1"]),
    ]:
        for name, values in {
            "x": x, "code": code, "slip": slip, "comma": comma, "mixed": mixed
        }.items():  # fmt: skip
            evidence.update(pa.record_batch([pa.array(values, pa.string())], names=[name]))
    assert evidence.kinds() == {
        "x": "number",
        "code": "string",
        "slip": "string",
        "comma": "string",
        "mixed": "string",
    }
    assert evidence.slips() == {"slip": 1}
    assert evidence.decimal_commas() == {"comma": 2}


def test_evidence_with_decimal_commas() -> None:
    evidence = KindEvidence(",")
    evidence.update(pa.table({"x": ["1,5", "1.234,5", "7"], "y": ["1.5", "2.5", "3.5"]}))
    assert evidence.kinds() == {"x": "number", "y": "string"}
