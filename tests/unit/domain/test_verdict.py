import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.evaluation import Holdout
from dropforge.verdict import decide
from tests.unit.domain.figures import compared, evaluation, fairness, project


def test_the_first_model_is_judged_by_the_absolute_rules_alone() -> None:
    verdict = decide(project(), evaluation(auc=0.80))
    assert verdict.verdict == "PROMOTE"
    assert [rule.name for rule in verdict.rules] == ["auc"]


def test_an_absolute_rule_rejects_even_a_better_model() -> None:
    verdict = decide(project(), compared(lower=0.05, auc=0.69))
    assert verdict.verdict == "REJECT"
    assert "0.6900" in verdict.headline and "at least 0.7" in verdict.headline


@pytest.mark.parametrize(
    ("lower", "margin", "expected"),
    [
        (0.001, 0.0, "PROMOTE"),
        (0.0, 0.0, "HOLD"),
        (-0.001, 0.0, "HOLD"),
        (-0.001, -0.005, "PROMOTE"),
        (0.004, 0.005, "HOLD"),
    ],
)
def test_the_bound_must_exceed_the_margin(lower: float, margin: float, expected: str) -> None:
    spec = project(promotion={"champion": {"margin": margin}})
    assert decide(spec, compared(lower)).verdict == expected


@given(st.floats(-0.2, 0.2), st.floats(-0.05, 0.05))
def test_never_promoted_below_the_margin(lower: float, margin: float) -> None:
    verdict = decide(project(promotion={"champion": {"margin": margin}}), compared(lower))
    assert (verdict.verdict == "PROMOTE") == (lower > margin)


def test_too_few_clean_positives_hold() -> None:
    holdout = Holdout(period="202010", rows=600, positives=99)
    verdict = decide(project(), compared(lower=0.05, holdout=holdout))
    assert verdict.verdict == "HOLD"
    assert "no clean holdout: 99 of 600" in verdict.headline
    assert verdict.rules[-1].outcome == "not assessed"


def test_a_champion_that_cannot_be_scored_holds() -> None:
    verdict = decide(project(), evaluation(champion_problem="model.txt is missing"))
    assert verdict.verdict == "HOLD"
    assert "model.txt is missing" in verdict.headline


@pytest.mark.parametrize(
    ("ratio", "expected", "outcome"),
    [(0.85, "PROMOTE", "passed"), (0.75, "REJECT", "failed"), (None, "PROMOTE", "not assessed")],
)
def test_fairness_rejects_when_measured_and_too_low(
    ratio: float | None, expected: str, outcome: str
) -> None:
    spec = project(promotion={"fairness": {"female": {"demographic_parity": 0.8}}})
    verdict = decide(spec, evaluation(fairness=[fairness(ratio)]))
    assert verdict.verdict == expected
    assert [rule.outcome for rule in verdict.rules] == [outcome]


def test_advisory_promotes_and_says_what_enforced_would_do() -> None:
    spec = project(promotion={"mode": "advisory", "min": {"auc": 0.9}})
    verdict = decide(spec, evaluation(auc=0.80))
    assert verdict.verdict == "PROMOTE"
    assert "REJECT" in verdict.headline


def test_a_loss_has_a_maximum() -> None:
    spec = project(promotion={"min": {"brier": 0.1}})
    assert decide(spec, evaluation()).verdict == "REJECT"


def test_a_bound_next_to_zero_shows_its_side_of_it() -> None:
    verdict = decide(project(), compared(lower=0.0000123))
    assert verdict.verdict == "PROMOTE"
    assert "+0.0000123" in verdict.rules[-1].observed
