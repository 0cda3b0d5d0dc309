"""Values that tools like to change survive from the file to the lake, the model and the scorer."""

import datetime as dt
import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.rows import RowReader
from sagemaker_jobs.history.table import History
from sagemaker_jobs.train import train
from tests.unit.jobs.conftest import World, make_spec

BOOLEANS = ("true", "FALSE", "Yes", "n", "1")
COLUMNS = ("loan_id", "since", "code", "member", "job", "amount")
SPEC = {
    "protected": [],
    "features": {
        "keep": ["since", "code", "member", "job", "amount"],
        "impute": {"amount": "median"},
    },
    "contract": {
        "columns": {
            "loan_id": {"type": "string", "role": "id", "nullable": False},
            "since": {"type": "date"},
            "code": {"type": "string"},
            "member": {"type": "boolean"},
            "job": {"type": "string"},
            "amount": {"type": "number"},
            "default": {"type": "string", "role": "target"},
        }
    },
}
BIG = 2**53
DAY = dt.date(2020, 10, 1)


def body(rows: int, *, labelled: bool) -> bytes:
    """Ids beyond 2^53, dates as integers, codes with leading zeros, `NA` as a job, five spellings
    of a boolean, and missing amounts."""
    rng = np.random.default_rng(rows)
    lines = [",".join([*COLUMNS, *(["default"] if labelled else [])])]
    for n in range(rows):
        amount = "" if n % 5 == 0 else f"{100 + n % 7}"
        default = int(rng.uniform() < (0.7 if n % 3 else 0.2))
        row = [
            str(BIG + 2 * n + 1),
            f"202010{1 + n % 28:02d}",
            f"{n % 4:03d}",
            BOOLEANS[n % 5],
            ("NA", "nurse", "")[n % 3],
            amount,
        ]
        lines.append(",".join([*row, *([str(default)] if labelled else [])]))
    return ("\n".join(lines) + "\n").encode()


@pytest.fixture
def scored(world: World, tmp_path: Path) -> tuple[World, Scorer, Path]:
    """A model of such rows, and a file of them prepared to be scored."""
    world.spec = make_spec(**SPEC)
    world.drop("initial.csv", body(400, labelled=True))
    assert [drop.state for drop in world.prepare().drops] == ["accepted"]
    snapshot = world.download("runs/loans/run-1/snapshot-1/", tmp_path / "snapshot")
    train(snapshot, tmp_path / "artifact", run="run-1")
    drop = world.drop("202011.csv", body(30, labelled=False))
    assert [outcome.rows for outcome in world.prepare().drops] == [30]
    path = tmp_path / "rows.parquet"
    path.write_bytes(world.object(f"runs/loans/run-2/scoring-1/{drop.id}.parquet"))
    return world, Scorer.load(tmp_path / "artifact"), path


def test_values_survive_to_the_lake(scored: tuple[World, Scorer, Path]) -> None:
    world, _, _ = scored
    names = ["loan_id", "since", "code", "member", "job", "amount"]
    rows = History(world.history_uri).read(names, ["initial"]).slice(0, 6).to_pydict()
    assert rows["loan_id"][:2] == ["9007199254740993", "9007199254740995"]
    assert rows["since"][:2] == [DAY, DAY + dt.timedelta(days=1)]
    assert rows["code"][:5] == ["000", "001", "002", "003", "000"]
    assert rows["member"][:5] == [True, False, True, False, True]
    assert rows["job"][:3] == ["NA", "nurse", None]
    assert rows["amount"][:3] == [None, 101.0, 102.0]


def test_values_survive_to_the_scorer_and_the_server(scored: tuple[World, Scorer, Path]) -> None:
    _, scorer, path = scored
    rows = pq.ParquetFile(path).read()
    inputs = scorer.features.inputs
    bulk = frame_from_arrow(rows, scorer.features)
    texts = [line.split(",") for line in body(30, labelled=False).decode().splitlines()[1:]]
    order = [COLUMNS.index(column.name) for column in inputs]
    served = RowReader(scorer.features).from_text(
        [[row[place] for place in order] for row in texts]
    )
    np.testing.assert_array_equal(bulk.numbers, served.numbers)
    np.testing.assert_array_equal(bulk.codes, served.codes)
    np.testing.assert_array_equal(scorer.scores(bulk), scorer.scores(served))

    numeric = [column.name for column in inputs if not column.is_category]
    categories = [column for column in inputs if column.is_category]
    first = dict(zip(numeric, bulk.numbers[0], strict=True))
    assert first["since"] == (DAY - dt.date(1970, 1, 1)).days
    assert [bool(v) for v in bulk.numbers[:5, numeric.index("member")]] == [
        True, False, True, False, True
    ]  # fmt: skip
    job = next(place for place, column in enumerate(categories) if column.name == "job")
    assert categories[job].levels == ("NA", "nurse")
    assert bulk.codes[:2, job].tolist() == [0.0, 1.0]
    assert np.isnan(bulk.codes[2, job])


def test_a_missing_number_is_filled_before_the_model_sees_it(
    scored: tuple[World, Scorer, Path],
) -> None:
    # pandas 3 copies on write: `frame[column].fillna(x, inplace=True)` changes nothing there.
    _, scorer, path = scored
    frame = frame_from_arrow(pq.read_table(io.BytesIO(path.read_bytes())), scorer.features)
    matrix = scorer.features.matrix(frame)
    amounts = matrix[:, scorer.features.features.index("amount")]
    assert amounts[0] == 103.0
    assert not np.isnan(amounts).any()
