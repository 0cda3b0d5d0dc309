"""The simulation of the promotion rule: its scores, its table, and what it counts as met."""

import numpy as np
import pytest

from benchmarks import promotion
from benchmarks.promotion import Case, cases, promoted, simulated

SMALL = Case("small", 2_000, 0.70, 0.80, months=1)


def test_scores_have_the_areas_asked_for() -> None:
    found = [simulated(SMALL, month) for month in range(8)]
    champion = [e.champion.metrics["auc"].value for e in found if e.champion]
    challenger = [e.challenger.metrics["auc"].value for e in found]
    assert np.mean(challenger) == pytest.approx(0.80, abs=0.01)
    assert np.mean(champion) == pytest.approx(0.70, abs=0.015)
    # The models are alike: their difference varies less than either of them.
    assert np.std(np.subtract(challenger, champion)) < np.std(champion)


def test_months_differ_and_are_seeded() -> None:
    assert simulated(SMALL, 1) == simulated(SMALL, 1) != simulated(SMALL, 2)


def test_much_better_is_promoted_and_worse_is_not() -> None:
    worse = Case("worse", 2_000, 0.80, 0.70, months=1)
    assert promoted(SMALL, 0)
    assert not promoted(worse, 0)


def test_what_is_stated() -> None:
    equal, worse, better = cases(200)
    assert (equal.months, worse.months, better.months) == (2400, 2400, 200)
    assert (better.rows, round(better.challenger - better.champion, 9)) == (10_000, 0.02)
    assert [equal.met(share) for share in (0.0, 0.12, 0.121)] == [True, True, False]
    assert [better.met(share) for share in (0.949, 0.95, 1.0)] == [False, True, True]


def test_the_table_says_what_was_not_met(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [
        Case("equal", 300, 0.7, 0.7, months=2, most=0.0),
        Case("sure", 300, 0.6, 0.99, months=2, least=0.95),
    ]
    monkeypatch.setattr(promotion, "cases", lambda repeats: given)
    # Too few positives in 300 rows for any verdict but HOLD.
    assert promotion.main(["--quick"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["equal", "300", "2", "0.0%", "<=", "0%", "met"]
    assert lines[2].split() == ["sure", "300", "2", "0.0%", ">=", "95%", "not", "met"]
