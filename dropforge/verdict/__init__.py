"""PROMOTE, HOLD or REJECT, with one line a rule."""

from dropforge.verdict.decision import Decision, Verdict, decide
from dropforge.verdict.rule import Level, Outcome, Rule
from dropforge.verdict.rules import CHAMPION, CLEAN_HOLDOUT, promotion_rules

__all__ = [
    "CHAMPION",
    "CLEAN_HOLDOUT",
    "Decision",
    "Level",
    "Outcome",
    "Rule",
    "Verdict",
    "decide",
    "promotion_rules",
]
