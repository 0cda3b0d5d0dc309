"""The holdout's figures: what Evaluate measures, Decide judges and the mail shows."""

from typing import Literal

from dropforge.drops import ColumnDrift, Document
from dropforge.project import Metric

HIGHER_IS_BETTER: dict[Metric, bool] = {
    "auc": True,
    "average_precision": True,
    "log_loss": False,
    "brier": False,
}


class Interval(Document):
    """A figure with its two-sided confidence interval."""

    value: float
    low: float
    high: float


class ModelFigures(Document):
    """One model on the holdout. `flagged` is the share of rows decided positive."""

    version: str
    metrics: dict[Metric, Interval]
    flagged: float
    recall: float
    precision: float | None
    threshold: float


class Comparison(Document):
    """Challenger minus champion on the same rows, by paired bootstrap.

    `lower` is the one-sided bound of `metric`'s difference at `confidence`, the sign turned so that
    positive is better; `differences` are raw with their two-sided intervals.
    """

    metric: Metric
    confidence: float
    lower: float
    differences: dict[Metric, Interval]
    flagged_difference: float
    decisions_changed: int
    rows: int
    resamples: int


class GroupFigures(Document):
    """One group of a protected column. A group too small to judge is `assessed=False`."""

    group: str
    rows: int
    positives: int
    favourable_rate: float | None
    assessed: bool
    note: str | None = None


class FairnessFigures(Document):
    """Favourable rates by one protected column; the ratio is the least over the greatest."""

    column: str
    demographic_parity: float | None
    groups: list[GroupFigures]
    is_feature: bool = False


class Holdout(Document):
    """The rows that judged. `seen_rows` were left out because the champion has seen them."""

    period: str
    rows: int
    positives: int
    seen_rows: int = 0
    judged_before: int = 0


class Importance(Document):
    """A feature's share of the total gain."""

    feature: str
    share: float


class Evaluation(Document):
    """All that is known of a challenger before it is judged."""

    project: str
    project_version: str
    run: str
    metric: Metric
    holdout: Holdout
    challenger: ModelFigures
    champion: ModelFigures | None = None
    champion_problem: str | None = None
    comparison: Comparison | None = None
    fairness: list[FairnessFigures] = []
    drift: list[ColumnDrift] = []
    importance: list[Importance] = []
    artifact_uri: str
    artifact_bytes: int
    row_latency_ms: float
    golden_rows: int
    component_check: Literal["passed"] = "passed"
    report_uri: str
    seconds: float = 0.0
