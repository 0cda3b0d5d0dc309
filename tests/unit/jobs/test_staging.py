from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dropforge.period import Period
from dropforge.project import ProjectSpec
from sagemaker_jobs.accept.columns import expect_columns
from sagemaker_jobs.accept.staged import Staged, Store
from sagemaker_jobs.accept.staging import stage_rows
from sagemaker_jobs.accept.unique import Repeats
from sagemaker_jobs.history.table import LINE
from sagemaker_jobs.reader.problems import Offences, Refused
from sagemaker_jobs.reader.source import Block
from sagemaker_jobs.values import Decimal, Kind

COLUMNS: dict[str, Any] = {
    "id": {"type": "string", "role": "id"},
    "y": {"type": "integer", "role": "target"},
    "age": {"type": "integer"},
}


class Rows:
    """A source of text rows in blocks of two, `None` for the empty field."""

    def __init__(self, names: str, *rows: str, block: int = 2) -> None:
        self.names = names.split(",")
        self.notes: list[str] = []
        self.rejected = Offences()
        self.decimal: Decimal = "."
        self.passes = 0
        self._rows, self._block = [row.split(",") for row in rows], block

    def blocks(
        self, kinds: Mapping[str, Kind] | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[Block]:
        self.passes += 1
        for start in range(0, len(self._rows), self._block):
            part = self._rows[start : start + self._block]
            data = {
                name: pa.array([row[i] or None for row in part], pa.string())
                for i, name in enumerate(self.names)
                if columns is None or name in columns
            }
            lines = np.arange(start + 2, start + 2 + len(part), dtype=np.int64)
            yield Block(pa.RecordBatch.from_pydict(data), lines)


def project(contract: dict[str, Any] | None = None, **changes: Any) -> ProjectSpec:
    columns = {**COLUMNS, **(contract or {}).pop("columns", {})} if contract else COLUMNS
    return ProjectSpec.model_validate(
        {
            "name": "p",
            "target": "y",
            "id": "id",
            "features": {"keep": ["age"]},
            "contract": {"columns": columns, **(contract or {})},
            "max_rejected_share": 1.0,
            **changes,
        }
    )


def stage(spec: ProjectSpec, rows: Rows, folder: Path, period: str = "initial") -> Staged:
    expected = expect_columns(spec, rows, None)
    return stage_rows(spec, rows, expected, folder, Period.parse(period))


def kept(staged: Staged) -> list[int]:
    return [line for batch in staged.batches() for line in batch.column(LINE).to_pylist()]


def test_a_clean_file_is_read_once_and_typed(tmp_path: Path) -> None:
    rows = Rows("id,y,age", " 007 ,1.0,33", "8,0,", "9,0,44")
    spec = project()
    expected = expect_columns(spec, rows, None)
    before = rows.passes
    staged = stage_rows(spec, rows, expected, tmp_path)
    assert rows.passes == before + 1
    assert staged.ids().to_pylist() == ["007", "8", "9"]
    table = pa.Table.from_batches(staged.batches())
    assert table.column("age").to_pylist() == [33, None, 44]
    assert table.column("y").to_pylist() == ["1", "0", "0"]
    assert (staged.rows, staged.labelled, staged.positives) == (3, 3, 1)
    assert kept(staged) == kept(staged) == [2, 3, 4]
    assert (staged.rejected.count, staged.reasons, staged.warnings) == (0, [], [])


def test_all_that_is_wrong_with_a_row_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    spec = project(
        {
            "columns": {"age": {"type": "integer", "nullable": False, "min": 0, "max": 120}},
            "rules": [{"name": "even", "expr": "age - 2 * 20 != 1", "says": "must not be odd"}],
        }
    )
    rows = Rows(
        "id,y,age", "1,1,33", "2,0,x", "1,0,200", "4,0,", ",1,41", "6,1,50", "7,0,-1", block=3
    )
    staged = stage(spec, rows, tmp_path)
    assert kept(staged) == [2, 7]
    assert [r.message for r in staged.reasons] == [
        "Line 3, column age: must be a whole number.",
        "Line 4, column age: must be between 0 and 120 (also line 8).",
        "Line 4, column id: the id occurs earlier in the file.",
        "Line 5, column age: must not be empty.",
        "Line 6, column id: the id is missing.",
        "Line 6: must not be odd.",
    ]
    assert [(r.line, r.reason) for r in staged.rejected.rows] == [
        (3, "age: must be a whole number"),
        (4, "age: must be between 0 and 120; id: the id occurs earlier in the file"),
        (5, "age: must not be empty"),
        (6, "id: the id is missing; must not be odd"),
        (8, "age: must be between 0 and 120"),
    ]
    assert staged.rejected.rows[0].fields == ("2", "0", "x")
    assert (staged.rows, staged.rejected.count, staged.labelled, staged.positives) == (2, 5, 2, 2)


def test_more_rejected_rows_than_allowed_refuse_the_file_with_every_reason(tmp_path: Path) -> None:
    spec = project({"file": {"min_rows": 9}}, max_rejected_share=0.2)
    with pytest.raises(Refused) as refused:
        stage(spec, Rows("id,y,age", "1,1,a", "1,0,5", "2,3,5"), tmp_path)
    assert [r.code for r in refused.value.reasons] == [
        "type",
        "duplicate_id",
        "too_few_rows",
        "too_many_rejected",
    ]
    assert len(refused.value.rows) == 2
    assert "66.7%" in refused.value.reasons[-1].message


def test_a_broken_rule_may_refuse_the_file_or_only_warn(tmp_path: Path) -> None:
    rows = ("id,y,age", "1,1,500", "2,0,5")
    warned = stage(
        project({"columns": {"age": {"type": "integer", "max": 99, "on_break": "warn"}}}),
        Rows(*rows),
        tmp_path,
    )
    assert (warned.rows, warned.rejected.count) == (2, 0)
    assert warned.warnings == ["Line 2, column age: must be at most 99."]
    refusing = project(
        {"columns": {"age": {"type": "integer", "max": 99, "on_break": "refuse_file"}}}
    )
    with pytest.raises(Refused, match="Line 2, column age: must be at most 99") as refused:
        stage(refusing, Rows(*rows), tmp_path)
    assert [row.line for row in refused.value.rows] == [2]


def test_values_of_rows_are_in_no_sentence(tmp_path: Path) -> None:
    columns = {
        "age": {"type": "integer", "max": 99},
        "mail": {"type": "string", "pattern": ".+@.+"},
    }
    with pytest.raises(Refused) as refused:
        stage(
            project({"columns": columns}, max_rejected_share=0.0),
            Rows("id,y,age,mail", "secret1,1,5551234,jane", "secret1,0,5551235,joe"),
            tmp_path,
        )
    said = str(refused.value)
    assert not any(value in said for value in ("secret1", "5551234", "jane", "joe"))


@pytest.mark.parametrize(
    ("column", "values", "bad"),
    [
        ({"type": "string", "allowed": ["a", "NA"]}, ["a", "NA", "", "b"], [5]),
        ({"type": "integer", "allowed": [1, 2]}, ["1", "2.0", "", "3"], [5]),
        ({"type": "date", "allowed": ["2020-10-01"]}, ["20201001", "", "2020-10-02"], [4]),
        ({"type": "date", "min": "2020-10-01"}, ["20201001", "2020-09-30", ""], [3]),
        ({"type": "boolean", "allowed": [True]}, ["yes", "T", "1", "no", ""], [5]),
        ({"type": "string", "pattern": r"\d{3}"}, ["007", "07", "0077", ""], [3, 4]),
        ({"type": "number", "min": 0.5}, ["0.5", "0.4999", "NaN", "1e300"], [3]),
    ],
)
def test_column_rules_look_at_values_that_are_present(
    tmp_path: Path, column: dict[str, Any], values: list[str], bad: list[int]
) -> None:
    spec = project({"columns": {"x": column}})
    rows = Rows("id,y,age,x", *(f"{n},{n % 2},1,{v}" for n, v in enumerate(values)))
    staged = stage(spec, rows, tmp_path)
    assert [row.line for row in staged.rejected.rows] == bad


@pytest.mark.parametrize(
    ("expr", "bad"),
    [
        ("a < b", [3]),
        ("a + b >= 3", []),
        ("a / (b - 2) < 0", []),
        ("y == 1", [3]),
        ("not is_missing(b)", [4]),
        ("t in ['u', 'v']", [4]),
        ("t not in ['u']", [2]),
        ("d > '2020-10-01'", [3]),
        ("d - '2020-10-01' >= 0 or a > 2", [3]),
        ("length(t) == 1 and abs(-a) <= 2", [4]),
        ("b > 100 or is_missing(b)", [2, 3]),
        ("flag or a == 1", [3]),
    ],
)
def test_rules_have_the_semantics_of_a_check(tmp_path: Path, expr: str, bad: list[int]) -> None:
    kinds = {"a": "number", "b": "number", "t": "string", "d": "date", "flag": "boolean"}
    if expr.startswith("d - "):
        expr = "d - d2 >= 0 or a > 2"
    spec = project(
        {
            "columns": {**{n: {"type": k} for n, k in kinds.items()}, "d2": {"type": "date"}},
            "rules": [{"name": "r", "expr": expr}],
        }
    )
    rows = Rows(
        "id,y,age,a,b,t,d,flag,d2",
        "1,1,1,1,2,u,2020-10-02,no,2020-10-01",
        "2,0,1,2,1,v,2020-09-30,no,2020-10-01",
        "3,1,1,3,,ww,,yes,2020-10-01",
    )
    staged = stage(spec, rows, tmp_path)
    assert [row.line for row in staged.rejected.rows] == bad


def test_keys_of_several_columns_are_unique_within_the_file(tmp_path: Path) -> None:
    columns = {"a": {"type": "string"}, "b": {"type": "string"}}
    spec = project({"columns": columns, "unique": [{"columns": ["a", "b"]}]})
    rows = Rows("id,y,age,a,b", "1,1,1,x,y", "2,1,1,xy,", "3,0,1,x,y", "4,0,1,xy,")
    staged = stage(spec, rows, tmp_path)
    assert [r.message for r in staged.reasons] == [
        "Line 4: a and b together occur earlier in the file."
    ]


@pytest.mark.parametrize("limits", [{}, {"small": 3}, {"small": 3, "held": 40}])
def test_repeats_are_the_same_however_many_rows_there_are(
    tmp_path: Path, limits: dict[str, int]
) -> None:
    rng = np.random.default_rng(1)
    values = [None if v == 0 else str(v) for v in rng.integers(0, 300, 500)]
    repeats = Repeats(tmp_path, "k", **limits)
    (tmp_path / "k-00.keys").write_bytes(b"left behind by a job that was killed")
    for start in range(0, 500, 7):
        part = values[start : start + 7]
        lines = np.arange(start + 2, start + 2 + len(part), dtype=np.int64)
        repeats.update(pa.array(part, pa.string()), lines)
    seen: set[str | None] = {None}
    wanted = []
    for line, value in enumerate(values, start=2):
        if value in seen - {None}:
            wanted.append(line)
        seen.add(value)
    assert repeats.lines().tolist() == wanted
    if "held" in limits:
        assert list(tmp_path.iterdir()) == []


def test_many_rows_wait_in_a_file(tmp_path: Path) -> None:
    batch = pa.record_batch({"x": pa.array(range(1000)), LINE: pa.array(range(1000))})
    store = Store(tmp_path, batch.schema, limit=20_000)
    for _ in range(5):
        store.add(batch)
    store.close()
    assert (tmp_path / "rows.arrows").exists()
    assert list(store) == list(store) == [batch] * 5


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ({"min_rows": 5}, "The file has 4 rows; at least 5 are expected."),
        ({"max_rows": 3}, "The file has 4 rows; at most 3 are expected."),
        ({"max_missing": 0.4}, "Column age is empty in 2 of 4 rows (50.0%); at most 40.0%"),
        ({"freshness": 10}, "is 11 days older than the end of October 2020; at most 10 are"),
    ],
)
def test_rules_about_the_file_refuse_it_or_warn(
    tmp_path: Path, file: dict[str, Any], message: str
) -> None:
    columns = {"day": {"type": "date", "role": "time"}}
    for on_break in ("refuse_file", "warn"):
        spec = project({"columns": columns, "file": {**file, "on_break": on_break}})
        rows = Rows(
            "id,y,age,day",
            *(f"{n},{n % 2},{n if n > 2 else ''},202010{n + 16}" for n in range(1, 5)),
        )
        if on_break == "warn":
            assert message in stage(spec, rows, tmp_path, "202010").warnings[0]
        else:
            with pytest.raises(Refused) as refused:
                stage(spec, rows, tmp_path, "202010")
            assert message in str(refused.value)


