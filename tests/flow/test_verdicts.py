"""Scripted challengers, run whole: each gets the right verdict, and the mail says why."""

import csv
import io
from typing import Any

import numpy as np
import pytest

from tests.flow.account import Account
from tests.flow.conftest import Push

COLUMNS = ("customer_id", "female", "tenure", "charges", "district", "settled", "churn")
WEAK, STRONG = ["charges"], ["charges", "tenure"]
RULES: dict[str, Any] = {"min": {"auc": 0.52}, "min_positives": 30}


def people(rows: int, seed: int, *, first: int = 0, leaving: float | None = None) -> bytes:
    """Customers of whom `tenure` tells much and `charges` little; `leaving` is the positive share.

    `district` tells who is a woman, and women leave more often; `settled` exists only for those who
    left.
    """
    draw = np.random.default_rng(seed)
    female = draw.random(rows) < 0.5
    tenure, charges = draw.integers(0, 72, rows), draw.normal(65, 20, rows)
    logit = 0.6 - 0.06 * (tenure - 20) + 0.025 * (charges - 65) + 1.6 * (female - 0.5)
    leaves = draw.random(rows) < 1 / (1 + np.exp(-logit))
    if leaving is not None:
        leaves = np.argsort(np.argsort(-logit)) < round(leaving * rows)
    district = np.where(draw.random(rows) < 0.95, female, ~female)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for i in range(rows):
        identity = f"{first + i:06d}" if first else f"{seed:03d}{i:06d}"
        figures = [int(female[i]), int(tenure[i]), f"{charges[i]:.2f}"]
        gone = [f"{charges[i] * 0.9:.2f}", "Yes"] if leaves[i] else ["", "No"]
        writer.writerow([identity, *figures, "north" if district[i] else "south", *gone])
    return out.getvalue().encode()


class Judged:
    """What a run said of its challenger, in its documents and its one mail."""

    def __init__(self, account: Account, project: str, run: str) -> None:
        verdict = account.run_document(project, run, "verdict.json")
        self.verdict: str = verdict["verdict"]
        self.rules = {rule["name"]: rule for rule in verdict["rules"]}
        self.body = account.mail_of(project, run).body


def judged(account: Account, project: str, name: str, body: bytes) -> Judged:
    record = account.drop_and_wait(f"{project}/{name}.csv", body)
    assert account.ended(record.execution or "")["status"] == "SUCCEEDED"
    return Judged(account, project, record.settled_by or "")


@pytest.fixture(scope="module")
def started(account: Account, push: Push) -> Judged:
    """A weak first model; the tests of this file go on from it in the order they are written."""
    push("judge", features={"keep": WEAK}, promotion=RULES)
    return judged(account, "judge", "initial", people(1500, seed=1))


def test_without_a_champion_the_absolute_rules_decide(started: Judged) -> None:
    assert started.verdict == "PROMOTE"
    assert "champion" not in started.rules
    assert "the first model" in started.body


def test_a_challenger_that_is_better_provably(
    account: Account, push: Push, started: Judged
) -> None:
    push("judge", features={"keep": STRONG}, promotion=RULES)
    found = judged(account, "judge", "20201001", people(1200, seed=2))
    assert found.verdict == "PROMOTE"
    assert found.rules["champion"]["outcome"] == "passed"
    assert "better than the current model on rows that neither had seen" in found.body


def test_one_that_may_be_better_but_not_provably(account: Account, started: Judged) -> None:
    found = judged(account, "judge", "20201101", people(150, seed=3))
    assert found.verdict == "HOLD"
    assert found.rules["champion"]["outcome"] == "failed"
    assert "This is normal" in found.body


def test_one_that_is_worse(account: Account, push: Push, started: Judged) -> None:
    push("judge", features={"keep": WEAK}, promotion=RULES)
    found = judged(account, "judge", "20201201", people(1200, seed=4))
    assert found.verdict == "HOLD"
    assert "kept" in found.body
    push("judge", features={"keep": STRONG}, promotion=RULES)


