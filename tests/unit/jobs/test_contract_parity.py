"""A file and the endpoint judge a row alike: every value rule, every row rule, every road."""

import csv
import datetime as dt
import io
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropforge.contract import ContractSpec
from dropforge.errors import InvalidRequest
from dropforge.project import ProjectSpec
from dropforge.rules import parse_rule
from sagemaker_jobs.accept.checks import row_checks
from sagemaker_jobs.accept.columns import expect_columns
from sagemaker_jobs.accept.rules import breaking
from sagemaker_jobs.artifact.contract import write_contract
from sagemaker_jobs.boosting.scorer import Output
from sagemaker_jobs.features.condition import compile_condition
from sagemaker_jobs.features.frame import Input
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.rows import RowRefused
from sagemaker_jobs.reader.conversion import convert
from sagemaker_jobs.reader.files import open_file
from sagemaker_jobs.reader.spool import spool
from sagemaker_jobs.serving.refusals import RuleBroken
from sagemaker_jobs.serving.requests import CSV, JSON, JSON_LINES, RequestReader

Row = dict[str, str]

KINDS: dict[str, Any] = {
    "age": "integer",
    "rooms": "number",
    "member": "boolean",
    "opened": "date",
    "closed": "date",
    "job": "string",
    "town": "string",
}
LEVELS = {"job": ("clerk", "nurse", "NA"), "town": ("Oslo", "審査")}
ARROW = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32()}

# Values, as a file spells them --------------------------------------------------------------------

NUMBERS = ["", "NA", "0", "-0", "1", "2", "2.5", "-3", "7.0", "1e2", "1e308", "-1e308", "5e-324"]
WHOLE = [text for text in NUMBERS if text not in ("2.5", "1e308", "-1e308", "5e-324")]
DATES = ["", "2020-10-01", "2020-02-29", "1999-12-31", "20201002"]
TEXTS = ["", "clerk", "nurse", "NA", "baker", "Oslo", "審査", " ", "z" * 40]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "age": st.sampled_from(WHOLE),
            "rooms": st.sampled_from(NUMBERS),
            "member": st.sampled_from(["", "true", "no", "1"]),
            "opened": st.sampled_from(DATES),
            "closed": st.sampled_from(DATES),
            "job": st.sampled_from(TEXTS),
            "town": st.sampled_from(TEXTS),
        }
    ),
    min_size=1,
    max_size=6,
)

# Row rules ----------------------------------------------------------------------------------------

NUMERIC = st.recursive(
    st.sampled_from(
        ["age", "rooms", "(closed - opened)", "length(job)", "0", "2", "0.5", "1e300", "-3"]
    ),
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | inner.map("abs({})".format)
        | inner.map("-({})".format)
    ),
    max_leaves=4,
)
COMPARE = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
ATOMS = st.one_of(
    st.tuples(NUMERIC, COMPARE, NUMERIC).map(" ".join),
    st.tuples(st.sampled_from(["job", "town"]), COMPARE, st.sampled_from(["town", "'nurse'"])).map(
        " ".join
    ),
    st.tuples(st.just("opened"), COMPARE, st.sampled_from(["closed", "'2020-10-01'"])).map(
        " ".join
    ),
    st.sampled_from(
        [
            "member",
            "member == true",
            "member != false",
            "is_missing(age / rooms)",
            "is_missing(job)",
            "is_missing(opened)",
            "age in [0, 2, 7]",
            "rooms not in [-3, 0]",
            "job in ['clerk', 'baker', '審査']",
            "opened in ['2020-10-01']",
            "0 <= age < 5 <= rooms",
        ]
    ),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: (
        inner.map("not ({})".format)
        | st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        )
    ),
    max_leaves=4,
).filter(lambda text: any(name in text for name in KINDS))

# Contracts ----------------------------------------------------------------------------------------

ON_BREAK = st.sampled_from(["reject_row", "refuse_file", "warn"])


