"""Fairness by hand-made groups: the ratios are Fairlearn's."""

import fairlearn.metrics as fairlearn  # type: ignore[import-untyped]
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.judging.bootstrap import Resampler
from sagemaker_jobs.judging.fairness import Decided, fairness


def group(
    name: str, deserving: tuple[int, int], others: tuple[int, int]
) -> tuple[list[str], list[bool], list[bool]]:
    """Rows as (how many, how many of them decided favourably), with that outcome and without."""
    names, deserved, favourable = [], [], []
    for (rows, good), outcome in ((deserving, True), (others, False)):
        names += [name] * rows
        deserved += [outcome] * rows
        favourable += [True] * good + [False] * (rows - good)
    return names, deserved, favourable


def rows_of(*groups: tuple[list[str], list[bool], list[bool]]) -> tuple[pa.Table, Decided]:
    names, deserved, favourable = (sum((part[place] for part in groups), []) for place in range(3))
    outcome = np.array(deserved)
    # The hoped-for outcome is not to default: positives are the others.
    decided = Decided(
        labels=(~outcome).astype(float),
        deserved=outcome,
        scores=np.linspace(0, 1, len(names)),
        favourable=np.array(favourable),
    )
    return pa.table({"sex": names}), decided


A = group("a", (300, 240), (100, 40))  # favourable 280/400, 0.8 of the deserving, 0.4 of others
B = group("b", (300, 180), (100, 10))  # favourable 190/400, 0.6 and 0.1


def measure(table: pa.Table, decided: Decided, **changes):  # type: ignore[no-untyped-def]
    resampler = changes.pop("resampler", Resampler(table.num_rows, 1))
    (found,) = fairness(table, ["sex", "absent"], decided, resampler, 0.9, **changes)
    return found


def test_the_ratios() -> None:
    found = measure(*rows_of(A, B), features=["sex"])
    values = {name: ratio.value for name, ratio in found.ratios.items()}
    assert values == pytest.approx(
        {"demographic_parity": 190 / 280, "equal_opportunity": 0.75, "equalised_odds": 0.25}
    )
    assert all(r.low < r.value < r.high <= 1 for r in found.ratios.values())
    assert found.is_feature
    assert found.changes == {}
    first = found.groups[0]
    assert (first.group, first.rows, first.positives) == ("a", 400, 100)
    assert (first.favourable_rate, first.opportunity, first.undeserved) == (0.7, 0.8, 0.4)
    assert first.positive_rate == 0.25


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_the_ratios_are_fairlearns(data: st.DataObject) -> None:
    def cell(rows: int) -> tuple[int, int]:
        return rows, data.draw(st.integers(1, rows))

    groups = [group(name, cell(120), cell(120)) for name in "abc"]
    table, decided = rows_of(*groups)
    found = {name: ratio.value for name, ratio in measure(table, decided).ratios.items()}
    asked = (decided.deserved, decided.favourable)
    theirs = {"sensitive_features": table.column("sex").to_pylist()}
    assert found == pytest.approx(
        {
            "demographic_parity": fairlearn.demographic_parity_ratio(*asked, **theirs),
            "equal_opportunity": fairlearn.equal_opportunity_ratio(*asked, **theirs),
            "equalised_odds": fairlearn.equalized_odds_ratio(*asked, **theirs),
        }
    )


def test_the_interval_is_that_of_the_resampled_rows() -> None:
    """Cells drawn by a multinomial against whole rows drawn one by one."""
    table, decided = rows_of(A, B)
    quick = measure(table, decided, resampler=Resampler(800, 1, resamples=500))
    each_its_own = Resampler(800, 2, np.arange(800), resamples=500)
    slow = measure(table, decided, resampler=each_its_own)
    for name, ratio in quick.ratios.items():
        assert ratio.value == slow.ratios[name].value
        assert (ratio.low, ratio.high) == pytest.approx(
            (slow.ratios[name].low, slow.ratios[name].high), abs=0.025
        )


def test_groups_drawn_together_have_wider_intervals() -> None:
    table, decided = rows_of(A, B)
    # Each unit is ten rows that are alike.
    together = measure(table, decided, resampler=Resampler(800, 1, np.arange(800) // 10))
    alone = measure(table, decided)
    one, other = (f.ratios["demographic_parity"] for f in (together, alone))
    assert one.high - one.low > 1.5 * (other.high - other.low)


def test_the_change_against_the_champion_is_paired() -> None:
    table, decided = rows_of(A, B)
    same = Decided(**{**vars(decided), "champion": decided.favourable})
    for change in measure(table, same).changes.values():
        assert (change.value, change.low, change.high) == (0, 0, 0)
    fair = np.where(np.array(table["sex"]) == "b", decided.favourable | (np.arange(800) % 2 == 0),
                    decided.favourable)  # fmt: skip
    found = measure(table, Decided(**{**vars(decided), "champion": fair}))
    change = found.changes["demographic_parity"]
    b_before = int(fair[400:].sum())
    expected = 190 / 280 - min(280, b_before) / max(280, b_before)
    assert change.value == pytest.approx(expected)
    assert change.high < 0


def test_small_groups_are_listed_not_assessed() -> None:
    few_rows = group("c", (149, 0), (50, 0))
    few_positives = group("d", (271, 0), (29, 0))
    found = measure(*rows_of(A, B, few_rows, few_positives))
    assert found.ratios["demographic_parity"].value == pytest.approx(190 / 280)
    assert {g.group: (g.assessed, g.note) for g in found.groups} == {
        "a": (True, None),
        "b": (True, None),
        "c": (False, "fewer than 200 rows"),
        "d": (False, "fewer than 30 positives"),
    }


def test_a_group_without_the_outcome_is_left_out_of_its_ratios() -> None:
    found = measure(*rows_of(A, B, group("c", (29, 0), (400, 300))))
    assert found.ratios["equal_opportunity"].value == pytest.approx(0.75)
    assert found.ratios["equalised_odds"].value == pytest.approx(0.1 / 0.75)


def test_nobody_favoured_without_deserving_it_is_equal() -> None:
    found = measure(*rows_of(group("a", (300, 240), (100, 0)), group("b", (300, 180), (100, 0))))
    assert found.ratios["equalised_odds"].value == pytest.approx(0.75)


def test_one_group_alone_has_no_ratio() -> None:
    assert measure(*rows_of(A)).ratios == {}
    nobody = measure(*rows_of(group("a", (300, 0), (100, 0)), group("b", (300, 0), (100, 0))))
    assert nobody.ratios == {}


def test_missing_values_are_a_group() -> None:
    _, decided = rows_of(A, B)
    table = pa.table({"sex": pa.array([None] * 400 + ["b"] * 400, pa.string())})
    assert [g.group for g in measure(table, decided).groups] == ["(missing)", "b"]
