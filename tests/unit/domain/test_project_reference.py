"""docs/projects.md: what it shows is valid, and every word that a key may have is in it."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from dropforge.contract import ColumnSpec, ContractSpec, FileRules
from dropforge.endpoint import Alarms, DeploymentRules, EndpointMode, Rollout, Scaling, Serverless
from dropforge.expressions import GRAMMAR
from dropforge.feature_checks import feature_problems
from dropforge.feature_rules import COLUMN_TYPES, RULES, ImputeRule
from dropforge.features import Aggregate, DatePart, FeaturesSpec, PythonFeatures, Statistic
from dropforge.metrics import METRIC_NAMES, TASK_METRICS
from dropforge.project import Card, Notify, ProjectSpec
from dropforge.promotion import ChampionRule, Costs, FairnessRule, Promotion, Threshold

PAGE = (Path(__file__).resolve().parents[3] / "docs/projects.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def block(start: str) -> dict[str, object]:
    (found,) = [text for text in BLOCKS if text.startswith(start)]
    return dict(yaml.safe_load(found))


@pytest.mark.parametrize(
    "words",
    [
        *(
            set(model.model_fields)
            for model in (
                *(Aggregate, PythonFeatures, Card, Notify, Costs, Threshold, FairnessRule),
                *(ChampionRule, ColumnSpec, ContractSpec, FileRules),
                *(DeploymentRules, Alarms, Scaling, Serverless),
            )
        ),
        *(
            set(get_args(words))
            for words in (ImputeRule, DatePart, Statistic, EndpointMode, Rollout)
        ),
        {*RULES, *COLUMN_TYPES},
        set(METRIC_NAMES),
        set(TASK_METRICS),
        set(GRAMMAR.functions),
    ],
    ids=lambda words: min(words),
)
def test_every_word_is_explained(words: set[str]) -> None:
    assert {word for word in words if not re.search(rf"\b{word}\b", PAGE)} == set()


def test_the_rules_of_impute_are_those_of_the_type() -> None:
    assert get_args(ImputeRule) == RULES


def test_every_example_is_yaml_of_a_project() -> None:
    parts = {key for text in BLOCKS for key in yaml.safe_load(text)}
    groups = {"account", "money"}
    known = {*ProjectSpec.model_fields, *FeaturesSpec.model_fields, *ContractSpec.model_fields}
    assert parts <= known | groups


def test_the_features_and_the_contract_shown_are_valid() -> None:
    features = FeaturesSpec.model_validate(block("groups:"))
    assert list(feature_problems(features, None, id="customer_id", target="churned")) == []
    assert ContractSpec.model_validate(block("columns:")).rules
    assert Promotion.model_validate(block("promotion:")["promotion"]).max_slice_drop == 0.05
