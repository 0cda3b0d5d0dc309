"""PROMOTE, HOLD or REJECT: one pure function from the figures and the project's rules.

REJECT: an absolute rule failed. PROMOTE: no rule failed, and there is no champion yet or the
one-sided lower bound of the paired difference to it exceeds the margin. HOLD: anything else; the
champion stays. The rules are those of `dropforge.verdict.rules`.
"""

from typing import Literal

from dropforge.drops import Document
from dropforge.evaluation import Evaluation
from dropforge.project import ProjectSpec
from dropforge.verdict.rule import Rule
from dropforge.verdict.rules import CHAMPION, CLEAN_HOLDOUT, promotion_rules

Decision = Literal["PROMOTE", "HOLD", "REJECT"]


class Verdict(Document):
    """What is done with the challenger, and why.

    `personal` are the columns whose values nobody who tells of the verdict may show.
    """

    project: str
    run: str
    verdict: Decision
    headline: str
    rules: list[Rule]
    mode: Literal["enforced", "advisory", "off"] = "enforced"
    personal: list[str] = []

    @property
    def passed(self) -> int:
        """How many rules passed."""
        return sum(rule.outcome == "passed" for rule in self.rules)


def decide(spec: ProjectSpec, evaluation: Evaluation) -> Verdict:
    """Judge a challenger by the project's promotion rules.

    With `mode: advisory` and `off` a failed rule is still listed, but the model is promoted: unless
    its features depend on the rows beside them. Such a model would not answer its golden rows.
    """
    rules = promotion_rules(spec, evaluation)
    verdict, headline = _judge(spec, evaluation, rules)
    servable = not evaluation.unstable_features
    if spec.promotion.mode != "enforced" and verdict != "PROMOTE" and servable:
        headline = (
            f"promotion mode is {spec.promotion.mode}; enforced it would be {verdict}: {headline}"
        )
        verdict = "PROMOTE"
    return Verdict(
        project=spec.name,
        run=evaluation.run,
        verdict=verdict,
        headline=headline,
        rules=rules,
        mode=spec.promotion.mode,
        personal=spec.personal_columns,
    )


def _judge(spec: ProjectSpec, evaluation: Evaluation, rules: list[Rule]) -> tuple[Decision, str]:
    failed = {rule.name: rule for rule in rules if rule.outcome == "failed"}
    if absolute := [rule for rule in failed.values() if rule.level == "absolute"]:
        return "REJECT", _listed(absolute)
    if evaluation.champion_problem:
        return "HOLD", f"the champion could not be compared: {evaluation.champion_problem}"
    if unclean := failed.get(CLEAN_HOLDOUT):
        return "HOLD", f"no clean holdout: {unclean.observed} (required: {unclean.required})"
    if evaluation.champion is not None and evaluation.comparison is None:
        return "HOLD", "the champion could not be compared: it has no figures on this holdout"
    held = [rule for rule in failed.values() if rule.level == "comparative"]
    if held:
        return "HOLD", _held(held)
    if evaluation.comparison is None:
        return "PROMOTE", "the first model, and every rule is met"
    if evaluation.comparison.lower > 0:
        return "PROMOTE", "better than the current model on rows that neither had seen"
    return "PROMOTE", (
        f"within the margin of {spec.promotion.champion.margin:+g} to the current model beyond "
        "doubt, on rows that neither had seen"
    )


def _held(failed: list[Rule]) -> str:
    others = [rule for rule in failed if rule.name != CHAMPION]
    if not others:
        return "not better than the current model beyond doubt"
    if len(others) == len(failed):
        return f"better overall, but {_listed(others)}"
    return f"not better than the current model beyond doubt, and {_listed(others)}"


def _listed(rules: list[Rule]) -> str:
    return "; ".join(f"{r.title}: {r.observed} (required: {r.required})" for r in rules)
