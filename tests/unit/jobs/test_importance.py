"""What a model goes by: gain, shuffled features, SHAP values."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.judging.importance import Explained, explain, importances, permutation
from sagemaker_jobs.snapshot.columns import LABEL
from tests.unit.jobs.conftest import Made


@pytest.fixture(scope="module")
def scorer(made: Made) -> Scorer:
    return Scorer.load(made.artifact)


def holdout(made: Made):  # type: ignore[no-untyped-def]
    table = pq.read_table(made.snapshot / "holdout.parquet")
    return table, table.column(LABEL).to_numpy().astype(float)


def test_the_feature_that_matters_is_first_each_way(made: Made, scorer: Scorer) -> None:
    table, labels = holdout(made)
    found = importances(made.spec, scorer, table, labels, explain(scorer, table, 1))
    assert sorted(item.feature for item in found) == sorted(scorer.features.features)
    for name in ("share", "permutation", "shap"):
        assert max(found, key=lambda item: getattr(item, name)).feature == "burden"
    assert sum(item.share for item in found) == pytest.approx(1)
    assert sum(item.shap or 0 for item in found) == pytest.approx(1)
    again = importances(made.spec, scorer, table, labels, explain(scorer, table, 1))
    assert again == found


def test_a_loss_worsens_upwards(made: Made, scorer: Scorer) -> None:
    table, labels = holdout(made)
    place = scorer.features.features.index("burden")
    spec = made.spec.model_copy(update={"metric": "log_loss"})
    assert permutation(spec, scorer, table, labels, [place])[place] > 0.01


def test_only_the_features_asked_for_are_shuffled_and_unread_ones_cost_nothing(
    made: Made, scorer: Scorer
) -> None:
    table, labels = holdout(made)
    unread = [place for place, gain in enumerate(scorer.booster.gain()) if gain == 0]
    found = permutation(made.spec, scorer, table, labels, [0, *unread])
    assert found.keys() == {0, *unread}
    assert all(found[place] == 0 for place in unread)


def test_shap_values_are_of_the_rows_beside_their_inputs(made: Made, scorer: Scorer) -> None:
    table, _ = holdout(made)
    explained = explain(scorer, table, 1)
    assert explained.values.shape == explained.matrix.shape
    frame = frame_from_arrow(table, scorer.features)
    np.testing.assert_array_equal(explained.matrix, scorer.features.matrix(frame))
    np.testing.assert_array_equal(explained.values, scorer.contributions(frame)[:, :-1])


def test_of_several_classes_the_decided_one_is_shown_and_all_count() -> None:
    values = np.arange(12.0).reshape(2, 3, 2)
    explained = Explained(values, np.zeros((2, 2)), np.array([2, 0], dtype=np.int16))
    assert explained.of_decision.tolist() == [[4, 5], [6, 7]]
    assert explained.shares() == pytest.approx([30 / 66, 36 / 66])
