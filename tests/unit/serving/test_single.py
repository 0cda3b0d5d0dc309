"""A single row without arrays: the bits of the batch scorer, for every feature that it takes on."""

import math
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropforge.expressions import parse_derived
from sagemaker_jobs.boosting.native import Booster
from sagemaker_jobs.boosting.scorer import Output, Scorer, Sigmoid
from sagemaker_jobs.features.dates import DateFeature
from sagemaker_jobs.features.encoding import Encoding
from sagemaker_jobs.features.frame import Frame, Input
from sagemaker_jobs.features.pipeline import Derived, FittedFeatures
from sagemaker_jobs.serving.ordinary import Values
from sagemaker_jobs.serving.single import single_scorer

INPUTS = (
    Input("a", "number"),
    Input("size", "string", ("s", "m", "l")),
    Input("b", "number"),
    Input("job", "string", ("clerk", "nurse")),
)
EXPRESSIONS = {
    "ratio": "a / b",
    "deep": "1 / (a / b) + abs(a - b) * -2",
    "again": "ratio / deep",
    "much": "a * a * b * b",
}
SIGMOID = Sigmoid(0.93, -0.21)


def fitted(fill: dict[str, float | str], encode: dict[str, Encoding]) -> FittedFeatures:
    kinds = {"a": "number", "b": "number"}
    derived = []
    for name, text in EXPRESSIONS.items():
        derived.append(Derived(name, parse_derived(text, kinds)))
        kinds[name] = "number"
    features = ("b", "ratio", "size", "a", "deep", "job", "again", "much")
    return FittedFeatures(INPUTS, fill, tuple(derived), features, encode)


PLANS = [
    fitted({}, {}),
    fitted({"a": 1.5, "job": "nurse", "size": "unheard of"}, {}),
    fitted({"b": 0.0, "size": "m"}, {"size": "ordinal"}),
]


@pytest.fixture(scope="module")
def boosters(tmp_path_factory: pytest.TempPathFactory) -> list[Booster]:
    made = []
    for number, features in enumerate(PLANS):
        rng = np.random.default_rng(number)
        values = rng.normal(size=(2, 800)) * 3
        values[rng.uniform(size=values.shape) < 0.1] = np.nan
        codes = rng.integers(0, 3, (2, 800)).astype(float)
        frame = Frame(values.T.copy(), codes.T.copy())
        matrix = features.matrix(frame)
        labels = (np.nan_to_num(matrix).sum(axis=1) + codes[0] > 1).astype(float)
        data = lgb.Dataset(matrix, labels, categorical_feature=[5])
        parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1}
        path = tmp_path_factory.mktemp("model") / "model.txt"
        lgb.train(parameters, data, num_boost_round=30).save_model(path)
        made.append(Booster(path))
    return made


NUMBER = st.sampled_from([math.nan, 0.0, -0.0, 1e308, -1e-308, 2.5]) | st.floats(
    allow_infinity=False
)
CODE = st.sampled_from([math.nan, 0.0, 1.0, 2.0, 3.0])


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.tuples(NUMBER, NUMBER, CODE, CODE), min_size=1, max_size=4),
    plan=st.integers(0, 2),
    calibrated=st.booleans(),
)
def test_one_by_one_is_all_at_once(
    boosters: list[Booster],
    rows: list[tuple[float, ...]],
    plan: int,
    calibrated: bool,
) -> None:
    features, booster = PLANS[plan], boosters[plan]
    sigmoid = SIGMOID if calibrated else None
    scorer = Scorer(features, booster, Output("binary", threshold=0.5, calibration=sigmoid))
    single = single_scorer(features, booster, sigmoid)
    assert single is not None
    table = np.array(rows)
    expected = scorer.scores(Frame(table[:, :2].copy(), table[:, 2:].copy())).tolist()
    assert [single.score(Values([*row[:2]], [*row[2:]])) for row in rows] == expected


NOT_ARITHMETIC: list[dict[str, Any]] = [
    {"derived": (Derived("x", parse_derived("log(a)", {"a": "number"})),)},
    {"encode": {"size": "one_hot"}},
    {"dates": (DateFeature("x", "a", "year"),)},
]


@pytest.mark.parametrize("more", NOT_ARITHMETIC)
def test_other_features_take_the_way_of_many(boosters: list[Booster], more: dict[str, Any]) -> None:
    features = ("a", "b", "x") if "encode" not in more else tuple(
        ["a", "b", *(f"size={level}" for level in ("s", "m", "l", "(other)", "(missing)"))]
    )  # fmt: skip
    arguments: dict[str, Any] = {"derived": (), **more}
    made = FittedFeatures(INPUTS, {}, features=features, **arguments)
    assert single_scorer(made, boosters[0], None) is None


def test_a_model_of_one_feature_takes_the_way_of_many(tmp_path: Path) -> None:
    matrix = np.arange(100.0).reshape(100, 1)
    data = lgb.Dataset(matrix, matrix[:, 0] > 50)
    lgb.train({"objective": "binary", "verbosity": -1}, data, 3).save_model(tmp_path / "m.txt")
    features = FittedFeatures(INPUTS[:1], {}, (), ("a",))
    assert single_scorer(features, Booster(tmp_path / "m.txt"), None) is None
