from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.evaluation import Evaluation, GroupFigures, Holdout, Interval
from dropforge.project import ProjectSpec
from dropforge.verdict import Rule, Verdict, decide
from tests.unit.domain.figures import (
    around,
    compared,
    comparison,
    evaluation,
    fairness,
    leak,
    model,
    part,
    project,
)


def rule(verdict: Verdict, name: str) -> Rule:
    """The verdict's one line of that name."""
    (found,) = [rule for rule in verdict.rules if rule.name == name]
    return found


def promotion(**rules: Any) -> ProjectSpec:
    """The project with these promotion rules alone."""
    return project(promotion=rules)


def test_the_first_model_is_judged_by_the_absolute_rules_alone() -> None:
    verdict = decide(project(), evaluation(auc=0.80))
    assert verdict.verdict == "PROMOTE"
    assert [(r.name, r.level) for r in verdict.rules] == [
        ("auc", "absolute"),
        ("leakage", "absolute"),
    ]


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
    assert "no clean holdout: 99 positives in 600 rows" in verdict.headline
    assert rule(verdict, "champion").outcome == "not assessed"


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
    assert rule(verdict, "demographic parity by female").outcome == outcome


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
    assert "+0.0000123" in rule(verdict, "champion").observed


def test_a_minimum_that_was_not_measured_is_not_met() -> None:
    verdict = decide(promotion(min={"average_precision": 0.1}), evaluation())
    assert verdict.verdict == "REJECT"
    assert rule(verdict, "average_precision").observed == "not measured"


# What absolutely rejects --------------------------------------------------------------------------


def test_a_column_that_gives_the_outcome_away_rejects_even_a_better_model() -> None:
    verdict = decide(project(), compared(lower=0.05, leakage=[leak()]))
    assert verdict.verdict == "REJECT"
    assert "recovered alone predicts the outcome" in verdict.headline
    assert rule(verdict, "leakage").level == "absolute"


def test_a_leak_only_warns_if_the_project_says_so() -> None:
    verdict = decide(promotion(leakage="warn"), compared(lower=0.05, leakage=[leak()]))
    assert verdict.verdict == "PROMOTE"
    line = rule(verdict, "leakage")
    assert (line.level, line.outcome) == ("advisory", "failed")
    assert "recovered" in line.observed


def test_a_slight_leak_is_named_and_changes_nothing() -> None:
    verdict = decide(project(), evaluation(leakage=[leak(severe=False)]))
    assert verdict.verdict == "PROMOTE"
    assert rule(verdict, "leakage").outcome == "passed"
    assert "recovered" in rule(verdict, "possible leakage").observed


def test_features_that_depend_on_the_batch_reject_by_name() -> None:
    spec = project(files={"features.py": "def features(frame): ..."})
    steady = decide(spec, compared(lower=0.05))
    assert (steady.verdict, rule(steady, "features.py").outcome) == ("PROMOTE", "passed")
    verdict = decide(spec, compared(lower=0.05, unstable_features=["rank", "mean"]))
    assert verdict.verdict == "REJECT"
    assert "rank, mean" in verdict.headline


def test_without_features_py_nothing_is_said_of_it() -> None:
    assert "features.py" not in {r.name for r in decide(project(), evaluation()).rules}


@pytest.mark.parametrize(("size", "expected"), [(2_000_000, "PROMOTE"), (2_000_001, "REJECT")])
def test_the_artifact_has_a_greatest_size(size: int, expected: str) -> None:
    verdict = decide(promotion(max_size_mb=2.0), evaluation(artifact_bytes=size))
    assert verdict.verdict == expected
    assert rule(verdict, "size").observed == "2.00 MB"


def test_latency_is_advice() -> None:
    verdict = decide(promotion(max_latency_ms=0.05), evaluation(row_latency_ms=0.1))
    assert verdict.verdict == "PROMOTE"
    line = rule(verdict, "latency of one row")
    assert (line.level, line.outcome) == ("advisory", "failed")


# Fairness -----------------------------------------------------------------------------------------


def test_a_ratio_below_within_chance_passes_and_says_so() -> None:
    spec = promotion(fairness={"female": {"demographic_parity": 0.8}})
    verdict = decide(spec, evaluation(fairness=[fairness(0.79)]))
    assert verdict.verdict == "PROMOTE"
    line = rule(verdict, "demographic parity by female")
    assert line.outcome == "passed"
    assert line.observed == "0.790 (0.770..0.810), below within chance"


