"""Training–serving skew is impossible: a table, one row at a time, and requests give equal bits."""

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropforge.errors import InvalidRequest
from dropforge.project import FeaturesSpec
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.fit import fit_features, write_features
from sagemaker_jobs.features.frame import PERIOD, Floats
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.rows import RowReader
from sagemaker_jobs.serving.model import ServedModel

Row = dict[str, Any]

SCHEMA: dict[str, pa.DataType] = {
    "amount": pa.float64(),
    "count": pa.int64(),
    "member": pa.bool_(),
    "opened": pa.date32(),
    "closed": pa.date32(),
    "job": pa.string(),
    "grade": pa.string(),
    "employer": pa.string(),
    "branch": pa.int64(),
    "rate": pa.float64(),
    PERIOD: pa.date32(),
}
COLUMNS = [name for name in SCHEMA if name != PERIOD]

# Values ----------------------------------------------------------------------------------------

EXTREME = [0.0, -0.0, 5e-324, -1e308, 1.7976931348623157e308, 2.0**53, 0.1 + 0.2]
NUMBERS = st.none() | st.sampled_from(EXTREME) | st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.none() | st.integers(-9, 99) | st.integers(-(2**53), 2**53)
DATES = st.none() | st.dates() | st.sampled_from([dt.date(2020, 2, 29), dt.date.min, dt.date.max])
LEVELS = ["clerk", "nurse", "NA", "(missing)", "(other)", 'a "quoted", one', "審査", " "]
TEXTS = st.none() | st.sampled_from(LEVELS) | st.sampled_from(["", "unseen", "x" * 300, "1.0"])
KEYS = st.none() | st.sampled_from(["acme", "zeta", "gone", "1", ""])
ROWS = st.fixed_dictionaries(
    {
        "amount": NUMBERS,
        "count": WHOLE,
        "member": st.none() | st.booleans(),
        "opened": DATES,
        "closed": DATES,
        "job": TEXTS,
        "grade": st.none() | st.sampled_from(["A", "B", "C", "unseen"]),
        "employer": KEYS,
        "branch": st.none() | st.integers(0, 4),
        "rate": st.none() | st.sampled_from([0.5, 1e20, -0.0, 3.0, 7.25]),
        PERIOD: st.none() | st.dates(),
    }
)
MANY = st.lists(ROWS, min_size=1, max_size=17)


def as_table(rows: list[Row]) -> pa.Table:
    """Rows as the lake holds them."""
    return pa.table(
        {name: pa.array([row[name] for row in rows], kind) for name, kind in SCHEMA.items()}
    )


def as_json(row: Row) -> Row:
    """A row as a request carries it."""
    return {name: str(v) if isinstance(v, dt.date) else v for name, v in row.items()}


def as_fields(row: Row, names: tuple[str, ...]) -> list[str]:
    """A row as the fields of a CSV line."""
    return ["" if row[name] is None else str(row[name]) for name in names]


def made_rows(count: int, seed: int) -> list[Row]:
    """Ordinary rows, some values missing."""
    rng = np.random.default_rng(seed)

    def maybe(value: Any) -> Any:
        return None if rng.uniform() < 0.1 else value

    return [
        {
            "amount": maybe(float(rng.lognormal(5, 2))),
            "count": maybe(int(rng.integers(0, 20))),
            "member": maybe(bool(rng.integers(0, 2))),
            "opened": maybe(dt.date(2019, 1, 1) + dt.timedelta(int(rng.integers(0, 700)))),
            "closed": maybe(dt.date(2020, 1, 1) + dt.timedelta(int(rng.integers(0, 700)))),
            "job": maybe(LEVELS[min(int(rng.exponential(2)), len(LEVELS) - 1)]),
            "grade": maybe("ABC"[rng.integers(0, 3)]),
            "employer": maybe(str(rng.choice(["acme", "zeta", "1"]))),
            "branch": maybe(int(rng.integers(0, 4))),
            "rate": maybe(float(rng.choice([0.5, 3.0, 7.25]))),
            PERIOD: dt.date(2021, int(rng.integers(1, 13)), 1),
        }
        for _ in range(count)
    ]


TRAIN = as_table(made_rows(400, 1))

# Projects --------------------------------------------------------------------------------------

