"""A features.py that looks at the rows beside a row is told by the features that change."""

import numpy as np
import pyarrow as pa
import pytest

from dropforge.features import FeaturesSpec
from sagemaker_jobs.features.fit import fit_features
from sagemaker_jobs.judging.stability import unstable_features

RNG = np.random.default_rng(0)
TABLE = pa.table(
    {
        "income": pa.array(RNG.lognormal(10, 1, 800), mask=RNG.uniform(size=800) < 0.1),
        "job": RNG.choice(["clerk", "nurse"], 800),
    }
)
HEAD = "import numpy as np\nimport pandas as pd\n\ndef features(frame):\n"
STEADY = "'log': np.log1p(frame['income']), 'long': frame['job'].str.len()"


def unstable(
    made: str, *, rows: int = 800, before: str = "", reads: tuple[str, ...] = ("income", "job")
) -> list[str]:
    source = f"{HEAD}{before}    return pd.DataFrame({{{made}}}, index=frame.index)\n"
    gives = [name for name in ("log", "long", "odd", "other") if f"'{name}'" in made]
    spec = FeaturesSpec.model_validate(
        {"keep": ["income"], "python": {"reads": list(reads), "gives": gives}}
    )
    table = TABLE.slice(0, rows)
    features = fit_features(spec, table, files={"features.py": source}, period_unit="month")
    return unstable_features(features, table, 7)


def test_features_of_the_row_alone_are_steady() -> None:
    assert unstable(STEADY) == []


@pytest.mark.parametrize(
    "odd",
    [
        "frame['income'] - frame['income'].mean()",
        "frame['income'].rank()",
        "frame['income'].fillna(frame['income'].median())",
        "frame['income'].shift(1)",
        "frame['job'].map(frame['job'].value_counts())",
        "np.random.default_rng().normal(size=len(frame))",
        "np.arange(len(frame))",
        "np.full(len(frame), len(frame) == 1)",
    ],
)
def test_a_feature_of_the_batch_is_named_alone(odd: str) -> None:
    assert unstable(f"{STEADY}, 'odd': {odd}") == ["odd"]


def test_code_that_reads_no_text_is_checked_too() -> None:
    odd = "'odd': frame['income'] / frame['income'].max()"
    assert unstable(f"'log': np.log1p(frame['income']), {odd}", reads=("income",)) == ["odd"]


def test_code_that_needs_many_rows_names_all() -> None:
    before = "    if len(frame) < 100:\n        raise ValueError('too few')\n"
    assert unstable(STEADY, before=before) == ["log", "long"]


def test_a_small_holdout_is_checked_too() -> None:
    assert unstable(f"{STEADY}, 'odd': frame['income'].sum() + frame['income']", rows=3) == ["odd"]


def test_a_project_without_code_has_nothing_to_check() -> None:
    spec = FeaturesSpec.model_validate({"keep": ["income"]})
    features = fit_features(spec, TABLE, files={}, period_unit="month")
    assert unstable_features(features, TABLE, 7) == []