def test_every_ratio_named_is_a_rule_of_its_own() -> None:
    figures = fairness(
        0.9, ratios={"demographic_parity": around(0.9), "equalised_odds": around(0.5)}
    )
    spec = promotion(
        fairness={
            "female": {"demographic_parity": 0.8, "equal_opportunity": 0.8, "equalised_odds": 0.8}
        }
    )
    verdict = decide(spec, evaluation(fairness=[figures]))
    assert verdict.verdict == "REJECT"
    assert rule(verdict, "demographic parity by female").outcome == "passed"
    assert rule(verdict, "equalised odds by female").outcome == "failed"
    line = rule(verdict, "equal opportunity by female")
    assert (line.outcome, line.observed) == (
        "not assessed",
        "no equal opportunity could be measured",
    )


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ([], "the column was not looked at"),
        ([fairness(None)], "fewer than two groups large enough"),
    ],
)
def test_why_fairness_was_not_assessed(figures: list[Any], why: str) -> None:
    spec = promotion(fairness={"female": {"equal_opportunity": 0.8}})
    assert (
        rule(decide(spec, evaluation(fairness=figures)), "equal opportunity by female").observed
        == why
    )


WORSENING = {"female": {"demographic_parity": 0.8, "max_worsening": 0.05}}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Interval(value=-0.10, low=-0.14, high=-0.06), "HOLD"),
        (Interval(value=-0.06, low=-0.10, high=-0.02), "PROMOTE"),
        (Interval(value=0.10, low=0.06, high=0.14), "PROMOTE"),
    ],
)
def test_better_overall_but_worse_for_a_group_is_held(change: Interval, expected: str) -> None:
    figures = fairness(0.85, changes={"demographic_parity": change})
    verdict = decide(promotion(fairness=WORSENING), compared(lower=0.05, fairness=[figures]))
    assert verdict.verdict == expected
    if expected == "HOLD":
        assert verdict.headline.startswith("better overall, but change of demographic parity")


def test_a_group_worse_beyond_any_doubt_and_below_the_ratio_is_rejected() -> None:
    change = Interval(value=-0.2, low=-0.3, high=-0.1)
    figures = fairness(0.6, changes={"demographic_parity": change})
    verdict = decide(promotion(fairness=WORSENING), compared(lower=0.05, fairness=[figures]))
    assert verdict.verdict == "REJECT"


def test_worsening_without_a_champion_is_no_rule() -> None:
    verdict = decide(promotion(fairness=WORSENING), evaluation(fairness=[fairness(0.9)]))
    assert [r.name for r in verdict.rules if r.name.startswith("change of")] == []


def test_worsening_without_figures_is_not_assessed() -> None:
    verdict = decide(promotion(fairness=WORSENING), compared(0.05, fairness=[fairness(0.9)]))
    line = rule(verdict, "change of demographic parity by female")
    assert (verdict.verdict, line.outcome) == ("PROMOTE", "not assessed")


# Beside the champion ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (Interval(value=-0.06, low=-0.08, high=-0.04), "HOLD"),
        (Interval(value=-0.06, low=-0.13, high=0.01), "PROMOTE"),
        (Interval(value=0.06, low=0.04, high=0.08), "PROMOTE"),
    ],
)
def test_a_slice_that_falls_beyond_doubt_holds(difference: Interval, expected: str) -> None:
    slices = [part(around(0.01), value="yearly"), part(difference), part(None, value="tiny")]
    verdict = decide(promotion(max_slice_drop=0.03), compared(0.05, slices=slices))
    assert verdict.verdict == expected
    if expected == "HOLD":
        assert "contract = monthly (220 rows)" in verdict.headline


def test_of_a_loss_a_slice_falls_when_it_rises() -> None:
    figures = compared(
        0.05, slices=[part(Interval(value=0.06, low=0.04, high=0.08))], metric="brier"
    )
    spec = project(metric="brier", promotion={"max_slice_drop": 0.03})
    assert decide(spec, figures).verdict == "HOLD"
    better = part(Interval(value=-0.06, low=-0.08, high=-0.04))
    assert decide(spec, figures.model_copy(update={"slices": [better]})).verdict == "PROMOTE"


def test_a_slice_of_a_personal_column_is_told_without_its_value() -> None:
    spec = project(promotion={"max_slice_drop": 0.03}, personal=["contract"])
    slices = [part(Interval(value=-0.06, low=-0.08, high=-0.04), value="Jane Doe")]
    verdict = decide(spec, compared(0.05, slices=slices))
    assert "one value of contract" in verdict.headline
    assert "Jane" not in verdict.model_dump_json()
    assert "contract" in verdict.personal


def test_a_slice_s_value_is_told_in_one_short_line() -> None:
    fell = Interval(value=-0.06, low=-0.08, high=-0.04)
    verdict = decide(
        promotion(max_slice_drop=0.03), compared(0.05, slices=[part(fell, "a\n" + "b" * 90)])
    )
    assert f"contract = a {'b' * 35}... (220 rows)" in rule(verdict, "slices").observed