def test_a_column_has_only_so_many_categories(tmp_path: Path) -> None:
    spec = project({"columns": {"c": {"type": "string", "max_categories": 2}}})
    with pytest.raises(Refused, match="Column c takes more than 2 different values"):
        stage(spec, Rows("id,y,age,c", "1,1,1,a", "2,0,1,b", "3,0,1,c"), tmp_path)


def test_labels_are_counted_among_the_rows_that_are_left(tmp_path: Path) -> None:
    rows = Rows("id,y,age", "1,1,1", "1,1,2", "2,0,3", "3,,4")
    staged = stage(project(min_labelled_share=0.5), rows, tmp_path)
    assert (staged.rows, staged.labelled, staged.positives) == (3, 2, 1)
    with pytest.raises(Refused, match=r"Only 2 of 3 rows \(66.7%\) have a value in y"):
        stage(project(), rows, tmp_path)
    with pytest.raises(Refused, match="takes 3 different values"):
        stage(project(), Rows("id,y,age", "1,1,1", "2,2,2", "3,3,3"), tmp_path)


def test_the_kind_is_found_without_reading_the_file(tmp_path: Path) -> None:
    assert expect_columns(project(), Rows("id,age", "1,2"), None).kind == "unlabelled"
    assert expect_columns(project(), Rows("id,y,age", "1,,2", "2,,3"), None).kind == "unlabelled"
    late = Rows("id,y,age", "1,,2", "2,,3", "3,1,3")
    assert expect_columns(project(), late, None).kind == "labelled"
    labels = expect_columns(project(), Rows("id,y", "1,1"), None)
    assert (labels.kind, labels.kinds) == ("labels_only", {"id": "string", "y": "string"})