def test_one_that_is_equal_but_for_chance(account: Account, push: Push, started: Judged) -> None:
    """More rows of the same kind teach it less than the margin."""
    margin = RULES | {"champion": {"margin": 0.02}}
    push("judge", features={"keep": STRONG}, promotion=margin)
    found = judged(account, "judge", "20210101", people(1200, seed=5))
    assert found.verdict == "HOLD"
    assert found.rules["champion"]["outcome"] == "failed"


def test_too_few_positives_decide_nothing(account: Account, started: Judged) -> None:
    found = judged(account, "judge", "20210201", people(300, seed=6, leaving=0.05))
    assert found.verdict == "HOLD"
    assert found.rules["clean holdout"]["outcome"] == "failed"
    assert "no clean holdout: 15 positives in 300 rows" in found.body


def test_a_champion_that_cannot_be_loaded_is_kept_and_said(
    account: Account, started: Judged
) -> None:
    champion = account.ledger.champion("judge")
    assert champion is not None
    account.overwrite(f"{champion.artifact_uri.rstrip('/')}/model.txt", b"not a model")
    found = judged(account, "judge", "20210301", people(1200, seed=7))
    assert found.verdict == "HOLD"
    assert "could not be compared" in found.body
    after = account.ledger.champion("judge")
    assert after is not None
    assert after.version == champion.version


def test_a_holdout_that_the_champion_has_seen(account: Account, push: Push) -> None:
    """Rows drawn by another seed, of a history that the champion has learnt from."""
    push("seen", features={"keep": STRONG}, promotion=RULES)
    judged(account, "seen", "initial", people(1000, seed=11))
    other = {"trials": 1, "max_rounds": 60, "early_stopping_rounds": 10, "seed": 7}
    push("seen", features={"keep": STRONG}, promotion=RULES, tune=other)
    again = people(1000, seed=11).replace(b",north,", b",west,")
    found = judged(account, "seen", "initial", again)
    assert found.verdict == "HOLD"
    assert found.rules["clean holdout"]["outcome"] == "failed"
    assert "rows were left out: the current model has seen them" in found.body


def test_better_overall_but_unfair_to_a_group(account: Account, push: Push) -> None:
    fair = RULES | {"fairness": {"female": {"demographic_parity": 0.8}}}
    push("unfair", features={"keep": WEAK}, promotion=fair, favourable="No")
    first = judged(account, "unfair", "initial", people(1500, seed=21))
    assert first.verdict == "PROMOTE"
    push("unfair", features={"keep": ["charges", "district"]}, promotion=fair, favourable="No")
    found = judged(account, "unfair", "20201001", people(2000, seed=22))
    assert found.rules["champion"]["outcome"] == "passed"
    assert found.verdict == "REJECT"
    assert "demographic parity by female" in found.body


def test_a_column_that_exists_only_once_the_outcome_is_known(account: Account, push: Push) -> None:
    push("leak", features={"keep": [*STRONG, "settled"]}, promotion=RULES)
    found = judged(account, "leak", "initial", people(1500, seed=31))
    assert found.verdict == "REJECT"
    assert "settled" in found.body
    assert account.ledger.champion("leak") is None


BATCH = """\"\"\"Depends on the rows beside each other.\"\"\"


def features(frame):
    frame["relative"] = frame["charges"] / frame["charges"].mean()
    return frame[["relative"]]
"""


def test_features_that_depend_on_the_rows_beside_them(account: Account, push: Push) -> None:
    python = {"reads": ["charges"], "gives": ["relative"]}
    features = {"keep": STRONG, "python": python}
    push("batch", features=features, promotion=RULES, python=BATCH)
    found = judged(account, "batch", "initial", people(1000, seed=41))
    assert found.verdict == "REJECT"
    assert "relative" in found.body