@pytest.mark.parametrize("slices", [[], [part(None)], [part(around(-0.2), assessed=False)]])
def test_slices_too_small_are_not_assessed(slices: list[Any]) -> None:
    verdict = decide(promotion(max_slice_drop=0.03), compared(0.05, slices=slices))
    assert (verdict.verdict, rule(verdict, "slices").outcome) == ("PROMOTE", "not assessed")


@pytest.mark.parametrize(
    ("change", "expected"), [(0.05, "PROMOTE"), (-0.05, "PROMOTE"), (-0.051, "HOLD"), (0.1, "HOLD")]
)
def test_the_flagged_share_may_not_change_much(change: float, expected: str) -> None:
    beside = comparison(0.05, flagged_difference=change)
    verdict = decide(promotion(max_flagged_change=0.05), compared(0.05, comparison=beside))
    assert verdict.verdict == expected


@pytest.mark.parametrize(
    ("lower", "expected"), [(-0.02, "PROMOTE"), (-0.021, "HOLD"), (0.1, "PROMOTE")]
)
def test_a_chain_of_small_drops_shows_against_the_reference(lower: float, expected: str) -> None:
    figures = compared(0.05, reference=model(0.81, "1"), reference_comparison=comparison(lower))
    verdict = decide(promotion(max_reference_drop=0.02), figures)
    assert verdict.verdict == expected
    assert "against v1" in rule(verdict, "reference model").observed


@pytest.mark.parametrize(
    ("changes", "named", "why"),
    [
        ({}, None, "there is no earlier model than the champion"),
        ({}, "9", "9 is the champion itself, or no model of this project"),
        ({"reference_problem": "model.txt is missing"}, None, "model.txt is missing"),
    ],
)
def test_without_a_reference_the_rule_is_not_assessed(
    changes: dict[str, Any], named: str | None, why: str
) -> None:
    spec = project(promotion={"max_reference_drop": 0.02}, reference=named)
    verdict = decide(spec, compared(0.05, **changes))
    line = rule(verdict, "reference model")
    assert (verdict.verdict, line.outcome) == ("PROMOTE", "not assessed")
    assert why in line.observed


def test_a_champion_without_figures_is_never_taken_for_none() -> None:
    verdict = decide(project(), evaluation(champion=model(0.79, "6")))
    assert verdict.verdict == "HOLD"
    assert "could not be compared" in verdict.headline


def test_within_a_negative_margin_the_mail_does_not_say_better() -> None:
    verdict = decide(promotion(champion={"margin": -0.005}), compared(lower=-0.001))
    assert verdict.headline.startswith("within the margin of -0.005")


def test_a_hold_for_two_reasons_names_both() -> None:
    spec = promotion(max_flagged_change=0.001)
    verdict = decide(spec, compared(lower=-0.01))
    assert "not better than the current model" in verdict.headline
    assert "flagged share" in verdict.headline


@pytest.mark.parametrize(("rows", "expected"), [(100, "PROMOTE"), (99, "HOLD")])
def test_without_a_positive_outcome_the_rows_are_counted(rows: int, expected: str) -> None:
    spec = project(task="regression", metric="rmse", promotion={})
    figures = compared(
        lower=0.05,
        task="regression",
        metric="rmse",
        holdout=Holdout(period="202010", rows=rows),
        comparison=comparison(0.05, metric="rmse", flagged_difference=None, decisions_changed=None),
    )
    verdict = decide(spec, figures)
    assert verdict.verdict == expected
    assert rule(verdict, "clean holdout").observed == f"{rows} rows"


# Whatever the figures -----------------------------------------------------------------------------

RANK = {"REJECT": 0, "HOLD": 1, "PROMOTE": 2}
EVERYTHING = {
    "min": {"auc": 0.7, "brier": 0.2},
    "fairness": WORSENING,
    "max_slice_drop": 0.03,
    "max_reference_drop": 0.02,
    "max_flagged_change": 0.05,
    "max_size_mb": 1.0,
    "max_latency_ms": 1.0,
}
SMALL = st.floats(-0.2, 0.2)
WIDTH = st.floats(0.0, 0.1)