PYTHON = """
import numpy as np
import pandas as pd


def features(frame):
    out = pd.DataFrame(index=frame.index)
    out["job_length"] = frame["job"].map(lambda text: -1 if text is None else len(text))
    out["root"] = np.log1p(np.sqrt(frame["amount"].abs())) + frame["member"]
    out["leap"] = frame["opened"].dt.is_leap_year
    out["score"] = frame["extra"] if "extra" in frame else frame["amount"] ** 1.5
    return out
"""
GIVES = ["job_length", "root", "leap", "score"]
DERIVE = {
    "ratio": "amount / count",
    "twice": "2 * ratio",
    "odd": "log1p(abs(amount)) ** 1.5 - sqrt(count) + exp(rate / 1e3) * if_missing(count, -1)",
    "span": "closed - opened",
    "young": "where(opened > closed and not member or count in [1, 2, 3], amount, -count)",
    "recent": 'opened >= "2019-06-01"',
    "known": "is_missing(amount) + is_missing(span) / 3",
    "large": "max(min(amount, 1e6), floor(rate)) ** 0.37",
    "constant": "log(2) / 3",
}
PARTS = ["year", "month", "day", "weekday", "day_of_year", "days_before_period"]
AGGREGATES: dict[str, Row] = {
    "employer_amount": {"by": "employer", "statistic": "mean", "column": "amount"},
    "branch_rows": {"by": "branch", "statistic": "count"},
    "employer_rows": {"by": "employer", "statistic": "count"},
    "rate_last": {"by": "rate", "statistic": "last", "column": "amount"},
}
EVERYTHING: Row = {
    "keep": COLUMNS,
    "impute": {"amount": "median", "job": "most_frequent", "count": 0.0},
    "encode": {"job": {"one_hot": 0.1}, "grade": {"ordinal": ["C", "B", "A"]}},
    "derive": DERIVE,
    "dates": {"opened": PARTS, "closed": ["month", "days_before_period"]},
    "aggregates": AGGREGATES,
    "python": {"reads": ["job", "amount", "member", "opened"], "gives": GIVES},
}
ANY_NUMBER = ["none", "median", "mean", "most_frequent", 0.0, -999.0]
ANY_TEXT = ["none", "most_frequent", "missing_category", "unknown", "clerk"]
IMPUTE = st.sampled_from(["none", "median", "missing_category", -999.0]) | st.fixed_dictionaries(
    {},
    optional={
        "amount": st.sampled_from(ANY_NUMBER),
        "count": st.sampled_from(ANY_NUMBER),
        "member": st.sampled_from(ANY_NUMBER),
        "opened": st.sampled_from(ANY_NUMBER),
        "job": st.sampled_from(ANY_TEXT),
        "employer": st.sampled_from(ANY_TEXT),
        "money": st.sampled_from(ANY_NUMBER),
        "string": st.sampled_from(ANY_TEXT[:3]),
        "number": st.sampled_from(ANY_NUMBER),
    },
)
ENCODINGS = ["native", "one_hot", "ordinal", {"one_hot": 0.1}, {"one_hot": 0.0}]
ENCODE = st.sampled_from(ENCODINGS) | st.fixed_dictionaries(
    {},
    optional={
        "job": st.sampled_from(ENCODINGS),
        "grade": st.sampled_from([*ENCODINGS[:3], {"ordinal": ["C", "B", "A", "D"]}]),
        "string": st.sampled_from(ENCODINGS),
    },
)


@st.composite
def specs(draw: st.DrawFn) -> FeaturesSpec:
    """Any project over the columns that can be fitted."""
    names = draw(st.lists(st.sampled_from(list(DERIVE)), unique=True))
    needs = {"twice": "ratio", "known": "span"}
    derive = {n: DERIVE[n] for n in dict.fromkeys([*names, *(needs.get(n, n) for n in names)])}
    dates = draw(
        st.dictionaries(
            st.sampled_from(["opened", "closed"]),
            st.lists(st.sampled_from(PARTS), min_size=1, unique=True),
        )
    )
    chosen = draw(st.lists(st.sampled_from(list(AGGREGATES)), unique=True))
    reads = ["job", "amount", "member", "opened"]
    made = [*derive, *chosen, *(f"{c}_{p}" for c, parts in dates.items() for p in parts)]
    reads += draw(st.lists(st.sampled_from(made), unique=True)) if made else []
    return FeaturesSpec.model_validate(
        {
            "groups": {"money": ["amount", "count", "rate"]},
            "keep": draw(st.lists(st.sampled_from([*COLUMNS, "money"]), min_size=1, unique=True)),
            "impute": draw(IMPUTE),
            "encode": draw(ENCODE),
            "derive": derive,
            "dates": dates,
            "aggregates": {name: AGGREGATES[name] for name in chosen},
            "python": {"reads": reads, "gives": GIVES} if draw(st.booleans()) else None,
        }
    )