@st.composite
def column_rules(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """Any rules of a column of a kind."""
    made: dict[str, Any] = {"type": kind, "on_break": draw(ON_BREAK)}
    made["nullable"] = draw(st.booleans())
    if kind in ("integer", "number"):
        low, high = sorted(draw(st.tuples(*[st.integers(-4, 8)] * 2)))
        made |= draw(st.sampled_from([{}, {"min": low}, {"max": high}, {"min": low, "max": high}]))
        made["clamp"] = ("min" in made or "max" in made) and draw(st.booleans())
        if not made["clamp"] and draw(st.booleans()):
            made["allowed"] = draw(
                st.sampled_from([[0, 1], [0.0, 2.5, 7] if kind == "number" else [7]])
            )
    if kind == "date":
        made |= draw(st.sampled_from([{}, {"min": "2020-03-01"}, {"max": "2020-10-01"}]))
    if kind == "boolean" and draw(st.booleans()):
        made["allowed"] = [True]
    if kind == "string":
        some: list[dict[str, Any]] = [{}, {"allowed": ["clerk", "baker", "NA"]}]
        made |= draw(st.sampled_from([*some, {"pattern": "[a-z]+"}]))
    return made


@st.composite
def contracts(draw: st.DrawFn) -> dict[str, Any]:
    """Any contract over the columns."""
    columns: dict[str, Any] = {name: draw(column_rules(kind)) for name, kind in KINDS.items()}
    columns["id"] = {"type": "string", "role": "id"}
    columns["y"] = {"type": "string", "role": "target"}
    expressions = draw(st.lists(CONDITIONS, max_size=3))
    rules = [
        {"name": f"rule {number}", "expr": text, "on_break": draw(ON_BREAK)}
        for number, text in enumerate(expressions)
    ]
    return {"columns": columns, "rules": rules}


def spec_of(contract: dict[str, Any]) -> ProjectSpec:
    features = {"keep": [*KINDS]}
    document = {"name": "parity", "id": "id", "target": "y", "positive": "1"}
    return ProjectSpec.model_validate({**document, "features": features, "contract": contract})


def features_of(contract: ContractSpec) -> FittedFeatures:
    inputs = [
        Input(name, kind, LEVELS.get(name, ()), contract.clamps.get(name))
        for name, kind in KINDS.items()
    ]
    return FittedFeatures(tuple(inputs), {}, (), (*KINDS,))


# What a file says, and what the endpoint says -----------------------------------------------------

RULE_OF = {"null": "nullable", "range": "range", "not_allowed": "allowed", "pattern": "pattern"}


def as_fields(row: Row) -> list[str]:
    return [row[name] for name in KINDS]


def file_verdicts(spec: ProjectSpec, rows: list[Row], folder: Path) -> list[list[tuple[str, str]]]:
    """A row's broken rules: what each is called, and what breaking it does."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "y", *KINDS])
    writer.writerows([str(number), "1", *as_fields(row)] for number, row in enumerate(rows))
    source = open_file(spool([out.getvalue().encode()], folder / "file", "csv", "utf-8"))
    expected = expect_columns(spec, source, None)
    found: list[list[tuple[str, str]]] = [[] for _ in rows]
    (block,) = [block for block in source.blocks(expected.kinds) if block.rows.num_rows]
    typed = convert(block.rows, expected.kinds, source.decimal)
    assert not any(len(faults) for faults in typed.faults.values())
    (batch,) = typed.table.combine_chunks().to_batches()
    names = [rule.name for rule in spec.contract.rules] if spec.contract else []
    for check in row_checks(spec, set(expected.kinds)):
        if check.code == "rule":
            named = names.pop(0)
        else:
            named = f"{check.column} {RULE_OF.get(check.code, check.code)}"
        for row in check.find(batch).tolist():
            found[row].append((named, check.on_break))
    return found


def endpoint_verdict(reader: RequestReader, kind: str, body: bytes) -> int | tuple[int, str]:
    """How many values and rows are only counted; or the row and the rule that refuses it."""
    try:
        return reader.read(kind, body).warnings
    except RowRefused as error:
        return error.row, f"{error.column} {error.rule}"
    except RuleBroken as error:
        return error.row, error.rule


def as_csv(rows: list[Row], *, quoted: bool = False) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if quoted:
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(KINDS)
    writer.writerows(map(as_fields, rows))
    return out.getvalue().encode()


def as_json(row: Row) -> dict[str, str | None]:
    return {name: value or None for name, value in row.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(contract=contracts(), rows=ROWS)
def test_a_row_breaks_the_same_rules_in_a_file_and_at_the_endpoint(
    contract: dict[str, Any], rows: list[Row]
) -> None:
    spec = spec_of(contract)
    assert spec.contract is not None
    features = features_of(spec.contract)
    with tempfile.TemporaryDirectory() as made:
        in_file = file_verdicts(spec, rows, Path(made))
        write_contract(Path(made), spec, features, Output("binary", threshold=0.5))
        document = json.loads((Path(made) / "contract.json").read_text())
    reader = RequestReader(document, features)
    for row, broken in zip(rows, in_file, strict=True):
        refusing = [name for name, on_break in broken if on_break != "warn"]
        for kind, body in (
            (CSV, as_csv([row])),
            (CSV, as_csv([row], quoted=True)),
            (JSON, json.dumps(as_json(row)).encode()),
        ):
            verdict = endpoint_verdict(reader, kind, body)
            if refusing:
                assert isinstance(verdict, tuple), (broken, verdict)
                assert verdict[0] == 1 and verdict[1] in refusing
            else:
                assert verdict == len(broken)
    refused = [
        (place, [name for name, on_break in broken if on_break != "warn"])
        for place, broken in enumerate(in_file, start=1)
    ]
    first = next((found for found in refused if found[1]), None)
    lines = "\n".join(json.dumps(as_json(row)) for row in rows).encode()
    for kind, body in ((CSV, as_csv(rows)), (JSON_LINES, lines)):
        verdict = endpoint_verdict(reader, kind, body)
        if first:
            assert isinstance(verdict, tuple)
            assert verdict[0] == first[0] and verdict[1] in first[1]
        else:
            assert verdict == sum(map(len, in_file))


TYPED = st.fixed_dictionaries(
    {
        "age": st.none() | st.integers(-9, 9) | st.sampled_from([2**53, -(2**53)]),
        "rooms": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "member": st.none() | st.booleans(),
        "opened": st.none() | st.dates(),
        "closed": st.none() | st.dates(),
        "job": st.none() | st.text(min_size=1, max_size=3),
        "town": st.none() | st.sampled_from(["nurse", "clerk", "審査"]),
    }
)


def operand(value: Any) -> Any:
    """A value as conditions of requests read it."""
    if isinstance(value, dt.date):
        return float((value - dt.date(1970, 1, 1)).days)
    return float(value) if type(value) is int else value


@settings(max_examples=300, deadline=None)
@given(text=CONDITIONS, rows=st.lists(TYPED, min_size=1, max_size=8))
def test_a_condition_means_the_same_over_arrow_and_over_single_values(
    text: str, rows: list[dict[str, Any]]
) -> None:
    condition = parse_rule(text, KINDS)
    batch = pa.RecordBatch.from_pydict(
        {n: pa.array([r[n] for r in rows], ARROW.get(k, pa.string())) for n, k in KINDS.items()}
    )
    holds = compile_condition(condition)
    broken = [
        place
        for place, row in enumerate(rows)
        if holds([operand(row[name]) for name in condition.columns]) is False
    ]
    assert broken == breaking(condition, batch).tolist()


def test_the_verdicts_are_of_every_sort() -> None:
    """The property above is not true because nothing ever happens."""
    seen: Counter[str] = Counter()

    @settings(max_examples=150, deadline=None, database=None)
    @given(contract=contracts(), rows=ROWS)
    def look(contract: dict[str, Any], rows: list[Row]) -> None:
        with tempfile.TemporaryDirectory() as made:
            for broken in file_verdicts(spec_of(contract), rows, Path(made)):
                seen.update(name.rpartition(" ")[0 if name.startswith("rule") else 2]
                            for name, _ in broken)  # fmt: skip

    look()
    assert {*seen} == {"nullable", "range", "allowed", "pattern", "clamped", "rule"}


@pytest.mark.parametrize("number", ["12", "12.0", "1e9"])
def test_a_wrong_type_is_always_refused_here(number: str) -> None:
    contract = {"columns": {n: {"type": k, "on_break": "warn"} for n, k in KINDS.items()}}
    spec = spec_of(contract | {"columns": contract["columns"] | {
        "id": {"type": "string", "role": "id"}, "y": {"type": "string", "role": "target"}
    }})  # fmt: skip
    assert spec.contract is not None
    reader = RequestReader({"id": "id", "ignored": [], "columns": []}, features_of(spec.contract))
    row = dict.fromkeys(KINDS, "") | {"member": number}
    with pytest.raises(InvalidRequest, match="column member: must be true or false"):
        reader.read(CSV, as_csv([row]))