@st.composite
def judged(draw: st.DrawFn) -> Evaluation:
    """Figures of any quality, all rules assessed or some of them not."""
    ratio, change, slice_ = draw(st.floats(0.5, 1.0)), draw(SMALL), draw(SMALL)
    figures = fairness(
        ratio,
        ratios={"demographic_parity": around(ratio, draw(WIDTH))},
        changes={"demographic_parity": around(change, draw(WIDTH))},
    )
    return compared(
        lower=draw(SMALL),
        auc=draw(st.floats(0.5, 1.0)),
        comparison=comparison(draw(SMALL), flagged_difference=draw(SMALL)),
        reference=model(0.8, "1"),
        reference_comparison=comparison(draw(SMALL)),
        fairness=[figures],
        slices=[part(around(slice_, draw(WIDTH)))],
        holdout=Holdout(period="202010", rows=600, positives=draw(st.integers(50, 200))),
        artifact_bytes=draw(st.integers(1, 3_000_000)),
        row_latency_ms=draw(st.floats(0.01, 5.0)),
        leakage=draw(st.sampled_from([[], [leak()], [leak(severe=False)]])),
        unstable_features=draw(st.sampled_from([[], ["rank"]])),
    )


def improved(figures: Evaluation, what: str, by: float) -> Evaluation:
    """The same figures with one of them better."""

    def up(interval: Interval) -> Interval:
        return Interval(value=interval.value + by, low=interval.low + by, high=interval.high + by)

    assert figures.comparison is not None and figures.reference_comparison is not None
    (protected,), (slice_,) = figures.fairness, figures.slices
    assert slice_.difference is not None and figures.comparison.flagged_difference is not None
    flagged = figures.comparison.flagged_difference / (1 + by)
    metrics = figures.challenger.metrics
    better: dict[str, dict[str, Any]] = {
        "auc": {
            "challenger": _with(figures.challenger, metrics={**metrics, "auc": up(metrics["auc"])})
        },
        "champion": {"comparison": _with(figures.comparison, lower=figures.comparison.lower + by)},
        "flagged": {"comparison": _with(figures.comparison, flagged_difference=flagged)},
        "reference": {
            "reference_comparison": _with(
                figures.reference_comparison, lower=figures.reference_comparison.lower + by
            )
        },
        "ratio": {
            "fairness": [_with(protected, ratios={k: up(v) for k, v in protected.ratios.items()})]
        },
        "change": {
            "fairness": [_with(protected, changes={k: up(v) for k, v in protected.changes.items()})]
        },
        "slice": {"slices": [_with(slice_, difference=up(slice_.difference))]},
        "positives": {"holdout": _with(figures.holdout, positives=300)},
        "size": {"artifact_bytes": 1},
        "latency": {"row_latency_ms": 0.01},
        "leakage": {"leakage": []},
        "unstable": {"unstable_features": []},
    }
    return _with(figures, **better[what])


def _with(document: Any, **changes: Any) -> Any:
    return document.model_copy(update=changes)


FIGURES = [
    "auc",
    "champion",
    "flagged",
    "reference",
    "ratio",
    "change",
    "slice",
    "positives",
    "size",
    "latency",
    "leakage",
    "unstable",
]


@given(judged(), st.sampled_from(FIGURES), st.floats(0.0, 0.5))
def test_a_better_figure_never_makes_the_verdict_worse(
    figures: Evaluation, what: str, by: float
) -> None:
    spec = promotion(**EVERYTHING)
    before = decide(spec, figures).verdict
    after = decide(spec, improved(figures, what, by)).verdict
    assert RANK[after] >= RANK[before]


@given(judged())
def test_the_verdict_is_that_of_its_failed_rules(figures: Evaluation) -> None:
    verdict = decide(promotion(**EVERYTHING), figures)
    failed = {r.level for r in verdict.rules if r.outcome == "failed"}
    expected = (
        "REJECT" if "absolute" in failed else "HOLD" if "comparative" in failed else "PROMOTE"
    )
    assert verdict.verdict == expected


@given(judged(), st.sampled_from(["advisory", "off"]))
def test_unenforced_rules_are_told_and_promote(figures: Evaluation, mode: str) -> None:
    enforced = decide(promotion(**EVERYTHING), figures)
    verdict = decide(promotion(mode=mode, **EVERYTHING), figures)
    assert verdict.rules == enforced.rules
    if figures.unstable_features:  # it would not answer its own golden rows
        assert verdict.verdict == "REJECT"
        return
    assert verdict.verdict == "PROMOTE"
    assert (f"would be {enforced.verdict}" in verdict.headline) == (enforced.verdict != "PROMOTE")


def test_a_group_too_small_beside_two_large_ones_stops_nothing() -> None:
    groups = [
        *fairness(0.9).groups,
        GroupFigures(group="XNA", rows=1, positives=0, favourable_rate=None, assessed=False),
    ]
    spec = promotion(fairness={"female": {"demographic_parity": 0.8}})
    verdict = decide(spec, evaluation(fairness=[fairness(0.9, groups=groups)]))
    assert rule(verdict, "demographic parity by female").outcome == "passed"