def write_aggregates(artifact: Path) -> None:
    """What the keys of the history have; `gone`, branch 4 and some rates have nothing."""
    keys = {"employer": ["1", "acme", "zeta"], "branch": ["0", "1", "3"], "rate": ["0.5", "1e+20"]}
    places = [(by, key) for by, found in keys.items() for key in found]
    rng = np.random.default_rng(5)
    columns: dict[str, Any] = {"by": [by for by, _ in places], "key": [key for _, key in places]}
    for name, declared in AGGREGATES.items():
        values = [rng.uniform() if by == declared["by"] else None for by, _ in places]
        columns[name] = pa.array(values, pa.float64())
    pq.write_table(pa.table(columns), artifact / "aggregates.parquet")


CLAMPS: dict[str, tuple[float, float]] = {
    "amount": (0.0, 1e4),
    "count": (-np.inf, 12.0),
    "rate": (1.0, np.inf),
}
ANY_CLAMPS = st.dictionaries(
    st.sampled_from([*CLAMPS, "branch"]),
    st.sampled_from([*CLAMPS.values(), (-0.0, 0.0), (2.0, 2.0)]),
)


def fitted_through_files(
    spec: FeaturesSpec, artifact: Path, clamps: Mapping[str, tuple[float, float]] = CLAMPS
) -> FittedFeatures:
    """Fitted on TRAIN, written, and loaded as Score and the server do."""
    for_training = with_as_of(TRAIN, spec)
    fitted = fit_features(spec, for_training, files={"features.py": PYTHON}, clamps=clamps)
    write_features(artifact, fitted)
    loaded = FittedFeatures.load(artifact)
    assert loaded == fitted
    return loaded


def with_as_of(table: pa.Table, spec: FeaturesSpec) -> pa.Table:
    for name in spec.aggregates:
        table = table.append_column(name, pa.nulls(table.num_rows, pa.float64()))
    return table


def assert_same_bits(found: Floats, expected: Floats) -> None:
    """Equal shapes and bits; one NaN is as good as another."""
    assert found.shape == expected.shape
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    found, expected = (np.where(np.isnan(m), 0.0, m) for m in (found, expected))
    np.testing.assert_array_equal(found.view(np.int64), expected.view(np.int64))


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    write_aggregates(folder)
    return folder


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spec=specs(), rows=MANY, clamps=ANY_CLAMPS)
def test_every_road_gives_the_same_features(
    artifact: Path,
    spec: FeaturesSpec,
    rows: list[Row],
    clamps: dict[str, tuple[float, float]],
) -> None:
    features = fitted_through_files(spec, artifact, clamps)
    reader = RowReader(features)
    frame = frame_from_arrow(as_table(rows), features)
    whole = features.matrix(frame)
    assert whole.shape == (len(rows), len(features.features))
    assert not np.isinf(whole).any()
    objects = [as_json(row) for row in rows]
    names = (*reader.names, PERIOD) if reader.reads_period else reader.names
    fields = [as_fields(row, names) for row in rows]
    assert_same_bits(features.matrix(reader.from_objects(objects)), whole)
    assert_same_bits(features.matrix(reader.from_text(fields)), whole)
    for index, row in enumerate(rows):
        one = whole[index : index + 1]
        assert_same_bits(features.matrix(frame.slice(index, index + 1)), one)
        assert_same_bits(features.matrix(frame_from_arrow(as_table([row]), features)), one)
        assert_same_bits(features.matrix(reader.from_objects([objects[index]])), one)
        assert_same_bits(features.matrix(reader.from_text([fields[index]])), one)


@settings(max_examples=50, deadline=None)
@given(spec=specs(), rows=MANY, chunk=st.integers(1, 5))
def test_how_a_table_is_stored_makes_no_difference(
    artifact: Path, spec: FeaturesSpec, rows: list[Row], chunk: int
) -> None:
    features = fitted_through_files(spec, artifact)
    table = as_table(rows)
    whole = features.matrix(frame_from_arrow(table, features))
    parts = [table.slice(start, chunk) for start in range(0, len(rows), chunk)]
    in_chunks = pa.concat_tables(parts)
    assert_same_bits(features.matrix(frame_from_arrow(in_chunks, features)), whole)
    encoded = pa.table(
        {
            name: in_chunks.column(name).dictionary_encode()
            if kind == pa.string()
            else in_chunks.column(name)
            for name, kind in SCHEMA.items()
        }
    )
    assert_same_bits(features.matrix(frame_from_arrow(encoded, features)), whole)


