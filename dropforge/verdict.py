"""PROMOTE, HOLD or REJECT: one pure function from the figures and the project's rules.

REJECT: an absolute rule failed. PROMOTE: there is no champion yet, or the one-sided lower bound of
the paired difference to the champion exceeds the margin. HOLD: anything else; the champion stays.
"""

from typing import Literal

from dropforge.drops import Document
from dropforge.evaluation import Evaluation, FairnessFigures
from dropforge.metrics import HIGHER_IS_BETTER
from dropforge.project import FairnessRule, ProjectSpec

Outcome = Literal["passed", "failed", "not assessed"]
Decision = Literal["PROMOTE", "HOLD", "REJECT"]


class Rule(Document):
    """One rule's line: what was asked, what was seen. Absolute rules reject, the others hold."""

    name: str
    required: str
    observed: str
    outcome: Outcome
    absolute: bool = False


class Verdict(Document):
    """What is done with the challenger, and why."""

    project: str
    run: str
    verdict: Decision
    headline: str
    rules: list[Rule]
    mode: Literal["enforced", "advisory", "off"] = "enforced"

    @property
    def passed(self) -> int:
        """How many rules passed."""
        return sum(rule.outcome == "passed" for rule in self.rules)


def decide(spec: ProjectSpec, evaluation: Evaluation) -> Verdict:
    """Judge a challenger by the project's promotion rules.

    With `mode: advisory` and `off` a failed rule is still listed, but the model is promoted; `off`
    lists nothing that the project did not ask for.
    """
    rules = [*_absolute_rules(spec, evaluation), *_champion_rules(spec, evaluation)]
    verdict, headline = _judge(spec, evaluation, rules)
    if spec.promotion.mode != "enforced" and verdict != "PROMOTE":
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
    )


def _judge(spec: ProjectSpec, evaluation: Evaluation, rules: list[Rule]) -> tuple[Decision, str]:
    failed = [rule for rule in rules if rule.outcome == "failed"]
    if absolute := [rule for rule in failed if rule.absolute]:
        return "REJECT", "; ".join(
            f"{r.name} {r.observed}, required {r.required}" for r in absolute
        )
    if evaluation.champion_problem:
        return "HOLD", f"the champion could not be compared: {evaluation.champion_problem}"
    unclean = [rule for rule in rules if rule.name == "clean holdout" and rule.outcome != "passed"]
    if unclean:
        return "HOLD", f"no clean holdout: {unclean[0].observed}, required {unclean[0].required}"
    if failed:
        return "HOLD", "not better than the current model beyond doubt: the current model is kept"
    if evaluation.comparison is None:
        return "PROMOTE", "the first model, and every rule is met"
    return "PROMOTE", "better than the current model on rows that neither had seen"


def _absolute_rules(spec: ProjectSpec, evaluation: Evaluation) -> list[Rule]:
    rules = []
    for metric, bound in spec.promotion.min.items():
        value = evaluation.challenger.metrics[metric].value
        higher = HIGHER_IS_BETTER[metric]
        rules.append(
            Rule(
                name=metric,
                required=f"{'at least' if higher else 'at most'} {bound:g}",
                observed=f"{value:.4f}",
                outcome="passed" if (value >= bound if higher else value <= bound) else "failed",
                absolute=True,
            )
        )
    by_column = {figures.column: figures for figures in evaluation.fairness}
    for column, rule in spec.promotion.fairness.items():
        rules.append(_fairness_rule(column, rule, by_column.get(column)))
    return rules


def _fairness_rule(column: str, rule: FairnessRule, figures: FairnessFigures | None) -> Rule:
    found = figures.ratios.get("demographic_parity") if figures else None
    ratio = found.value if found else None
    outcome: Outcome
    if ratio is None:
        observed, outcome = "fewer than two groups large enough", "not assessed"
    else:
        observed = f"{ratio:.3f}"
        outcome = "passed" if ratio >= (rule.demographic_parity or 0.0) else "failed"
    return Rule(
        name=f"demographic parity by {column}",
        required=f"at least {rule.demographic_parity:g}",
        observed=observed,
        outcome=outcome,
        absolute=True,
    )


def _champion_rules(spec: ProjectSpec, evaluation: Evaluation) -> list[Rule]:
    if evaluation.champion is None and evaluation.champion_problem is None:
        return []
    promotion, holdout = spec.promotion, evaluation.holdout
    clean = (holdout.positives or 0) >= promotion.min_positives
    rules = [
        Rule(
            name="clean holdout",
            required=f"at least {promotion.min_positives} positives that the champion has not seen",
            observed=f"{holdout.positives:,} of {holdout.rows:,} rows",
            outcome="passed" if clean else "failed",
        )
    ]
    comparison = evaluation.comparison
    required = f"difference above {promotion.champion.margin:+g}"
    if comparison is None or not clean:
        return [
            *rules,
            Rule(
                name="champion", required=required, observed="no comparison", outcome="not assessed"
            ),
        ]
    better = comparison.lower > promotion.champion.margin
    return [
        *rules,
        Rule(
            name="champion",
            required=required,
            observed=f"{comparison.metric} {_signed(comparison.lower)} "
            f"(one-sided {comparison.confidence:.0%} bound)",
            outcome="passed" if better else "failed",
        ),
    ]


def _signed(value: float) -> str:
    """Four decimals, or as many as a bound next to zero needs to show its side of it."""
    text = f"{value:+.4f}"
    return text if float(text) or not value else f"{value:+.7f}"
