"""The project's promotion rules, each one line: what was required, what was observed.

A rule is of one of three levels. One that fails means: absolute, REJECT; comparative, HOLD (there
is a model that is better in that respect, and it is kept); advisory, nothing but its line.
"""

from dropforge.evaluation import Evaluation
from dropforge.project import ProjectSpec
from dropforge.verdict.absolute import absolute_rules
from dropforge.verdict.comparative import CHAMPION, CLEAN_HOLDOUT, comparative_rules
from dropforge.verdict.fairness import fairness_rules, worsening_rules
from dropforge.verdict.rule import Level, Rule

__all__ = ["CHAMPION", "CLEAN_HOLDOUT", "promotion_rules"]


def promotion_rules(spec: ProjectSpec, evaluation: Evaluation) -> list[Rule]:
    """Every rule that applies, the absolute ones first, the advisory ones last."""
    rules = [
        *absolute_rules(spec, evaluation),
        *fairness_rules(spec, evaluation),
        *comparative_rules(spec, evaluation),
        *worsening_rules(spec, evaluation),
    ]
    order: list[Level] = ["absolute", "comparative", "advisory"]
    return sorted(rules, key=lambda rule: order.index(rule.level))