def test_keys_find_what_the_artifact_has_of_them(artifact: Path) -> None:
    features = fitted_through_files(FeaturesSpec.model_validate(EVERYTHING), artifact)
    held = pq.read_table(artifact / "aggregates.parquet").to_pylist()
    keys = {(item["by"], item["key"]): item for item in held}
    (row,) = made_rows(1, 4)
    asked = [
        ("acme", 3, 0.5, [("employer", "acme"), ("branch", "3"), ("rate", "0.5")]),
        ("1", 0, 1e20, [("employer", "1"), ("branch", "0"), ("rate", "1e+20")]),
        ("gone", 4, 7.25, []),
        ("", None, None, []),
        (None, -1, -0.0, []),
    ]
    rows = [row | {"employer": e, "branch": b, "rate": r} for e, b, r, _ in asked]
    found = frame_from_arrow(as_table(rows), features).aggregates
    for values, (*_, places) in zip(found, asked, strict=True):
        expected = dict.fromkeys(AGGREGATES, float("nan"))
        for place in places:
            expected |= {n: keys[place][n] for n, d in AGGREGATES.items() if d["by"] == place[0]}
        np.testing.assert_array_equal(values, list(expected.values()))


def test_aggregates_of_the_rows_own_period_come_before_the_stored_ones(artifact: Path) -> None:
    features = fitted_through_files(FeaturesSpec.model_validate(EVERYTHING), artifact)
    rows = made_rows(30, 3)
    table = as_table(rows)
    stored = frame_from_arrow(table, features).aggregates
    assert not np.isnan(stored).all(axis=0).any()
    for place, name in enumerate(AGGREGATES):
        own = np.arange(30.0) + place
        with_own = table.append_column(name, pa.array(own))
        found = frame_from_arrow(with_own, features).aggregates
        np.testing.assert_array_equal(found[:, place], own)
        others = [p for p in range(len(AGGREGATES)) if p != place]
        np.testing.assert_array_equal(found[:, others], stored[:, others])


def within(value: Any, bounds: tuple[float, float] | None) -> Any:
    if value is None or bounds is None:
        return value
    low, high = bounds
    return type(value)(low if value < low else high if value > high else value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spec=specs(), rows=MANY)
def test_a_value_beyond_a_clamp_is_the_bound_in_every_feature(
    artifact: Path, spec: FeaturesSpec, rows: list[Row]
) -> None:
    table = pa.Table.from_pylist(
        [{n: within(v, CLAMPS.get(n)) for n, v in row.items()} for row in TRAIN.to_pylist()],
        TRAIN.schema,
    )
    of_bounds = fit_features(spec, with_as_of(table, spec), files={"features.py": PYTHON})
    clamping = fitted_through_files(spec, artifact)
    assert clamping.fill == of_bounds.fill
    at_bounds = [{n: within(v, CLAMPS.get(n)) for n, v in row.items()} for row in rows]
    # Aggregates are found by the key as it came: that is a name, and no number.
    raw, bounded = (with_as_of(as_table(some), spec) for some in (rows, at_bounds))
    expected = of_bounds.matrix(frame_from_arrow(bounded, of_bounds))
    assert_same_bits(clamping.matrix(frame_from_arrow(raw, clamping)), expected)


# Wrong values ----------------------------------------------------------------------------------

WRONG: dict[str, list[Any]] = {
    "amount": ["x", "1_000", "inf", [1], {}, 10**400],
    "count": [1.5, "1.5", "one", [1]],
    "member": [2, "maybe", [True]],
    "opened": ["2020-02-30", "soon", 7, True, ["2020-01-01"]],
    "job": [["clerk"], {"is": "clerk"}],
    "branch": [0.5, "acme"],
    PERIOD: ["202013", 202010, False],
}


@settings(max_examples=60, deadline=None)
@given(rows=MANY, data=st.data())
def test_a_wrongly_typed_value_is_refused_by_row_and_column(
    artifact: Path, rows: list[Row], data: st.DataObject
) -> None:
    features = fitted_through_files(FeaturesSpec.model_validate(EVERYTHING), artifact)
    reader = RowReader(features)
    column = data.draw(st.sampled_from(list(WRONG)))
    value = data.draw(st.sampled_from(WRONG[column]))
    index = data.draw(st.integers(0, len(rows) - 1))
    objects = [as_json(row) for row in rows]
    objects[index] = objects[index] | {column: value}
    with pytest.raises(InvalidRequest, match=rf"^Row {index + 1}, column {column}: must be "):
        reader.from_objects(objects)
    if isinstance(value, str):
        fields = [as_fields(row, (*reader.names, PERIOD)) for row in objects]
        with pytest.raises(InvalidRequest, match=rf"^Row {index + 1}, column {column}: must be "):
            reader.from_text(fields)


