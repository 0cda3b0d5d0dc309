"""One rule's line, and figures in its words."""

from typing import Literal

from dropforge.drops import Document
from dropforge.evaluation import Interval
from dropforge.metrics import METRIC_NAMES
from dropforge.project import ProjectSpec

Outcome = Literal["passed", "failed", "not assessed"]
Level = Literal["absolute", "comparative", "advisory"]


class Rule(Document):
    """One rule's line: what was asked, what was seen. `level` says what its failure means.

    The `name` of a bound is its metric, as project.yml spells it.
    """

    name: str
    required: str
    observed: str
    outcome: Outcome
    level: Level = "comparative"

    @property
    def title(self) -> str:
        """The name in people's words."""
        return next((told for key, told in METRIC_NAMES.items() if key == self.name), self.name)


def passed(condition: bool) -> Outcome:
    """The outcome of a rule that was assessed; a comparison with NaN is False, and fails."""
    return "passed" if condition else "failed"


def signed(value: float) -> str:
    """Four decimals, or as many as a bound next to zero needs to show its side of it."""
    text = f"{value:+.4f}"
    return text if float(text) or not value else f"{value:+.7f}"


def with_bounds(interval: Interval, *, sign: bool = False) -> str:
    """A figure and its confidence interval: `0.780 (0.760..0.810)`."""
    form = "{:+.4f}" if sign else "{:.3f}"
    value, low, high = (form.format(v) for v in (interval.value, interval.low, interval.high))
    return f"{value} ({low}..{high})"


def told_slice(spec: ProjectSpec, column: str, value: str) -> str:
    """A slice's name; the value of a column marked personal is not told."""
    if column in spec.personal_columns:
        return f"one value of {column}"
    text = " ".join(value.split())
    return f"{column} = {text if len(text) <= 40 else text[:37] + '...'}"
