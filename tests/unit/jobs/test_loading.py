"""Rows into LightGBM: both loaders make the same model, and features keep their names."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.fit import fit_features
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.learning.dataset import ColumnFile, read_table
from sagemaker_jobs.learning.loading import (
    BINNED_ROWS,
    MATRIX_MAX_BYTES,
    RowGroups,
    Source,
    binned_rows,
    choose_loader,
    feature_names,
)
from sagemaker_jobs.learning.parameters import FIRST_TRY, model_parameters
from sagemaker_jobs.learning.replay import replay
from sagemaker_jobs.learning.tune import fit_rounds
from sagemaker_jobs.train import train
from tests.unit.jobs.tasks import make_task_snapshot, task_spec


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot whose files have several small row groups, as large ones have."""
    folder = make_task_snapshot(tmp_path_factory.mktemp("loading"), task_spec("binary"))
    for name in ("train", "validation", "holdout"):
        path = folder / f"{name}.parquet"
        pq.write_table(read_table(path), path, row_group_size=37)
    return folder


@pytest.fixture(scope="module")
def features(snapshot: Path) -> FittedFeatures:
    return fit_features(task_spec("binary").features, read_table(snapshot / "train.parquet"))


def test_both_loaders_make_the_same_bytes(snapshot: Path, features: FittedFeatures) -> None:
    paths = [snapshot / "train.parquet", snapshot / "holdout.parquet"]
    matrix, sequence = (Source(paths, features, name) for name in ("matrix", "sequence"))
    parameters = model_parameters(task_spec("binary"), FIRST_TRY, binned_rows(matrix.rows, 5), 1)
    assert parameters["bin_construct_sample_cnt"] >= matrix.rows
    texts = [fit_rounds(source, parameters, 15) for source in (matrix, sequence)]
    assert texts[0] == texts[1]
    assert texts[0].count("Tree=") == 15


def test_a_training_by_row_groups_is_the_one_by_the_matrix(snapshot: Path, tmp_path: Path) -> None:
    train(snapshot, tmp_path / "matrix", run="run-1")
    train(snapshot, tmp_path / "sequence", run="run-1", matrix_max_bytes=1000)
    for name in ("model.txt", "contract.json", "features.json", "row_keys.bin"):
        written = [(tmp_path / loader / name).read_bytes() for loader in ("matrix", "sequence")]
        assert written[0] == written[1], name
    for loader in ("matrix", "sequence"):
        lineage = json.loads((tmp_path / loader / "lineage.json").read_text())
        assert lineage["loader"] == loader
        replay(snapshot, lineage, tmp_path / f"{loader} again")
        again = (tmp_path / f"{loader} again" / "model.txt").read_bytes()
        assert hashlib.sha256(again).hexdigest() == lineage["model_sha256"]


def test_rows_that_do_not_fit_are_read_in_row_groups() -> None:
    fits = MATRIX_MAX_BYTES // 8 // 120
    assert choose_loader(fits, 120) == "matrix"
    assert choose_loader(fits + 1, 120) == "sequence"
    assert binned_rows(fits, 120) == fits
    assert binned_rows(fits + 1, 120) == BINNED_ROWS
    assert binned_rows(10, 120) == BINNED_ROWS


@pytest.fixture(scope="module")
def row_groups(snapshot: Path, features: FittedFeatures) -> RowGroups:
    return RowGroups(snapshot / "train.parquet", features)


@pytest.fixture(scope="module")
def whole(snapshot: Path, features: FittedFeatures) -> np.ndarray:
    table = read_table(snapshot / "train.parquet")
    return features.matrix(frame_from_arrow(table, features))


@settings(deadline=None)
@given(data=st.data())
def test_any_slice_of_row_groups_is_that_of_the_matrix(
    data: st.DataObject, row_groups: RowGroups, whole: np.ndarray
) -> None:
    rows = row_groups
    assert len(rows) == len(whole)
    start, stop = (data.draw(st.integers(0, len(rows))) for _ in range(2))
    np.testing.assert_array_equal(rows[start:stop], whole[start:stop])
    place = data.draw(st.integers(0, len(rows) - 1))
    np.testing.assert_array_equal(rows[place], whole[place])


def test_features_are_fitted_a_column_at_a_time_as_on_the_table(
    snapshot: Path, features: FittedFeatures
) -> None:
    columns = ColumnFile(snapshot / "train.parquet")
    table = read_table(snapshot / "train.parquet")
    assert columns.num_rows == table.num_rows
    assert columns.column("income").equals(table.column("income"))
    fitted = fit_features(task_spec("binary").features, columns)
    assert fitted.to_json() == features.to_json()
    assert isinstance(columns.schema, pa.Schema)


def test_feature_names_are_what_lightgbm_takes() -> None:
    assert feature_names(["a b", "a_b", 'x"y', "日本"]) == ["a_b", "a_b_1", "x_y", "日本"]