ALSO: list[tuple[str, Any, Any]] = [
    ("amount", 7.0, "7"),
    ("amount", 1.0, True),
    ("amount", None, "N/A"),
    ("count", 3, 3.0),
    ("count", 4, "4.0"),
    ("member", True, "yes"),
    ("member", False, 0),
    ("opened", dt.date(2020, 1, 2), "20200102"),
    ("job", "1", 1),
    ("job", "1.5", 1.5),
    ("job", "true", True),
    ("job", None, ""),
    ("employer", "1", 1.0),
    ("branch", 3, "3"),
    ("rate", 1e20, "1e20"),
    ("rate", 0.5, ".50"),
    (PERIOD, dt.date(2020, 2, 1), "2020/02/01"),
]


@pytest.mark.parametrize(("column", "stored", "sent"), ALSO)
def test_another_spelling_of_a_value_is_that_value(
    artifact: Path, column: str, stored: Any, sent: Any
) -> None:
    features = fitted_through_files(FeaturesSpec.model_validate(EVERYTHING), artifact)
    (row,) = made_rows(1, 4)
    bulk = features.matrix(frame_from_arrow(as_table([row | {column: stored}]), features))
    online = RowReader(features).from_objects([as_json(row) | {column: sent}])
    assert_same_bits(features.matrix(online), bulk)


# Scores ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(artifact: Path) -> Path:
    """An artifact with a model of every kind of feature."""
    features = fitted_through_files(FeaturesSpec.model_validate(EVERYTHING), artifact)
    table = as_table(made_rows(2000, 9))
    matrix = features.matrix(frame_from_arrow(table, features))
    labels = (np.nan_to_num(matrix).sum(axis=1) * 7919 % 2 > 1).astype(float)
    labels = np.where(np.nan_to_num(matrix[:, 0]) > 150, labels, 1 - labels)
    places = [features.features.index(name) for name in features.categorical]
    dataset = lgb.Dataset(matrix, labels, categorical_feature=places)
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    booster = lgb.train(parameters, dataset, num_boost_round=40)
    assert (booster.feature_importance() > 0).sum() > 15
    booster.save_model(artifact / "model.txt")
    output = {"task": "binary", "target": "y", "positive": 1, "threshold": 0.5}
    contract = {
        "project": "skew",
        "id": "id",
        "columns": [{"name": c.name, "type": c.kind} for c in features.inputs],
        "ignored": ["y"],
        "output": output | {"calibration": {"slope": 0.9, "intercept": 0.1}},
    }
    (artifact / "contract.json").write_text(json.dumps(contract))
    return artifact


@pytest.fixture(scope="module")
def served(model: Path) -> tuple[Scorer, ServedModel]:
    return Scorer.load(model), ServedModel.load(model, "1")


def as_csv(rows: list[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(SCHEMA)
    writer.writerows(as_fields(row, tuple(SCHEMA)) for row in rows)
    return out.getvalue().encode()


def ask(model: ServedModel, kind: str, body: bytes) -> list[float]:
    _, answer = model.answer(kind, "application/json", body)
    return [item["score"] for item in json.loads(answer)["predictions"]]


@settings(max_examples=60, deadline=None)
@given(rows=MANY)
def test_every_road_gives_the_same_scores(
    served: tuple[Scorer, ServedModel], rows: list[Row]
) -> None:
    scorer, model = served
    frame = frame_from_arrow(as_table(rows), scorer.features)
    bulk = scorer.scores(frame).tolist()
    backwards = as_table(rows[::-1])
    assert scorer.scores(frame_from_arrow(backwards, scorer.features)).tolist() == bulk[::-1]
    single = [scorer.scores(frame.slice(i, i + 1)).tolist()[0] for i in range(len(rows))]
    assert single == bulk
    objects = [as_json(row) for row in rows]
    assert ask(model, "application/json", json.dumps(objects).encode()) == bulk
    lines = "\n".join(json.dumps(row) for row in objects).encode()
    assert ask(model, "application/jsonlines", lines) == bulk
    assert ask(model, "text/csv", as_csv(rows)) == bulk
    for row, score in zip(objects, bulk, strict=True):
        assert ask(model, "application/json", json.dumps(row).encode()) == [score]
    assert ask(model, "text/csv", as_csv(rows[:1])) == bulk[:1]
