"""Compiled trees give LightGBM's bits: whatever the model, whatever the rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.boosting.native import Booster
from sagemaker_jobs.serving.compiled import compiler, ir
from sagemaker_jobs.serving.compiled.code import CompiledTrees, is_sealed, same_bits
from sagemaker_jobs.serving.compiled.compiler import compile_model
from sagemaker_jobs.serving.compiled.model_text import NotCompilable, read_forest
from sagemaker_jobs.serving.compiled.trial import trial_rows
from tests.unit.serving.compiled.forests import (
    FEATURES,
    a_file,
    compiled,
    matrix,
    needs_compiler,
    train,
)

pytestmark = needs_compiler

Pair = tuple[CompiledTrees, Booster]

KINDS: dict[str, dict[str, Any]] = {
    "binary": {},
    "a steeper sigmoid": {"sigmoid": 1.7},
    "zero as missing": {"zero_as_missing": True},
    "no missing values": {"use_missing": False},
    "one category against the rest": {"max_cat_to_onehot": 400},
    "dart": {"boosting": "dart"},
    "multiclass": {"objective": "multiclass", "num_class": 4, "rounds": 12},
    "regression": {"objective": "regression"},
    "mae": {"objective": "regression_l1"},
    "mape": {"objective": "mape"},
    "stumps": {"num_leaves": 2},
    "trees without a split": {"min_gain_to_split": 1e9, "rounds": 3},
    "large trees": {"num_leaves": 400, "min_data_in_leaf": 1, "rounds": 10},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_any_size_has_the_same_bits(tmp_path: Path, kind: str) -> None:
    model = train(tmp_path / "model.txt", **KINDS[kind])
    trees, booster = compiled(model)
    rows = matrix(2_500, seed=2)
    for count in (0, 1, 2, 7, 8, 9, 100, 1_023, 1_024, 1_025, 2_500):
        assert same_bits(trees, booster, rows[:count]), count
    assert same_bits(trees, booster, trial_rows(read_forest(model), 500))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    model = tmp_path_factory.mktemp("pair") / "model.txt"
    train(model, zero_as_missing=True, rounds=250)
    nodes = sum(len(tree.features) for tree in read_forest(model).trees)
    assert nodes > ir.BLOCK_NODES, "the sums of one block only"
    return compiled(model)


NUMBERS = st.one_of(
    st.floats(),
    st.integers(-3, 310).map(float),
    st.sampled_from([0.0, -0.0, 1e-35, -1e-35, 1.0000000180025095e-35, 2.0**31, -(2.0**31), 2**63]),
)


@given(st.lists(st.lists(NUMBERS, min_size=FEATURES, max_size=FEATURES), min_size=1, max_size=20))
def test_any_doubles_have_the_same_bits(pair: Pair, rows: list[list[float]]) -> None:
    assert same_bits(*pair, np.array(rows))


def test_other_memory_layouts_are_scored_the_same(pair: Pair) -> None:
    trees, booster = pair
    rows = matrix(64)
    expected = booster.scores(rows)
    for other in (np.asfortranarray(rows), rows[::-1][::-1], np.repeat(rows, 2, axis=0)[::2]):
        assert (trees.scores(other) == expected).all()
    assert (trees.scores(rows[::-1]) == expected[::-1]).all()


def test_another_number_of_features_is_refused(pair: Pair) -> None:
    with pytest.raises(ArtifactBroken, match="reads 7 features, the pipeline gives 6"):
        pair[0].scores(matrix(3)[:, :6])


@pytest.mark.parametrize(
    "parameters, why",
    [
        ({"objective": "regression", "linear_tree": True}, "linear models"),
        ({"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}, "averaged"),
        ({"objective": "poisson"}, "its objective is 'poisson'"),
        ({"objective": "regression", "reg_sqrt": True}, "its objective is 'regression sqrt'"),
    ],
)
def test_a_model_that_the_compiler_does_not_know_is_left_to_lightgbm(
    tmp_path: Path, parameters: dict[str, Any], why: str
) -> None:
    model = train(tmp_path / "model.txt", rounds=3, **parameters)
    with a_file() as file, pytest.raises(NotCompilable, match=why):
        compile_model(model, file)


def test_another_version_of_the_text_and_too_many_splits_are_left_to_lightgbm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = train(tmp_path / "model.txt", rounds=3)
    other = tmp_path / "other.txt"
    other.write_text(model.read_text().replace("version=v4", "version=v5"))
    with pytest.raises(NotCompilable, match="'v5'"):
        read_forest(other)
    monkeypatch.setattr("sagemaker_jobs.serving.compiled.model_text.MAX_NODES", 30)
    with pytest.raises(NotCompilable, match="more than 30 splits"):
        read_forest(model)


def test_code_that_answers_otherwise_is_never_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = train(tmp_path / "model.txt", rounds=5)
    right = ir.module

    def wrong(forest: Any) -> str:
        text = right(forest)
        assert text.count(" ole ") + text.count(" ule ") > 10
        return text.replace(" ole ", " olt ").replace(" ule ", " ult ")  # only at a split's edge

    monkeypatch.setattr(compiler, "module", wrong)
    with a_file() as file:
        with pytest.raises(NotCompilable, match="otherwise than LightGBM"):
            compile_model(model, file)
        assert not is_sealed(file)