def test_new_and_missing_columns_are_what_the_contract_says(tmp_path: Path) -> None:
    rows = Rows("id,y,age,extra", "1,1,2,3")
    assert "ignored: extra" in expect_columns(project(), rows, None).warnings[0]
    quiet = project({"file": {"new_columns": "ignore"}})
    assert expect_columns(quiet, rows, None).warnings == []
    with pytest.raises(Refused, match="Column extra is new"):
        expect_columns(project({"file": {"new_columns": "refuse"}}), rows, None)
    wanting = {"columns": {"pay": {"type": "number"}, "sum": {"type": "number"}}}
    with pytest.raises(Refused) as refused:
        expect_columns(project(dict(wanting)), rows, None)
    assert [r.column for r in refused.value.reasons] == ["pay", "sum"]
    soft = project({**wanting, "file": {"missing_columns": "warn"}})
    assert "count as missing: pay, sum" in expect_columns(soft, rows, None).warnings[1]


def test_a_first_file_without_a_contract_is_inferred_in_a_pass(tmp_path: Path) -> None:
    spec = project().model_copy(update={"contract": None})
    rows = Rows("id,y,age,code", "01,1,1,007", "02,0,x,008", *(f"{n},0,{n},1" for n in range(40)))
    expected = expect_columns(spec, rows, None)
    assert expected.kinds == {"id": "string", "y": "string", "age": "string", "code": "string"}
    assert "column age is read as text because 1 of its values" in expected.warnings[0]


def test_whole_numbers_are_welcome_in_a_history_of_numbers() -> None:
    history = pa.schema([("id", pa.string()), ("y", pa.string()), ("age", pa.float64())])
    assert expect_columns(project(), Rows("id,y,age", "1,1,2"), history).kinds["age"] == "number"
    widened = project({"columns": {"age": {"type": "number"}}})
    older = history.set(2, pa.field("age", pa.int64()))
    assert expect_columns(widened, Rows("id,y,age", "1,1,2"), older).kinds["age"] == "number"


def test_structurally_broken_rows_count_among_the_rejected(tmp_path: Path) -> None:
    rows = Rows("id,y,age", "1,1,1", "2,0,2")
    rows.rejected.add(9, "5 fields, the header has 3", ("1", "2", "3", "4", "5"))
    staged = stage(project(), rows, tmp_path)
    assert staged.rejected.count == 1
    assert staged.reasons[0].message == "Line 9 has 5 fields, the header has 3."
    with pytest.raises(Refused):
        stage(project(max_rejected_share=0.3), rows, tmp_path)
